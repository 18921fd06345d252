/** Which revision of a draft a reading gives: the same work again meets itself, other work comes after the last draft. */
import { createHash } from 'node:crypto';
import type { Report, ReportProvenance } from './report.ts';

/** What was read, and by what. */
export type WorkIdentity = Pick<ReportProvenance, 'attemptKey' | 'instanceSetDigest'>;

export interface WorkDone {
  readonly studyInstanceUid: string;
  /** Of the images that were read, in any order. */
  readonly sopInstanceUids: readonly string[];
  /** Of the models that read. */
  readonly packageDigests: readonly string[];
  readonly configDigest: string;
}

/** Same study, same instances, same packages, same configuration: the same key, hence the same UIDs outside. */
export function workIdentity({
  studyInstanceUid,
  sopInstanceUids,
  packageDigests,
  configDigest,
}: WorkDone): WorkIdentity {
  const instanceSetDigest = digest([...new Set(sopInstanceUids)].sort());
  return {
    instanceSetDigest,
    attemptKey: digest([studyInstanceUid, instanceSetDigest, ...packageDigests, configDigest]),
  };
}

function digest(parts: readonly string[]): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** The provenance of the last draft, where this is the same work: under it the same objects come out. */
export function repeatedProvenance(last: Report | undefined, work: WorkIdentity): ReportProvenance | undefined {
  return last?.provenance.attemptKey === work.attemptKey ? last.provenance : undefined;
}

/** A revision that no draft of the study had before, hence SOP Instance UIDs that nothing had before. */
export function newProvenance(
  last: Report | undefined,
  work: WorkIdentity,
  made: Omit<ReportProvenance, keyof WorkIdentity>,
): ReportProvenance {
  return { ...made, ...work, revision: Math.max(made.revision, (last?.provenance.revision ?? 0) + 1) };
}
