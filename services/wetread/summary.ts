/** `summary.json` and the folder per study that `wetread read --out` writes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report, StudyRow, Summary } from '../../contracts/generated/types.ts';
import { draftStands, isFinal } from '../../src/arrival/lifecycle.ts';
import type { DocumentName, Ledger, StudyRecord } from '../../src/ports.ts';
import { measureName, titleAmong } from '../../src/reporting/finding-text.ts';
import { unitText } from '../../src/reporting/text.ts';
import { segmentationDocuments } from '../review/documents.ts';

const DOCUMENTS: readonly DocumentName[] = ['report.json', 'sr.dcm', 'bundle.json', 'trace.json', 'embedding.json'];

export async function summaryOf(ledger: Ledger, files: Summary['files'], software: string): Promise<Summary> {
  const records = await ledger.list();
  const ordered = [...records].sort((a, b) => (a.studyInstanceUid < b.studyInstanceUid ? -1 : 1));
  const studies = await Promise.all(ordered.map((record) => rowOf(ledger, record)));
  return { schemaVersion: 1, software, files, studies };
}

async function rowOf(ledger: Ledger, record: StudyRecord): Promise<StudyRow> {
  const bytes = draftStands(record.state) ? await ledger.document(record.studyInstanceUid, 'report.json') : undefined;
  const report = bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as Report);
  return {
    studyInstanceUid: record.studyInstanceUid,
    state: record.state,
    final: isFinal(record.state),
    ...(record.reason === undefined ? {} : { reason: { ...record.reason } }),
    ...(record.traceId === undefined ? {} : { traceId: record.traceId }),
    findings: report === undefined ? [] : findingRows(report),
    unavailable: (report?.unavailable ?? []).map(({ algorithm: { name: model, version }, reason }) => ({
      model,
      version,
      reason,
    })),
    notRead: record.notRead.map((set) => ({ ...set })),
    timingsMs: { ...record.timingsMs },
  };
}

function findingRows({ readings }: Report): StudyRow['findings'] {
  return readings.flatMap(({ algorithm, findings }) =>
    findings.flatMap((finding) => {
      const { presence, probability } = finding;
      const about = { model: algorithm.name, finding: titleAmong(findings, finding) };
      const isStated = presence !== undefined || probability !== undefined;
      return [
        ...(isStated
          ? [{ ...about, ...(presence && { presence }), ...(probability !== undefined && { probability }) }]
          : []),
        ...finding.measurements.map((measurement) => ({
          ...about,
          measurement: measurement.key,
          name: measureName(measurement),
          ...(measurement.value !== undefined && { value: measurement.value }),
          unit: unitText(measurement.unit.value),
        })),
      ];
    }),
  );
}

/** Writes `summary.json` and `<StudyInstanceUID>/<document>` for every document that a study has. */
export async function writeResults(folder: string, ledger: Ledger, summary: Summary): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { studyInstanceUid, state } of await ledger.list()) {
    const names = draftStands(state)
      ? [...DOCUMENTS, ...(await segmentationDocuments(ledger, studyInstanceUid))]
      : (['trace.json'] as const);
    for (const name of names) {
      const bytes = await ledger.document(studyInstanceUid, name);
      if (bytes === undefined) continue;
      await mkdir(join(folder, studyInstanceUid), { recursive: true });
      await writeFile(join(folder, studyInstanceUid, name), bytes);
    }
  }
  await writeFile(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
}
