/**
 * Triage: a settled study is looked at before it waits for a reader. Is it there, is it complete, is it the patient's that
 * the event named, which rule applies, how urgent is it? Cheap: searches only, no image is fetched.
 */
import { judgeCompleteness } from './arrival/completeness.ts';
import { patientDigest } from './arrival/patient-digest.ts';
import { moreUrgent } from './arrival/priority.ts';
import type { Study } from './arrival/study.ts';
import { selectModel } from './inference/select-model.ts';
import type { Attempt, ModelShelf, Ports } from './ports.ts';
import { isSkipped, reason } from './reasons.ts';
import { countsOf, findStudy, type Outcome, type Site, Work } from './work.ts';

export async function triage(attempt: Attempt, ports: Ports, site: Site, signal: AbortSignal): Promise<Outcome> {
  const work = new Work(attempt, ports, site, signal);

  const study = await findStudy(work);
  if (study === undefined) return notFound(work);
  const { instances } = countsOf(study);
  if (instances === 0) return work.end('select-none', reason('no-instances'));
  if (instances > site.largestStudy) return work.end('refuse', tooLarge(instances, site));
  if (isOfAnother(study, attempt)) return work.end('hold', reason('event-patient-mismatch'));
  if (!isComplete(work, study)) return work.wait();

  const selection = select(study, ports.models);
  if (isSkipped(selection)) return work.end('select-none', selection.skipped);
  work.keep({ rule: selection.package.card.name, priority: moreUrgent(attempt.hint.priority, 'routine') });
  return work.end('accept');
}

/** An event may be faster than the archive's index; one whose source saw the study complete is not. */
function notFound(work: Work): Outcome {
  const { attempt, ports, site } = work;
  const waitedMs = ports.clock.now().getTime() - Date.parse(attempt.arrivedAt);
  const isFinal = attempt.hint.rung !== undefined || waitedMs >= site.patience.longestWaitMs;
  return isFinal ? work.end('select-none', reason('study-not-found')) : work.wait();
}

function tooLarge(instances: number, { largestStudy }: Site): ReturnType<typeof reason> {
  return reason('too-many-instances', `${instances} instances, at most ${largestStudy}`);
}

function isOfAnother({ header }: Study, { hint }: Attempt): boolean {
  return hint.patientDigest !== undefined && hint.patientDigest !== patientDigest(header.patientId ?? '');
}

/** Judges the evidence of this look and keeps it. */
export function isComplete(work: Work, study: Study): boolean {
  const { attempt, ports, site } = work;
  const { hint, arrivedAt, completeness: before } = attempt;
  const claims = { ...hint, noticedAt: arrivedAt, ...(before && { before }) };
  const at = ports.clock.now().toISOString();
  const completeness = judgeCompleteness(claims, countsOf(study), at, site.patience);
  if (completeness === undefined) return false;
  work.keep({ completeness });
  return true;
}

/** No model reads the study: an expected end, unless a configured package was refused and might have read it. */
export function select(study: Study, models: ModelShelf): ReturnType<typeof selectModel> {
  const selection = selectModel(study, models.packages());
  const refused = models.refused[0];
  if (isSkipped(selection) && refused !== undefined) throw refused.error;
  return selection;
}
