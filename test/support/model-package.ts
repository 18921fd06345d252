/** Copies of the bundled package to damage, and graphs that the bundled one is exchanged for. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { CHECKSUM_FILE, checksumsOf, checksumText } from '../../adapters/model-folder/checksums.ts';
import { LUNG_PACKAGE } from './lung-reading.ts';
import type { LungCard } from './model-card.ts';

export const { onnx } = onnxProto;
export type Model = InstanceType<typeof onnx.ModelProto>;

/** Writes the checksums of what the folder holds: what was changed before is then no longer a change. */
export async function seal(folder: string): Promise<void> {
  writeFileSync(join(folder, CHECKSUM_FILE), checksumText(await checksumsOf(folder)));
}

export function copyPackage(folder: string): string {
  cpSync(LUNG_PACKAGE, folder, { recursive: true });
  return folder;
}

export function editCard(folder: string, edit: (card: LungCard) => void): void {
  const path = join(folder, 'card.json');
  const card = JSON.parse(readFileSync(path, 'utf8')) as LungCard;
  edit(card);
  writeFileSync(path, JSON.stringify(card, null, 2));
}

/** Exchanges the graph for an edited one that the card agrees with: only the graph itself can be refused. */
export function editGraph(folder: string, edit: (model: Model) => void): void {
  const path = join(folder, 'lungs.onnx');
  const model = onnx.ModelProto.decode(readFileSync(path));
  edit(model);
  writeGraph(folder, onnx.ModelProto.encode(model).finish());
}

export function writeGraph(folder: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, 'lungs.onnx'), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  editCard(folder, (card) => Object.assign(card.runtime, { sha256 }));
}
