/** Where faults happen: a Wetread, what it works with, and ways to look at what became of every study. */
import type { StudyState } from '../../src/arrival/lifecycle.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import type { FaultyProxy } from '../support/faulty-proxy.ts';
import type { TinyStudy } from '../support/tiny-studies.ts';
import type { WetreadProcess } from './wetread-process.ts';

/** A server that can be ended at once and started again, with a proxy before it. */
export interface FaultyServer {
  readonly proxy: FaultyProxy;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Refuses work in its own way, where that is no HTTP status; `undefined`: takes it again. */
  refuse?(refuses: boolean): Promise<void>;
}

export type ServerName = 'archive' | 'record' | 'database' | 'inference' | 'broker';

/** What the ledger says of a study. */
export interface Entry {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly state: StudyState;
}

/** What stands in the archive and in the health record for a study. */
export interface Results {
  readonly sr: number;
  readonly seg: number;
  readonly reports: number;
}

export const NO_RESULTS: Results = { sr: 0, seg: 0, reports: 0 };

export interface Site extends AsyncDisposable {
  readonly wetread: WetreadProcess;
  /** Shares ledger, archive and record with the first; not started by itself. */
  readonly replica?: WetreadProcess;
  readonly servers: Partial<Readonly<Record<ServerName, FaultyServer>>>;
  /** Brings files to where they arrive; throws, or says that they were not taken, while that is away. */
  deliver(study: TinyStudy): Promise<void>;
  /** The ledger, read beside Wetread and past every proxy. */
  entries(): Promise<readonly Entry[]>;
  /** Past every proxy. */
  results(): Promise<ReadonlyMap<string, Results>>;
  /** Empties the archive after a row, where the next one would find it slower. */
  clear?(): Promise<void>;
}

/** Instances and reports, counted by study. */
export function countResults(
  instances: Readonly<Record<'sr' | 'seg', readonly string[]>>,
  reports: readonly string[],
): ReadonlyMap<string, Results> {
  const counts = new Map<string, Results>();
  const add = (study: string, kind: keyof Results): void => {
    const before = counts.get(study) ?? NO_RESULTS;
    counts.set(study, { ...before, [kind]: before[kind] + 1 });
  };
  for (const study of instances.sr) add(study, 'sr');
  for (const study of instances.seg) add(study, 'seg');
  for (const study of reports) add(study, 'reports');
  return counts;
}

/** Studies of all instances of a modality (QIDO-RS, PS3.18 10.6), one entry an instance. */
export async function studiesOfInstances(dicomwebUrl: string, modality: 'SR' | 'SEG'): Promise<readonly string[]> {
  const found: string[] = [];
  for (let page = 500; page === 500; ) {
    const query = `Modality=${modality}&includefield=0020000D&limit=500&offset=${found.length}`;
    const answer = await fetch(`${dicomwebUrl}/instances?${query}`);
    const rows = answer.status === 204 ? [] : ((await answer.json()) as Record<string, { Value: string[] }>[]);
    found.push(...rows.map((row) => row['0020000D']!.Value[0]!));
    page = rows.length;
  }
  return found;
}

/** Removes every study from an Orthanc. */
export async function emptyOrthanc(url: string): Promise<void> {
  const found = await fetch(`${url}/studies`);
  const body = JSON.stringify({ Resources: (await found.json()) as string[] });
  const { ok, status } = await fetch(`${url}/tools/bulk-delete`, { method: 'POST', body });
  if (!ok) throw new Error(`Orthanc answers ${status}`);
}

interface Page<T> {
  readonly entry?: readonly { readonly resource: T }[];
}

/** The study of every DiagnosticReport that stands in a FHIR store, by the ImagingStudy that it names. */
export async function studiesOfReports(fhirUrl: string): Promise<readonly string[]> {
  const studies = new Map<string, string>();
  type ImagingStudy = { id: string; identifier: { system: string; value: string }[] };
  for (const { id, identifier } of await everything<ImagingStudy>(fhirUrl, 'ImagingStudy')) {
    const uid = identifier.find(({ system }) => system === 'urn:dicom:uid')?.value.replace('urn:oid:', '');
    studies.set(`ImagingStudy/${id}`, uid ?? '');
  }
  type Report = { imagingStudy: { reference: string }[] };
  const reports = await everything<Report>(fhirUrl, 'DiagnosticReport');
  return reports.map(({ imagingStudy }) => studies.get(imagingStudy[0]!.reference) ?? 'unknown');
}

async function everything<T>(fhirUrl: string, type: string): Promise<readonly T[]> {
  const found: T[] = [];
  for (let page = 500; page === 500; ) {
    const answer = await fetch(`${fhirUrl}/${type}?_count=500&_offset=${found.length}`);
    const { entry = [] } = (await answer.json()) as Page<T>;
    found.push(...entry.map(({ resource }) => resource));
    page = entry.length;
  }
  return found;
}
