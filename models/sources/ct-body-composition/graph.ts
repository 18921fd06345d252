/**
 * `tissues.onnx`: what the body is made of, from CT numbers on a 2 mm grid. Thresholds inside the outline of the body,
 * and morphology; no learned weights. The body is found as `ct-lung-density` finds it.
 */
import { GraphBuilder, type Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber } from '../../../adapters/onnx-writer/tensor-literal.ts';
import { AIR_LIMIT, findInside } from '../ct-lung-density/inside.ts';
import { Morphology } from '../ct-lung-density/morphology.ts';
import { LABEL } from './labels.ts';

/** HU; half way between muscle and cancellous bone without contrast agent. */
const BONE_LIMIT = 180;
/** HU; the range that body composition studies use for adipose tissue. */
const FAT = { low: -190, high: -30 };
const CUBE = [3, 3, 3];

export function tissueGraph(): GraphBuilder {
  const graph = new GraphBuilder('ct-body-composition');
  const shape = ['slices', 'rows', 'columns'];
  const volume = graph.input('volume', 'INT16', shape);
  const m = new Morphology(graph);
  const hu = graph.node('Unsqueeze', [graph.node('Cast', [volume], { to: elementTypeNumber('FLOAT') }), m.index(0, 1)]);
  const labels = graph.node('Squeeze', [tissues(m, hu), m.index(0, 1)]);
  graph.output(graph.node('Cast', [labels], { to: elementTypeNumber('UINT8') }), 'UINT8', shape, 'labels');
  return graph;
}

/**
 * One label a voxel. Where gas meets soft tissue, voxels of both have the values of fat: beside gas, what is above half
 * way between the two is soft tissue.
 */
function tissues(m: Morphology, hu: Value): Value {
  const { inside, insideAir: gas } = findInside(m, hu);
  const within = (low: number, high: number): Value => m.and(inside, m.above(hu, low), m.not(m.above(hu, high)));
  const nearGas = m.dilate(gas, CUBE);
  const bone = closed(m, m.and(inside, m.above(hu, BONE_LIMIT)));
  const others = m.or(
    m.and(within(FAT.low, FAT.high), m.not(nearGas), m.number(LABEL.fat)),
    m.and(within(AIR_LIMIT, FAT.high), nearGas, m.number(LABEL.softTissue)),
    m.and(within(FAT.high, BONE_LIMIT), m.number(LABEL.softTissue)),
    m.and(gas, m.number(LABEL.gas)),
  );
  return m.graph.node('Where', [m.toCondition(bone), m.and(bone, m.number(LABEL.bone)), others]);
}

/** Marrow that a shell of bone closes in is part of the bone. */
function closed(m: Morphology, mask: Value): Value {
  return m.erode(m.dilate(mask, CUBE), CUBE);
}
