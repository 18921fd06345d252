/**
 * How urgent a study is, and who comes first. A priority is a head start in time: the studies are taken in the order of
 * acceptance plus allowance, so that urgent ones pass routine ones, and a study that has waited for as long as its
 * allowance is passed by nobody who comes later. Nobody starves, and the order of two studies never changes.
 */

/** FHIR R4 request-priority, most urgent first. */
export const PRIORITIES = ['stat', 'asap', 'urgent', 'routine'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** How long a study of this priority may be passed by others that come later and are more urgent. */
export const ALLOWANCE_MINUTES: Readonly<Record<Priority, number>> = { stat: 0, asap: 10, urgent: 30, routine: 240 };

/**
 * When a study is due: ISO 8601, and the earliest comes first. A study that nobody has looked at yet comes before all
 * that wait to be read, save those that have waited for very long: it might be urgent, and the look is short.
 */
export function dueAt(acceptedAt: string, priority: Priority | null): string {
  const allowance = priority === null ? -ALLOWANCE_MINUTES.routine : ALLOWANCE_MINUTES[priority];
  return new Date(Date.parse(acceptedAt) + allowance * 60_000).toISOString();
}

/** The more urgent of two; a source that says nothing leaves the other's word. */
export function moreUrgent(one: Priority | undefined, other: Priority): Priority {
  if (one === undefined) return other;
  return PRIORITIES.indexOf(one) <= PRIORITIES.indexOf(other) ? one : other;
}
