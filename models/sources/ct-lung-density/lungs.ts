/** The two lungs, told apart and grown to their borders, with other air growing against them. */
import type { Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { floats } from '../../../adapters/onnx-writer/tensor-literal.ts';
import type { Scene } from './inside.ts';
import { LABEL } from './labels.ts';
import { AXIS, type Morphology } from './morphology.ts';

/**
 * HU above the mean of the lung's inside: surely aerated. Partial volume lifts even a wall of a millimetre, such as
 * diaphragm and colon, above it.
 */
const AERATED_ABOVE_MEAN = 180;
const AERATED_LIMITS = { low: -780, high: -600 };
const CUBE = [3, 3, 3];
/** Voxels: to smooth over, and wider than the sheet. */
const ALONG_SEPTUM = [5, 3, 1];
const ACROSS_SEPTUM = [1, 1, 5];
/** HU; noise of 60 HU is down to 15 after smoothing. */
const SEPTUM_PROMINENCE = 90;
/** Voxels to either side of the body's middle. */
const SEPTUM_REGION = 20;
/** Coarse voxels (5 mm) towards the head from the widest slice: no bowel gas reaches there. */
const SEED_SLICES = 8;
/** Voxels from the middle: nearer, a lung may reach across it. */
const SEED_DISTANCE = 12;
/** Behind the end of every axis. */
const LAST = 2 ** 31 - 1;
/** 5 mm a round: the way from the seeds to the farthest end of a lung. */
const COARSE_ROUNDS = 120;
/** 2.5 mm a round: into recesses too thin for the coarse grid. */
const FINE_ROUNDS = 3;

export function labelLungs(m: Morphology, hu: Value, scene: Scene, airways: Value): Value {
  const airwayReach = m.dilate(airways, CUBE);
  const lungAir = m.and(scene.insideAir, m.not(airwayReach));
  const limit = aeratedLimit(m, hu, lungAir);
  const aerated = m.and(lungAir, m.toMask(m.graph.node('Less', [hu, limit])));
  const core = allOfEight(m, m.and(aerated, m.not(septum(m, hu, scene))));
  const lungCore = m.spread(seeds(m, core, scene), core, COARSE_ROUNDS);
  const otherCore = m.and(core, m.not(m.above(lungCore, 0.5)));
  const cores = m.or(lungCore, m.and(otherCore, m.number(LABEL.otherAir)));
  const started = m.or(
    m.and(toFine(m, cores, hu), aerated),
    m.and(airways, m.number(LABEL.airway)),
    m.and(scene.air, m.not(scene.inside), m.number(LABEL.otherAir)),
  );
  const grown = m.spread(started, scene.air, FINE_ROUNDS);
  return borderedBy(m, grown);
}

function aeratedLimit(m: Morphology, hu: Value, lungAir: Value): Value {
  const typical = m.mean(hu, m.erode(lungAir, CUBE));
  const limit = m.graph.node('Add', [typical, m.number(AERATED_ABOVE_MEAN)]);
  return m.graph.node('Clip', [limit, m.number(AERATED_LIMITS.low), m.number(AERATED_LIMITS.high)]);
}

/**
 * Where the lungs touch, a sheet of a millimetre parts them, too thin for any threshold: a ridge across the columns,
 * seen best after smoothing along the sheet. Vessels near the middle look like it too, which does no harm: the core
 * flows around them.
 */
function septum(m: Morphology, hu: Value, scene: Scene): Value {
  const lung = m.graph.node('Clip', [hu, m.number(-1000), m.number(0)]);
  const prominence = m.smooth(m.prominence(lung, ACROSS_SEPTUM), ALONG_SEPTUM);
  const central = m.below(m.graph.node('Abs', [scene.fromMiddle]), SEPTUM_REGION);
  return m.and(m.above(prominence, SEPTUM_PROMINENCE), central);
}

/** Half the grid: a coarse voxel is set when all of its eight fine voxels are, so that thin walls keep things apart. */
function allOfEight(m: Morphology, mask: Value): Value {
  const pooled = m.graph.node('MaxPool', [m.not(mask)], { kernel_shape: [2, 2, 2], strides: [2, 2, 2], ceil_mode: 1 });
  return m.not(pooled);
}

function toFine(m: Morphology, coarse: Value, like: Value): Value {
  const doubled = m.graph.node('Resize', [coarse, undefined, m.graph.constant(floats([1, 1, 2, 2, 2]))], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  const starts = m.index(0, 0, 0);
  const ends = m.graph.node('Shape', [like], { start: AXIS.slice, end: 5 });
  return m.graph.node('Slice', [doubled, starts, ends, m.index(AXIS.slice, AXIS.row, AXIS.column)]);
}

/** Thick parts of the core in and above its widest slice: well to the right of the body's middle is the right lung. */
function seeds(m: Morphology, core: Value, scene: Scene): Value {
  const thick = m.erode(core, CUBE);
  const area = m.graph.node('ReduceSum', [thick, m.index(AXIS.row, AXIS.column)]);
  const widest = m.graph.node('ArgMax', [area], { axis: AXIS.slice });
  const height = m.toMask(m.graph.node('Sub', [m.positions(core, AXIS.slice), widest]));
  const level = m.and(thick, m.above(height, -0.5), m.below(height, SEED_SLICES + 0.5));
  const fromMiddle = everySecond(m, scene.fromMiddle);
  const isRight = m.below(fromMiddle, -SEED_DISTANCE);
  const isLeft = m.above(fromMiddle, SEED_DISTANCE);
  return m.or(m.and(level, isRight, m.number(LABEL.right)), m.and(level, isLeft, m.number(LABEL.left)));
}

/** Of slices and columns, as {@link allOfEight} pairs them. */
function everySecond(m: Morphology, values: Value): Value {
  const [starts, ends] = [m.index(0, 0), m.index(LAST, LAST)];
  return m.graph.node('Slice', [values, starts, ends, m.index(AXIS.slice, AXIS.column), m.index(2, 2)]);
}

/** One voxel into the tissue around, so that the border can be found at full resolution. */
function borderedBy(m: Morphology, labels: Value): Value {
  return m.graph.node('Where', [m.toCondition(labels), labels, m.dilate(labels, CUBE)]);
}
