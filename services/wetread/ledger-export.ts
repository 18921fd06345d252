/** Studies of the ledger as JSON lines, one each with its history: what is kept when the ledger forgets them. */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import type { DocumentName, Ledger, StudyRecord } from '../../src/ports.ts';
import { DOCUMENT_NAMES, segmentationDocuments } from '../review/documents.ts';

export type ExportedLedger = Pick<Ledger, 'history' | 'document'>;

/**
 * Resolves when every line is on the disk, so that what follows may remove the studies. The file is new and for its owner
 * alone.
 * @param documents whether reports and results stand in the lines as well, in base64: patient data
 * @throws WetreadError `request-invalid` where the file exists or cannot be made, `disk-full`
 */
export async function exportStudies(
  ledger: ExportedLedger,
  records: readonly StudyRecord[],
  path: string,
  documents = false,
): Promise<void> {
  await using file = await create(path);
  try {
    for (const record of records) await file.write(`${await lineOf(ledger, record, documents)}\n`);
    await file.sync();
    await using folder = await open(dirname(path), 'r');
    await folder.sync();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') {
      throw new WetreadError('disk-full', 'The export could not be written', { cause });
    }
    throw cause;
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'exists already' : `cannot be made (${code})`;
    throw new WetreadError('request-invalid', `The file of the export ${why}`, { cause });
  }
}

async function lineOf(ledger: ExportedLedger, record: StudyRecord, documents: boolean): Promise<string> {
  const history = await ledger.history(record.studyInstanceUid);
  if (!documents) return JSON.stringify({ ...record, history });
  const kept: Partial<Record<DocumentName, string>> = {};
  const outlines = await segmentationDocuments(ledger, record.studyInstanceUid);
  for (const name of [...DOCUMENT_NAMES, ...outlines]) {
    const bytes = await ledger.document(record.studyInstanceUid, name);
    if (bytes !== undefined) kept[name] = Buffer.from(bytes).toString('base64');
  }
  return JSON.stringify({ ...record, history, documents: kept });
}
