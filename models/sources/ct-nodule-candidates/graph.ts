/**
 * `nodules.onnx`: from CT numbers on a 2.5 mm grid to balls in the lungs, by curvature alone; no learned weights. The
 * lungs are those of `ct-lung-density`, closed over what is not aerated in them.
 */
import { GraphBuilder, type Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber, floats, int64s } from '../../../adapters/onnx-writer/tensor-literal.ts';
import { trackAirways } from '../ct-lung-density/airways.ts';
import { findInside } from '../ct-lung-density/inside.ts';
import { LABEL } from '../ct-lung-density/labels.ts';
import { labelLungs } from '../ct-lung-density/lungs.ts';
import { Morphology } from '../ct-lung-density/morphology.ts';
import { dotEnhancement } from './blobs.ts';

const SPACING_MM = 2.5;
/** Scales in voxels, and the radius in mm of the ball that answers most at each, measured on phantoms. */
const SCALES = [
  { sigma: 1, radiusMm: 4 },
  { sigma: 1.4, radiusMm: 5.5 },
  { sigma: 2, radiusMm: 8 },
] as const;
/** HU between which nodules lie; bone and air outside count as the nearest of the two. */
const [LOWEST, HIGHEST] = [-950, 100];
/** Voxels across which holes in the lung are closed: a nodule of 17 mm. */
const CLOSED_OVER = [9, 9, 9];
/** Voxels: the only candidate in this window is the one that answers most. */
const NEIGHBOURHOOD = [5, 5, 5];
/** HU: what answers less is noise or a vessel, and no row is spent on it. */
const FLOOR = 30;
/** Rows of the output. */
export const CANDIDATES = 64;
/** HU: brings scores to the order of 1, where the calibration of the card takes them up. */
const SCORE_UNIT = 100;

export function noduleGraph(): GraphBuilder {
  const graph = new GraphBuilder('ct-nodule-candidates');
  const volume = graph.input('volume', 'INT16', ['slices', 'rows', 'columns']);
  const m = new Morphology(graph);
  const hu = graph.node('Unsqueeze', [graph.node('Cast', [volume], { to: elementTypeNumber('FLOAT') }), m.index(0, 1)]);
  const scene = findInside(m, hu);
  const lungs = labelLungs(m, hu, scene, trackAirways(m, hu, scene));
  const sides = closedLungs(m, lungs);
  const { answer, radius } = strongest(m, graph.node('Clip', [hu, m.number(LOWEST), m.number(HIGHEST)]));
  const isPeak = m.toMask(graph.node('Equal', [answer, m.dilate(answer, NEIGHBOURHOOD)]));
  const peaks = m.and(answer, isPeak, m.above(answer, FLOOR), m.above(sides, 0.5));
  graph.output(candidates(m, peaks, [radius, sides]), 'FLOAT', [CANDIDATES, 6], 'candidates');
  graph.output(searched(m, sides), 'FLOAT', [2], 'searched');
  return graph;
}

/** 1 right, 2 left, 0 elsewhere: each lung with its vessels and whatever else it encloses. */
function closedLungs(m: Morphology, labels: Value): Value {
  const closed = (label: number): Value => {
    const difference = m.graph.node('Abs', [m.graph.node('Sub', [labels, m.number(label)])]);
    return m.erode(m.dilate(m.below(difference, 0.5), CLOSED_OVER), CLOSED_OVER);
  };
  const right = closed(LABEL.right);
  const left = m.and(closed(LABEL.left), m.not(right));
  return m.or(right, m.and(left, m.number(2)));
}

/** Millilitres of the right and of the left lung, closed. */
function searched(m: Morphology, sides: Value): Value {
  const milliliters = (mask: Value): Value =>
    m.graph.node('Unsqueeze', [m.graph.node('Mul', [m.sum(mask), m.number(SPACING_MM ** 3 / 1000)]), m.index(0)]);
  const left = m.above(sides, 1.5);
  return m.graph.node('Concat', [milliliters(m.and(m.above(sides, 0.5), m.not(left))), milliliters(left)], { axis: 0 });
}

/** Over all scales: the strongest answer and the radius that belongs to it. */
function strongest(m: Morphology, hu: Value): { readonly answer: Value; readonly radius: Value } {
  const answers = SCALES.map(({ sigma }) => dotEnhancement(m, hu, sigma));
  const stacked = m.graph.node('Concat', answers, { axis: 1 });
  const best = m.graph.node('ArgMax', [stacked], { axis: 1 });
  const radii = m.graph.constant(floats(SCALES.map(({ radiusMm }) => radiusMm)));
  return { answer: m.graph.node('ReduceMax', [stacked, m.index(1)]), radius: m.graph.node('Gather', [radii, best]) };
}

/** Rows `[slice, row, column, radius in mm, score, side]` of the highest peaks; rows that are none hold zeros. */
function candidates(m: Morphology, peaks: Value, [radius, sides]: readonly [Value, Value]): Value {
  const { graph } = m;
  const flat = (values: Value): Value => graph.node('Reshape', [values, m.index(-1)]);
  const [answers, places] = graph.nodes('TopK', [flat(peaks), m.index(CANDIDATES)], {}, 2) as [Value, Value];
  const [rows, columns] = [m.size(peaks, 3), m.size(peaks, 4)];
  const perSlice = graph.node('Mul', [rows, columns]);
  const whole = (value: Value, divisor: Value): Value => graph.node('Div', [value, divisor]);
  const rest = (value: Value, divisor: Value): Value => graph.node('Mod', [value, divisor]);
  const slice = whole(places, perSlice);
  const inSlice = rest(places, perSlice);
  const score = graph.node('Div', [answers, m.number(SCORE_UNIT)]);
  const at = (values: Value): Value => graph.node('Gather', [flat(values), places]);
  const values = [
    m.toMask(slice),
    m.toMask(whole(inSlice, columns)),
    m.toMask(rest(inSlice, columns)),
    at(radius),
    score,
    at(sides),
  ];
  const columnsOf = values.map((value) => graph.node('Unsqueeze', [value, graph.constant(int64s([1]))]));
  const table = graph.node('Concat', columnsOf, { axis: 1 });
  const isPeak = m.above(graph.node('Unsqueeze', [answers, graph.constant(int64s([1]))]), 0);
  return graph.node('Mul', [table, isPeak]);
}
