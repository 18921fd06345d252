/**
 * A model package that answers at once: one Greater node, gates that let everything through. What is tested with it is
 * everything around a model.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKSUM_FILE, checksumsOf, checksumText } from '../../adapters/model-folder/checksums.ts';
import { GraphBuilder } from '../../adapters/onnx-writer/graph-builder.ts';
import { elementTypeNumber, floats } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import { lungCard } from './model-card.ts';

const NAME = 'nothing-much';
const VERSION = '1.0.0';

/** Writes the package below the folder. @returns its own folder. */
export async function writeNullModel(folder: string): Promise<string> {
  const home = join(folder, NAME);
  mkdirSync(home, { recursive: true });
  const graph = graphBytes();
  writeFileSync(join(home, 'model.onnx'), graph);
  writeFileSync(
    join(home, 'card.json'),
    JSON.stringify(nullCard(createHash('sha256').update(graph).digest('hex')), null, 2),
  );
  writeFileSync(join(home, CHECKSUM_FILE), checksumText(await checksumsOf(home)));
  return home;
}

/** `volume` INT16 [z, y, x] → `labels` UINT8, 1 where it is above -500. */
function graphBytes(): Uint8Array {
  const shape = ['z', 'y', 'x'];
  const graph = new GraphBuilder(NAME);
  const volume = graph.input('volume', 'INT16', shape);
  const values = graph.node('Cast', [volume], { to: elementTypeNumber('FLOAT') });
  const limit = graph.constant(floats([-500], []));
  const above = graph.node('Greater', [values, limit]);
  graph.output(graph.node('Cast', [above], { to: elementTypeNumber('UINT8') }), 'UINT8', shape, 'labels');
  return writeModel(graph, { opset: 18, producerName: 'wetread', producerVersion: VERSION, description: NAME });
}

/** The bundled card with one segment, one finding of one measure, and no gate that anything fails. */
function nullCard(sha256: string): ModelCard {
  const card = lungCard();
  const [output] = card.outputs;
  const { reference: _reference, ...input } = card.input;
  const [segment] = output.segments;
  const [finding] = output.findings;
  return {
    ...card,
    name: NAME,
    version: VERSION,
    title: 'Nothing much',
    ...(card.report && { report: { ...card.report, impression: [] } }),
    intendedUse: [{ ...card.intendedUse[0], sliceThicknessMm: { minimum: 0.1, maximum: 50 } }],
    runtime: { kind: 'onnx', file: 'model.onnx', sha256, opset: 18, deterministic: true },
    input: {
      ...input,
      gate: {
        minimumSlices: 3,
        minimumExtentMm: [0, 0, 0],
        maximumSpacingMm: [50, 50, 50],
        refusedBodyParts: [],
        values: [],
      },
    },
    outputs: [
      {
        ...output,
        segments: [segment],
        otherLabels: [],
        refine: { range: { low: -400, high: 4000 } },
        gate: { regions: [] },
        findings: [{ ...finding, measures: [finding.measures[0]] }],
      },
    ],
  };
}
