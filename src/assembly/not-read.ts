/** What a series held and was not read: instances and frames with their reasons, added up. */
import type { ImageHeader } from '../arrival/study.ts';
import type { NotRead } from '../ports.ts';
import type { Reason } from '../reasons.ts';

export class SetAsideList {
  readonly #entries: { readonly header: ImageHeader; readonly reason: Reason; readonly frames: number }[] = [];

  add(header: ImageHeader, reason: Reason, frames = 1): void {
    this.#entries.push({ header, reason, frames });
  }

  /** One row per reason; a row for one instance names it, others say how many frames. Order of arrival plays no part. */
  rows(): readonly NotRead[] {
    const groups = Map.groupBy(this.#entries, ({ reason }) => JSON.stringify([reason.code, reason.detail]));
    return [...groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, entries]) => {
        const [{ header, reason }] = entries as [(typeof entries)[number]];
        const instances = new Set(entries.map((entry) => entry.header.sopInstanceUid));
        const named = instances.size === 1 ? { sopInstanceUid: header.sopInstanceUid } : {};
        const count = entries.reduce((sum, { frames }) => sum + frames, 0);
        return { seriesInstanceUid: header.seriesInstanceUid, ...named, count, reason };
      });
  }

  /** The reason of most frames, for a series of which nothing is left. */
  main(): Reason | undefined {
    const rows = [...this.rows()].sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
    return rows[0]?.reason;
  }
}
