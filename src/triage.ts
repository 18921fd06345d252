/**
 * Triage: a settled study is looked at before it waits for a reader. Is it there, is it complete, is it the patient's that
 * the event named, which rule holds, how urgent is it? Cheap: searches and metadata, no image is fetched.
 */
import { type Completeness, judgeCompleteness, type Patience } from './arrival/completeness.ts';
import { patientDigest } from './arrival/patient-digest.ts';
import type { StudyCounts } from './arrival/polling.ts';
import { moreUrgent } from './arrival/priority.ts';
import type { Study } from './arrival/study.ts';
import type { Attempt, Ports } from './ports.ts';
import { isSkipped, type Reason, reason } from './reasons.ts';
import { decideOn, type ReadableSelection, readable } from './selection.ts';
import { countsOf, findStudy, type Outcome, type Site, Work } from './work.ts';

export async function triage(attempt: Attempt, ports: Ports, site: Site, signal: AbortSignal): Promise<Outcome> {
  const work = new Work(attempt, ports, site, signal);

  const study = await findStudy(work);
  if (study === undefined) return notFound(work);
  const { instances } = countsOf(study);
  if (instances === 0) return work.end('select-none', reason('no-instances'));
  if (instances > site.largestStudy) return work.end('refuse', tooLarge(instances, site));
  if (isOfAnother(study, attempt)) return work.end('hold', reason('event-patient-mismatch'));

  const reading = await selectOrEnd(work, study);
  return 'transition' in reading ? reading : work.end('accept');
}

/** An event may be faster than the archive's index; one whose source saw the study complete is not. */
function notFound(work: Work): Outcome {
  const { attempt, ports, site } = work;
  const waitedMs = ports.clock.now().getTime() - Date.parse(attempt.arrivedAt);
  const isFinal = attempt.hint.rung !== undefined || waitedMs >= site.patience.longestWaitMs;
  const because = reason('study-not-found');
  if (isFinal) return work.end('select-none', because);
  // What the next look finds has come since this one, and is still arriving.
  look(work, { series: 0, instances: 0 }, site.patience);
  return work.wait(site.patience, because);
}

function tooLarge(instances: number, { largestStudy }: Site): ReturnType<typeof reason> {
  return reason('too-many-instances', `${instances} instances, at most ${largestStudy}`);
}

function isOfAnother({ header }: Study, { hint }: Attempt): boolean {
  return hint.patientDigest !== undefined && hint.patientDigest !== patientDigest(header.patientId ?? '');
}

/**
 * By which rule the study is read and whether it is complete, both kept in its record; or how the attempt ends: the study
 * is waited for, or nothing reads it.
 */
export async function selectOrEnd(work: Work, study: Study): Promise<ReadableSelection | Outcome> {
  const { attempt, ports, site, signal } = work;
  const { hint, source } = attempt;
  const decision = await decideOn(study, { ...hint, source }, site.rules, ports.models, ports.archive, signal);
  const rule = decision.selection?.rule;
  const patience = { ...site.patience, ...rule?.patience, settledMs: site.patience.quietMs };
  const { rung } = look(work, countsOf(study), patience);
  if (rung === undefined) return work.wait(patience, awaited(study, hint));

  const reading = readable(decision, ports.models);
  if (isSkipped(reading)) return work.end('select-none', reading.skipped);
  work.keep({ rule: reading.rule.name, priority: moreUrgent(hint.priority, reading.rule.priority) });
  return reading;
}

function awaited(study: Study, { expectedInstances: expected = 0 }: Attempt['hint']): Reason {
  const { instances } = countsOf(study);
  if (instances < expected) return reason('instances-awaited', `${instances} of ${expected}`);
  return reason('quiet-awaited', instances === 1 ? '1 instance so far' : `${instances} instances so far`);
}

/** Judges what this look found, and keeps it for the next. */
function look(work: Work, counts: StudyCounts, patience: Patience): Completeness {
  const { attempt, ports } = work;
  const { hint, arrivedAt, completeness: before } = attempt;
  const claims = { ...hint, noticedAt: arrivedAt, ...(before && { before }) };
  const completeness = judgeCompleteness(claims, counts, ports.clock.now().toISOString(), patience);
  work.keep({ completeness });
  return completeness;
}
