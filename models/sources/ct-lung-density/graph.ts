/**
 * `lungs.onnx`: from CT numbers on a 2.5 mm grid to a label map of the lungs, by thresholds and morphology alone; no
 * learned weights. Axes ascend to the head, the back and the patient's left, so right and left are never guessed.
 */
import { GraphBuilder, type Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber } from '../../../adapters/onnx-writer/tensor-literal.ts';
import { trackAirways } from './airways.ts';
import { findInside } from './inside.ts';
import { labelLungs } from './lungs.ts';
import { Morphology } from './morphology.ts';

export function lungGraph(): GraphBuilder {
  const graph = new GraphBuilder('ct-lung-density');
  const shape = ['slices', 'rows', 'columns'];
  const volume = graph.input('volume', 'INT16', shape);
  const morphology = new Morphology(graph);
  const hu = graph.node('Unsqueeze', [
    graph.node('Cast', [volume], { to: elementTypeNumber('FLOAT') }),
    morphology.index(0, 1),
  ]);
  const scene = findInside(morphology, hu);
  const airways = trackAirways(morphology, hu, scene);
  const labels = labelLungs(morphology, hu, scene, airways);
  graph.output(asOutput(morphology, labels), 'UINT8', shape, 'labels');
  return graph;
}

function asOutput(morphology: Morphology, labels: Value): Value {
  const { graph } = morphology;
  const volume = graph.node('Squeeze', [labels, morphology.index(0, 1)]);
  return graph.node('Cast', [volume], { to: elementTypeNumber('UINT8') });
}
