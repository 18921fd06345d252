/**
 * What searches of the last minute listed of series. Listing the instances of a series costs some archives a millisecond
 * for each; a study is looked at and read within seconds, and the number of instances, which costs next to nothing, tells
 * whether the list still holds. One that was wrong shows in the retrieve, and is forgotten.
 */
import type { Series } from '../../src/arrival/study.ts';
import type { SeriesInstanceUid } from '../../src/uid.ts';

const KEPT_MS = 60_000;
const MOST = 64;

export class RecentListings {
  readonly #listed = new Map<SeriesInstanceUid, { readonly series: Series; readonly atMs: number }>();

  note(series: Series): void {
    const { seriesInstanceUid } = series;
    this.#listed.delete(seriesInstanceUid);
    this.#listed.set(seriesInstanceUid, { series, atMs: performance.now() });
    const [oldest] = this.#listed.keys();
    if (this.#listed.size > MOST && oldest !== undefined) this.#listed.delete(oldest);
  }

  /** The series as it was listed last, where that is not long ago. */
  of(seriesInstanceUid: SeriesInstanceUid): Series | undefined {
    const found = this.#listed.get(seriesInstanceUid);
    return found !== undefined && performance.now() - found.atMs < KEPT_MS ? found.series : undefined;
  }

  forget(seriesInstanceUid: SeriesInstanceUid): void {
    this.#listed.delete(seriesInstanceUid);
  }
}
