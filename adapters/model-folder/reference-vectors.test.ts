/** A package whose outputs are numbers, from its files to its findings: loaded, run on a chest, read, and refused when damaged. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { validateStudyEmbedding } from '../../contracts/generated/validators.js';
import type { ModelCard } from '../../src/inference/model-package.ts';
import { explain, isSkipped } from '../../src/reasons.ts';
import { draft } from '../../src/reporting/draft.ts';
import { embeddingDocument } from '../../src/reporting/embedding-document.ts';
import { copyPackage, editCard, seal } from '../../test/support/model-package.ts';
import { openModelReader } from '../../test/support/model-reading.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { phantomVolume } from '../../test/support/phantom-volume.ts';
import { sampleStudyHeader } from '../../test/support/sample-report.ts';
import { GraphBuilder } from '../onnx-writer/graph-builder.ts';
import { elementTypeNumber, int64s } from '../onnx-writer/tensor-literal.ts';
import { writeModel } from '../onnx-writer/write-model.ts';
import { chestCt } from '../phantom/chest-ct.ts';
import { loadModelPackage } from './model-shelf.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());

/** Mean, largest and smallest value of the volume, as one vector. */
function statisticsGraph(): GraphBuilder {
  const graph = new GraphBuilder('statistics');
  const volume = graph.input('volume', 'INT16', ['slices', 'rows', 'columns']);
  const values = graph.node('Cast', [volume], { to: elementTypeNumber('FLOAT') });
  const flat = graph.node('Reshape', [values, graph.constant(int64s([-1]))]);
  const along = graph.constant(int64s([0]));
  const parts = ['ReduceMean', 'ReduceMax', 'ReduceMin'].map((name) => graph.node(name, [flat, along]));
  graph.output(graph.node('Concat', parts, { axis: 0 }), 'FLOAT', [3], 'statistics');
  const mean = graph.node('Identity', [parts[0]]);
  graph.output(mean, 'FLOAT', [1], 'mean');
  return graph;
}

const BODY = {
  category: { value: '91723000', scheme: 'SCT', meaning: 'Anatomical structure' },
  concept: { value: '38266002', scheme: 'SCT', meaning: 'Entire body' },
} as const;
const OUTPUTS: ModelCard['outputs'] = [
  {
    kind: 'measurement',
    tensor: 'mean',
    length: 1,
    findings: [
      {
        key: 'image',
        ...BODY,
        measures: [
          {
            key: 'mean-density',
            index: 0,
            concept: { value: '112031', scheme: 'DCM', meaning: 'Attenuation Coefficient' },
            unit: { value: "[hnsf'U]", scheme: 'UCUM', meaning: 'Hounsfield unit' },
            decimals: 0,
            scale: 1,
            offset: 0,
            plausible: { minimum: -1000, maximum: 0 },
          },
        ],
      },
    ],
  },
  {
    kind: 'embedding',
    tensor: 'statistics',
    length: 3,
    references: 'references.json',
    findings: [
      { key: 'like-a-chest', ...BODY, reference: 'chest', thresholds: { present: 0.9, absent: 0.5 } },
      { key: 'like-its-opposite', ...BODY, reference: 'opposite', thresholds: { present: 0.9, absent: 0.5 } },
    ],
  },
];

async function numbersPackage(name: string, vectors: Record<string, readonly number[]>): Promise<string> {
  const folder = copyPackage(join(scratch.path, name));
  rmSync(join(folder, 'golden'), { recursive: true });
  const bytes = writeModel(statisticsGraph(), {
    opset: 18,
    producerName: 'wetread',
    producerVersion: '1.0.0',
    description: 'Statistics',
  });
  writeFileSync(join(folder, 'lungs.onnx'), bytes);
  editCard(folder, (card) => {
    delete card.report;
    Object.assign(card, { outputs: OUTPUTS });
    Object.assign(card.runtime, { sha256: createHash('sha256').update(bytes).digest('hex') });
  });
  writeFileSync(join(folder, 'references.json'), JSON.stringify({ schemaVersion: 1, vectors }));
  await seal(folder);
  return folder;
}

test('WR-EMB-04 WR-REG-04 a chest becomes a number, a likeness and a vector that only the study keeps', async () => {
  const folder = await numbersPackage('numbers', { chest: [-700, 700, -1000], opposite: [700, -700, 1000] });
  const reader = await openModelReader(folder);
  const ct = chestCt({ matrix: 208, slices: 66, sliceSpacing: 5 });
  const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
  const reading = await reader.read(volume);
  reader.release(volume);
  await reader.close();
  if (isSkipped(reading)) assert.fail(explain(reading.skipped));
  const [image, chest, opposite] = reading.findings.findings;
  const mean = image!.measurements[0]!.value!;
  assert.ok(mean < -400 && mean > -900, `${mean} HU`);
  assert.deepEqual([chest!.presence, opposite!.presence], ['present', 'absent']);
  assert.equal(chest!.measurements[0]!.value, -opposite!.measurements[0]!.value!);

  const study = sampleStudyHeader(volume);
  const kept = embeddingDocument(study.studyInstanceUid, [reading])!;
  assert.ok(validateStudyEmbedding(kept), JSON.stringify(validateStudyEmbedding.errors));
  const [{ tensor, vector }] = kept.embeddings;
  assert.equal(tensor, 'statistics');
  assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-9);
  const provenance = {
    attemptKey: 'a',
    revision: 1,
    createdAt: '2026-03-14T15:09:26.535Z',
    instanceSetDigest: 'b',
    software: { name: 'Wetread', version: '0.1.0' },
  };
  const report = JSON.stringify(draft({ study, readings: [reading], provenance }));
  for (const value of vector) assert.ok(!report.includes(String(value)), 'the draft holds a part of the vector');
  assert.equal(embeddingDocument(study.studyInstanceUid, [{ findings: reading.findings }]), undefined);
});

test('WR-EMB-04 a package whose references are missing, unfit or no references is refused', async () => {
  const refused = async (name: string, vectors: Record<string, readonly number[]>, message: RegExp): Promise<void> => {
    const folder = await numbersPackage(name, vectors);
    await assert.rejects(loadModelPackage(folder), { code: 'package-invalid', message });
  };
  await refused('short', { chest: [1, 2], opposite: [1, 2, 3] }, /chest is no vector of length 3/);
  await refused('missing', { chest: [1, 2, 3] }, /opposite is missing/);
  await refused('empty', {}, /references\.json: .*fewer than 1/);
  const folder = await numbersPackage('no file', { chest: [1, 2, 3], opposite: [1, 2, 3] });
  rmSync(join(folder, 'references.json'));
  await seal(folder);
  await assert.rejects(loadModelPackage(folder), { code: 'package-invalid', message: /references\.json is missing/ });
});
