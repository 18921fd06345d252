/**
 * Builds the bundled model packages: graphs from their sources, golden cases, then checksums over every file.
 * `npm run models` writes, `npm run models -- --check` fails on a difference.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKSUM_FILE, checksumsOf, checksumText } from '../adapters/model-folder/checksums.ts';
import type { GraphBuilder } from '../adapters/onnx-writer/graph-builder.ts';
import { writeModel } from '../adapters/onnx-writer/write-model.ts';
import { tissueGolden } from './sources/ct-body-composition/golden.ts';
import { tissueGraph } from './sources/ct-body-composition/graph.ts';
import { lungGolden } from './sources/ct-lung-density/golden.ts';
import { lungGraph } from './sources/ct-lung-density/graph.ts';
import { noduleGolden } from './sources/ct-nodule-candidates/golden.ts';
import { noduleGraph } from './sources/ct-nodule-candidates/graph.ts';
import { heartGolden } from './sources/dx-heart-size/golden.ts';
import { heartGraph } from './sources/dx-heart-size/graph.ts';

interface Source {
  readonly graph: () => GraphBuilder;
  /** Files of the folder `golden`, made by running the graph. */
  readonly golden: (graph: Uint8Array) => Promise<ReadonlyMap<string, Uint8Array | string>>;
}

const SOURCES: Readonly<Record<string, Source>> = {
  'ct-lung-density': { graph: lungGraph, golden: lungGolden },
  'examples/ct-body-composition': { graph: tissueGraph, golden: tissueGolden },
  'examples/ct-nodule-candidates': { graph: noduleGraph, golden: noduleGolden },
  'examples/dx-heart-size': { graph: heartGraph, golden: heartGolden },
};

interface CardHead {
  readonly version: string;
  readonly description: string;
  readonly runtime: { readonly file: string; readonly sha256: string; readonly opset: number };
}

const check = process.argv.includes('--check');

/** Writes the file, or says that it differs. */
function put(path: string, bytes: Uint8Array | string): void {
  if (!check) writeFileSync(path, bytes);
  else if (!readFileSync(path).equals(Buffer.from(bytes))) {
    process.stderr.write(`${path} is out of date: run npm run models\n`);
    process.exitCode = 1;
  }
}

for (const [name, source] of Object.entries(SOURCES)) {
  const folder = join(import.meta.dirname, name);
  const cardPath = join(folder, 'card.json');
  const cardText = readFileSync(cardPath, 'utf8');
  const { version, description, runtime } = JSON.parse(cardText) as CardHead;
  const facts = { opset: runtime.opset, producerName: 'wetread', producerVersion: version, description };
  const bytes = writeModel(source.graph(), facts);
  put(join(folder, runtime.file), bytes);
  put(cardPath, cardText.replace(runtime.sha256, createHash('sha256').update(bytes).digest('hex')));
  for (const [file, content] of await source.golden(bytes)) put(join(folder, 'golden', file), content);
  put(join(folder, CHECKSUM_FILE), checksumText(await checksumsOf(folder)));
}
