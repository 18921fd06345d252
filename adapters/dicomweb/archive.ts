/**
 * A PACS as an image archive: QIDO-RS, WADO-RS and STOW-RS (PS3.18 10.4 to 10.6) on one configured server. Instances are
 * taken as they are stored: asking a PACS to transcode costs it a second per study and can end it.
 */
import type { Series, Study } from '../../src/arrival/study.ts';
import { readStudyHeader } from '../../src/arrival/study-header.ts';
import { type DicomDataSet, numberOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { ImageArchive, StoreOutcome } from '../../src/ports.ts';
import { isSkipped, type Skipped } from '../../src/reasons.ts';
import { isUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { DicomwebClient } from './client.ts';
import { type HttpAccess, type HttpOptions, httpOptions } from './http.ts';
import { DEFAULT_MULTIPART_LIMITS, type MultipartLimits } from './multipart.ts';
import { isWetreadResult } from './own-result.ts';
import { PartMemory } from './part-memory.ts';
import { RecentListings } from './recent-listings.ts';
import { retrieveParts } from './retrieve.ts';
import { retrieveListed } from './retrieve-listed.ts';
import { storeOutcome } from './store.ts';

export interface DicomwebArchiveOptions extends HttpAccess {
  /** Which instance the bytes of a Part 10 file are; never throws. */
  readonly identify: (bytes: Uint8Array) => { readonly sopInstanceUid: string } | Skipped;
  /** Whether a series, with its Modality and Manufacturer, is a result of Wetread; the default compares the manufacturer. */
  readonly ownResult?: (series: DicomDataSet) => boolean;
  readonly limits?: MultipartLimits;
}

export function dicomwebArchive(options: DicomwebArchiveOptions): ImageArchive {
  return new DicomwebArchive(options);
}

class DicomwebArchive implements ImageArchive {
  readonly #http: HttpOptions;
  readonly #client: DicomwebClient;
  readonly #identify: DicomwebArchiveOptions['identify'];
  readonly #ownResult: (series: DicomDataSet) => boolean;
  readonly #limits: MultipartLimits;
  readonly #memory = new PartMemory();
  readonly #listings = new RecentListings();

  constructor({ identify, ownResult, limits, ...access }: DicomwebArchiveOptions) {
    this.#http = httpOptions(access);
    this.#client = new DicomwebClient(this.#http);
    this.#identify = identify;
    this.#ownResult = ownResult ?? isWetreadResult;
    this.#limits = limits ?? DEFAULT_MULTIPART_LIMITS;
  }

  async findStudy(studyInstanceUid: StudyInstanceUid, signal: AbortSignal): Promise<Study | undefined> {
    const found = await this.#client.study(studyInstanceUid, signal);
    if (found === undefined) return undefined;
    const series: Series[] = [];
    for (const dataSet of await this.#client.series(studyInstanceUid, signal)) {
      if (this.#ownResult(dataSet)) continue;
      const one = await this.#seriesOf(studyInstanceUid, dataSet, signal);
      if (one !== undefined && one.instances.length > 0) series.push(one);
    }
    const header = readStudyHeader({ ...found, ...(await this.#metadataOf(studyInstanceUid, series[0], signal)) });
    if (isSkipped(header)) throw new WetreadError('archive-refused', 'The archive describes a study without its UID');
    return { header, series };
  }

  async findByAccession(accessionNumber: string, signal: AbortSignal): Promise<readonly StudyInstanceUid[]> {
    const found = await this.#client.ofAccession(accessionNumber, signal);
    const uids = found.map((dataSet) => stringOf(dataSet, '0020000D') ?? '');
    return uids.filter(isUid) as StudyInstanceUid[];
  }

  async *retrieveSeries(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const expected = await this.#expected(studyInstanceUid, seriesInstanceUid, signal);
    const url = `${this.#http.url}/studies/${studyInstanceUid}/series/${seriesInstanceUid}`;
    const [http, identify, limits, memory] = [this.#http, this.#identify, this.#limits, this.#memory];
    try {
      yield* retrieveListed({ http, url, expected, identify, limits, memory }, signal);
    } catch (cause) {
      this.#listings.forget(seriesInstanceUid);
      throw cause;
    }
  }

  reuse(bytes: Uint8Array): void {
    this.#memory.giveBack(bytes);
  }

  async retrieveInstance(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const series = `${this.#http.url}/studies/${studyInstanceUid}/series/${seriesInstanceUid}`;
    for await (const bytes of retrieveParts(
      this.#http,
      `${series}/instances/${sopInstanceUid}`,
      this.#limits,
      signal,
    )) {
      return bytes;
    }
    return undefined;
  }

  retrieveMetadata(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
    signal: AbortSignal,
  ): Promise<DicomDataSet | undefined> {
    return this.#client.metadata(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
  }

  async store(files: readonly DicomFile[], signal: AbortSignal): Promise<StoreOutcome> {
    const bytes = files.map((file) => file.bytes);
    const { status, text } = await this.#client.store(bytes, signal);
    return storeOutcome(files, status, text);
  }

  async #seriesOf(study: StudyInstanceUid, dataSet: DicomDataSet, signal: AbortSignal): Promise<Series | undefined> {
    const uid = stringOf(dataSet, '0020000E');
    if (uid === undefined || !isUid(uid)) return undefined;
    const seriesInstanceUid = uid as SeriesInstanceUid;
    const count = numberOf(dataSet, '00201209');
    const recent = this.#listings.of(seriesInstanceUid);
    if (recent !== undefined && recent.instances.length === count) return recent;
    const found = await this.#client.instances(study, seriesInstanceUid, count, signal);
    const seriesNumber = numberOf(dataSet, '00200011');
    const seriesDescription = stringOf(dataSet, '0008103E');
    const series: Series = {
      seriesInstanceUid,
      modality: stringOf(dataSet, '00080060') ?? '',
      ...(seriesNumber !== undefined && { seriesNumber }),
      ...(seriesDescription !== undefined && { seriesDescription }),
      instances: found.flatMap((instance) => {
        const sopInstanceUid = stringOf(instance, '00080018');
        if (sopInstanceUid === undefined || !isUid(sopInstanceUid)) return [];
        const sopClassUid = stringOf(instance, '00080016') ?? '';
        return [{ sopInstanceUid: sopInstanceUid as SopInstanceUid, sopClassUid }];
      }),
    };
    this.#listings.note(series);
    return series;
  }

  /** A search need not return the issuer of the Patient ID or the order (PS3.18 10.6.3.3); an instance has them. */
  async #metadataOf(study: StudyInstanceUid, series: Series | undefined, signal: AbortSignal): Promise<DicomDataSet> {
    const instance = series?.instances[0];
    if (series === undefined || instance === undefined) return {};
    const found = await this.#client.metadata(study, series.seriesInstanceUid, instance.sopInstanceUid, signal);
    return found ?? {};
  }

  async #expected(
    study: StudyInstanceUid,
    series: SeriesInstanceUid,
    signal: AbortSignal,
  ): Promise<readonly SopInstanceUid[]> {
    const listed =
      this.#listings.of(series) ?? (await this.#seriesOf(study, { '0020000E': { vr: 'UI', Value: [series] } }, signal));
    return listed?.instances.map(({ sopInstanceUid }) => sopInstanceUid) ?? [];
  }
}
