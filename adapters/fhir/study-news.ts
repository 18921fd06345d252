/**
 * Tells of a study when there is news: what was said is not said again, and neither is what Wetread has read already.
 * Servers update a resource for many reasons, this product's own results among them; only new images are news.
 */
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import type { ImageArchive, Ledger } from '../../src/ports.ts';
import { countsOf } from '../../src/work.ts';
import type { NamedStudy } from './subscribed-resource.ts';

export interface NewsPorts {
  readonly ledger: Pick<Ledger, 'get'>;
  /** Counts the images of a study without Wetread's own results. */
  readonly archive: Pick<ImageArchive, 'findStudy'>;
}

export type Notice = (hint: StudyHint) => Promise<void>;

export class StudyNews {
  readonly #ports: NewsPorts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ports: NewsPorts) {
    this.#ports = ports;
  }

  /**
   * Resolves when the hint is committed, or there is none to give. One at a time: a search and a notification may bring
   * the same study together.
   * @param said what was last said, by key; changed here once it is committed
   */
  tell(said: Map<string, string>, key: string, study: NamedStudy, notice: Notice, signal: AbortSignal): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (said.get(key) === study.facts) return;
      const hint = await this.#news(study.hint, signal);
      if (hint !== undefined) await notice(hint);
      said.delete(key);
      said.set(key, study.facts);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** The hint as it is to be given; undefined where the images are those that were read. */
  async #news(hint: StudyHint, signal: AbortSignal): Promise<StudyHint | undefined> {
    const record = await this.#ports.ledger.get(hint.studyInstanceUid);
    if (record?.completeness === undefined || !isFinal(record.state)) return hint;
    const { counts } = record.completeness;
    if (hint.expectedInstances === counts.instances) return undefined;
    const study = await this.#ports.archive.findStudy(hint.studyInstanceUid, signal);
    const images = study === undefined ? undefined : countsOf(study);
    if (images?.series === counts.series && images.instances === counts.instances) return undefined;
    if (record.results === undefined) return hint;
    // The server's count holds Wetread's own objects now: as many images will never come.
    const { expectedInstances: _, ...rest } = hint;
    return rest;
  }
}
