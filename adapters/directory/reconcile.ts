/** Brings the index in line with the files at start: what is new is read, what is gone is forgotten. */
import { createHash } from 'node:crypto';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { type Cause, isSkipped } from '../../src/reasons.ts';
import { inspect } from './batch.ts';
import type { InstanceIdentity, InstanceInspector } from './instance.ts';
import { type InstanceIndex, text } from './instance-index.ts';
import type { Intake } from './intake.ts';

export interface ReconcileParts {
  /** The folder of instances. */
  readonly root: string;
  readonly index: InstanceIndex;
  readonly intake: Intake;
  readonly inspector: InstanceInspector;
  readonly isOwn: (dataSet: DicomDataSet) => boolean;
  readonly report: (why: Cause, identity?: InstanceIdentity) => void;
}

/** Files whose size and time of change the index knows are not opened. */
export async function reconcile(parts: ReconcileParts): Promise<void> {
  const { index, root } = parts;
  await index.inBulk(async () => {
    for (const row of index.all('SELECT sop_instance_uid, path, bytes, modified_ms FROM instance')) {
      const file = await stat(join(root, text(row, 'path'))).catch(() => undefined);
      const same = file !== undefined && file.size === row['bytes'] && file.mtimeMs === row['modified_ms'];
      if (!same) index.remove(text(row, 'sop_instance_uid'));
    }
    for await (const path of filesUnder(root)) {
      if (!index.knowsFile(path)) await readIn(parts, path);
    }
  });
}

/** Paths relative to the folder. */
async function* filesUnder(root: string): AsyncGenerator<string, void, undefined> {
  for await (const entry of await opendir(root, { recursive: true })) {
    if (entry.isFile()) yield relative(root, join(entry.parentPath, entry.name));
  }
}

async function readIn(parts: ReconcileParts, path: string): Promise<void> {
  const { index, intake, inspector, isOwn, report, root } = parts;
  const bytes = await readFile(join(root, path));
  const { mtimeMs } = await stat(join(root, path));
  const found = inspect(inspector, bytes);
  if (isSkipped(found)) return report(found.skipped);
  const { identity, dataSet } = found;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const verdict = intake.judge(identity, dataSet, sha256);
  if (verdict === 'already') return;
  if (verdict !== 'new') return report(verdict, identity);
  const own = isOwn(dataSet);
  index.insert([{ identity, dataSet, path, bytes: bytes.length, modifiedMs: mtimeMs, sha256, own }]);
}
