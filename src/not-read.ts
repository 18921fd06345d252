/** What of a study was not read: series and instances with their reasons, added up for the record. */
import type { Series } from './arrival/study.ts';
import type { NotRead } from './ports.ts';
import type { Reason } from './reasons.ts';

export class NotReadList {
  readonly #entries: NotRead[] = [];

  add(...entries: readonly NotRead[]): void {
    this.#entries.push(...entries);
  }

  /** A series that gave nothing: the reason stands for those of its instances that no other row accounts for. */
  addSeries({ seriesInstanceUid, instances }: Series, reason: Reason): void {
    const own = this.#entries.filter((entry) => entry.seriesInstanceUid === seriesInstanceUid);
    const left = instances.length - own.reduce((sum, { count = 1 }) => sum + count, 0);
    if (left > 0) this.add({ seriesInstanceUid, count: left, reason });
    else if (!own.some((entry) => sameReason(entry.reason, reason))) this.add({ seriesInstanceUid, reason });
  }

  /** One row per series, instance named and reason, with how many it stands for. */
  rows(): NotRead[] {
    return addedUp(this.#entries);
  }
}

/** The reason of most entries, for a series of which no instance could be read; of equal ones the first by its code. */
export function mainReason(entries: readonly NotRead[]): Reason | undefined {
  const rows = addedUp(entries.map(({ count, reason }) => ({ ...(count !== undefined && { count }), reason })));
  rows.sort((a, b) => (b.count ?? 1) - (a.count ?? 1) || (a.reason.code < b.reason.code ? -1 : 1));
  return rows[0]?.reason;
}

function addedUp(entries: readonly NotRead[]): NotRead[] {
  const rows = new Map<string, NotRead>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.seriesInstanceUid, entry.sopInstanceUid, entry.reason.code, entry.reason.detail]);
    const before = rows.get(key);
    rows.set(key, before === undefined ? entry : { ...before, count: (before.count ?? 1) + (entry.count ?? 1) });
  }
  return [...rows.values()];
}

function sameReason(a: Reason, b: Reason): boolean {
  return a.code === b.code && a.detail === b.detail;
}
