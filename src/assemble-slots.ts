/**
 * Further series of a study for models that are given some: assembled when a model needs them, kept while the same series
 * is read, so that several models share them, then given back.
 */
import { readImageHeader } from './arrival/image-header.ts';
import type { Series, Study } from './arrival/study.ts';
import { assembleVolume, releaseImages } from './assemble-series.ts';
import { type Images, isVolume, type Volume } from './assembly/volume.ts';
import { elsewhere, gateSlot } from './inference/gate/gate-slot.ts';
import { type CardOf, type ModelPackage, reads } from './inference/model-package.ts';
import { type SlotJudgement, slotEmpty } from './inference/rules/slots.ts';
import type { GivenSlot } from './inference/slots.ts';
import { isSkipped, type Reason, reason, type Skipped } from './reasons.ts';
import type { Work } from './work.ts';

export class FurtherSeries {
  readonly #work: Work;
  readonly #study: Study;
  /** Of this round, by what was made of them. */
  readonly #assembled = new Map<Series, Volume | Reason>();
  /** Series that were wanted in a slot and did not fit, over all rounds. */
  readonly unfit = new Map<Series, Reason>();

  constructor(work: Work, study: Study) {
    this.#work = work;
    this.#study = study;
  }

  /**
   * Fills the slots of a model in the order of its card, each with the first series that fits; a series fills one slot.
   * @param images what the model reads
   * @returns the reason where a slot stays empty that must not
   */
  async fill(
    { model: { card }, slots }: { readonly model: ModelPackage; readonly slots: readonly SlotJudgement[] },
    images: Images,
  ): Promise<readonly GivenSlot[] | Skipped> {
    if (slots.length === 0 || !isVolume(images) || !reads(card, 'volume')) return [];
    return await this.#work.stage('assembly', async () => {
      const given: GivenSlot[] = [];
      const taken = new Set<string>([images.seriesInstanceUid]);
      for (const judged of slots) {
        const found = await this.#firstFit(judged, images, card, taken);
        if (isSkipped(found) && judged.slot.required) return found;
        given.push({ slot: judged.slot, ...(isSkipped(found) ? { empty: found.skipped } : { volume: found }) });
        if (!isSkipped(found)) taken.add(found.seriesInstanceUid);
      }
      return given;
    });
  }

  /** Gives the memory of this round back. */
  release(): void {
    for (const one of this.#assembled.values()) if (!isReason(one)) releaseImages(this.#work.ports.voxels, one);
    this.#assembled.clear();
  }

  /** Of series that do not fit, the first one's reason says most: it is the one that was meant. */
  async #firstFit(
    judged: SlotJudgement,
    main: Volume,
    card: CardOf<'volume'>,
    taken: ReadonlySet<string>,
  ): Promise<Volume | Skipped> {
    let because: Reason | undefined;
    for (const series of judged.candidates.filter(({ seriesInstanceUid }) => !taken.has(seriesInstanceUid))) {
      const volume = await this.#volume(series, main);
      const against = isReason(volume) ? volume : gateSlot(volume, main, judged.slot, card);
      if (against === undefined && !isReason(volume)) return volume;
      this.unfit.set(series, against!);
      because ??= against;
    }
    const { meaning } = judged.slot;
    if (because !== undefined)
      return { skipped: reason(because.code, [meaning, because.detail ?? []].flat().join(': ')) };
    return { skipped: judged.candidates.length === 0 ? slotEmpty(judged) : spent(meaning) };
  }

  async #volume(series: Series, main: Volume): Promise<Volume | Reason> {
    const known = this.#assembled.get(series) ?? (await this.#elsewhere(series, main));
    if (known !== undefined) return known;
    const { ports, notRead, signal } = this.#work;
    const built = await assembleVolume(ports, this.#study.header.studyInstanceUid, series, signal);
    notRead.add(...built.notRead);
    const made = built.images ?? built.skipped ?? reason('no-readable-series');
    this.#assembled.set(series, made);
    return made;
  }

  /** Told by one instance, so that a series of another frame of reference is not fetched in vain. */
  async #elsewhere({ seriesInstanceUid, instances: [first] }: Series, main: Volume): Promise<Reason | undefined> {
    if (first === undefined) return reason('no-instances');
    const { ports, signal } = this.#work;
    const { studyInstanceUid } = this.#study.header;
    const dataSet = await ports.archive.retrieveMetadata(
      studyInstanceUid,
      seriesInstanceUid,
      first.sopInstanceUid,
      signal,
    );
    const header = dataSet && readImageHeader(dataSet);
    // what the metadata does not say the images may: they are fetched
    if (header === undefined || isSkipped(header) || header.frameOfReferenceUid === undefined) return undefined;
    return elsewhere(header, main);
  }
}

function isReason(value: Volume | Reason): value is Reason {
  return 'code' in value;
}

function spent(meaning: string): Reason {
  return reason('slot-empty', `${meaning}: what fits is read itself, or fills another slot`);
}
