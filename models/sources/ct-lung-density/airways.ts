/**
 * Trachea and main bronchi: followed slice by slice from the head downwards, then a little way into the lungs.
 *
 * Seen in one slice, the trachea is a hole of its own: narrow, dark, and apart from the lungs. Below the carina the
 * bronchi open into the lungs, so following stops at whatever is too wide to be an airway.
 */
import type { Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import type { Scene } from './inside.ts';
import type { Morphology } from './morphology.ts';

/** Wider than any trachea: 11 voxels are 27.5 mm. */
const TOO_WIDE = [11, 11];
/** In the plane, voxels around the lungs that count as attached to them. */
const ATTACHED_ROUNDS = 12;
/** Voxels to either side of the body's middle in which a trachea is looked for. */
const CENTRAL = 12;
const FOLLOW_ROUNDS = 4;
/** Voxels in one slice: fewer are no trachea, and a new one is looked for. */
const LOST_BELOW = 6;
const IN_PLANE = [3, 3];

export function trackAirways(m: Morphology, hu: Value, scene: Scene): Value {
  const slices = toSlices(m, scene.insideAir);
  const wide = m.open(slices, TOO_WIDE);
  const mean = m.smooth(toSlices(m, hu), IN_PLANE);
  const lumen = m.and(darkerThanLung(m, mean, wide, scene), slices, m.not(wide));
  const central = m.below(toSlices(m, m.graph.node('Abs', [scene.fromMiddle])), CENTRAL);
  const attached = attachedTo(m, wide, slices);
  const seeds = m.and(lumen, m.not(attached), central, aboveWidestSlice(m, slices));
  const followed = follow(m, seeds, lumen);
  return toVolume(m, followed);
}

/** Slices as a batch of pictures: `[slices, 1, rows, columns]`. */
function toSlices(m: Morphology, volume: Value): Value {
  return m.graph.node('Transpose', [m.graph.node('Squeeze', [volume, m.index(0)])], { perm: [1, 0, 2, 3] });
}

function toVolume(m: Morphology, slices: Value): Value {
  return m.graph.node('Unsqueeze', [m.graph.node('Transpose', [slices], { perm: [1, 0, 2, 3] }), m.index(0)]);
}

/**
 * Half way between the lung of this patient and the air around: an emphysematous lung is darker than another's airway
 * wall, and scanners differ by 40 HU in what they call air.
 */
function darkerThanLung(m: Morphology, mean: Value, wide: Value, scene: Scene): Value {
  const room = toSlices(m, m.erode(m.and(scene.air, m.not(scene.inside)), [3, 3, 3]));
  const limit = m.graph.node('Mul', [m.number(0.5), m.graph.node('Add', [m.mean(mean, wide), m.mean(mean, room)])]);
  return m.toMask(m.graph.node('Less', [mean, limit]));
}

function attachedTo(m: Morphology, wide: Value, slices: Value): Value {
  let attached = wide;
  for (let round = 0; round < ATTACHED_ROUNDS; round++) attached = m.and(m.dilate(attached, IN_PLANE), slices);
  return attached;
}

/** Bowel gas may look like a trachea, but lies below the slice in which the lungs are widest. */
function aboveWidestSlice(m: Morphology, slices: Value): Value {
  const area = m.graph.node('ReduceSum', [slices, m.index(1, 2, 3)]);
  const widest = m.graph.node('ArgMax', [area], { axis: 0 });
  const zero = m.graph.node('Squeeze', [m.index(0)]);
  const one = m.graph.node('Squeeze', [m.index(1)]);
  const count = m.graph.node('Squeeze', [m.graph.node('Shape', [slices], { start: 0, end: 1 })]);
  const position = m.graph.node('Unsqueeze', [m.graph.node('Range', [zero, count, one]), m.index(1, 2, 3)]);
  return m.toMask(m.graph.node('Greater', [position, widest]));
}

/**
 * From the last slice (head) to the first: what was airway above spreads in the plane within the lumen. Seeds count only
 * while nothing is being followed, so that a dark spot in a lung never becomes a second trachea.
 */
function follow(m: Morphology, seeds: Value, lumen: Value): Value {
  const body = m.subgraph('follow');
  const above = body.graph.parameter('FLOAT');
  const seedsHere = body.graph.parameter('FLOAT');
  const lumenHere = body.graph.parameter('FLOAT');
  const batch = body.index(0);
  const within = body.graph.node('Unsqueeze', [lumenHere, batch]);
  const lost = body.toMask(body.graph.node('Less', [body.sum(above), body.number(LOST_BELOW)]));
  let mask = body.or(above, body.and(body.graph.node('Unsqueeze', [seedsHere, batch]), lost));
  for (let round = 0; round < FOLLOW_ROUNDS; round++) mask = body.and(body.dilate(mask, IN_PLANE), within);
  body.graph.output(mask, 'FLOAT');
  body.graph.output(body.graph.node('Squeeze', [mask, batch]), 'FLOAT');
  const first = m.graph.node('Slice', [seeds, m.index(0), m.index(1), m.index(0)]);
  const none = m.and(first, m.number(0));
  const outputs = m.graph.nodes(
    'Scan',
    [none, seeds, lumen],
    {
      body: { graph: body.graph.build() },
      num_scan_inputs: 2,
      scan_input_directions: [1, 1],
      scan_output_directions: [1],
    },
    2,
  );
  return outputs[1]!;
}
