/** Searches and metadata through `dicomweb-client`, with the faults and the pages that it does not know (PS3.18 10.6). */
import { api } from 'dicomweb-client';
import type { DicomDataSet, DicomElement, DicomValue } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../../src/uid.ts';
import { requireStatus } from './faults.ts';
import type { HttpOptions } from './http.ts';
import { XmlHttpRequest } from './xml-http-request.ts';

interface Request {
  readonly instance: XmlHttpRequest;
}
interface Search {
  readonly studyInstanceUID?: string;
  readonly seriesInstanceUID?: string;
  readonly queryParams: Readonly<Record<string, string | number>>;
  readonly request: Request;
}
/** What is used of the library: its own types name arrays where it gives promises, and leave `request` out. */
interface Library {
  searchForStudies(options: Search): Promise<unknown>;
  searchForSeries(options: Search): Promise<unknown>;
  searchForInstances(options: Search): Promise<unknown>;
  retrieveInstanceMetadata(
    options: { studyInstanceUID: string; seriesInstanceUID: string; sopInstanceUID: string } & { request: Request },
  ): Promise<unknown>;
  storeInstances(options: { datasets: readonly ArrayBuffer[]; request: Request }): Promise<unknown>;
}
type Call = (library: Library, request: Request) => Promise<unknown>;

const PAGE = 1000;
/** Some servers refuse to give more studies at once, others only give fewer. */
const STUDY_PAGE = 200;
/** A server that ignores `offset` would be asked for ever. */
const MAX_PAGES = 1000;

export class DicomwebClient {
  readonly #options: HttpOptions;
  readonly #library: Library;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#library = new api.DICOMwebClient({
      url: options.url,
      headers: { Accept: 'application/dicom+json' },
      // It would print requests with their headers and answers with their patients.
      verbose: false,
      singlepart: false,
    }) as unknown as Library;
  }

  async study(uid: StudyInstanceUid, signal: AbortSignal): Promise<DicomDataSet | undefined> {
    const queryParams = { StudyInstanceUID: uid, includefield: '00081030,00100021,00080201,00201206,00201208' };
    const found = await this.#list((library, request) => library.searchForStudies({ queryParams, request }), signal);
    // Some servers ignore a key that they do not know; another study must never be taken for this one.
    return found.find((dataSet) => dataSet['0020000D']?.Value?.[0] === uid);
  }

  /** @param studyDate a day, or a range of days, to match Study Date (0008,0020) with */
  studies(studyDate: string, signal: AbortSignal): Promise<readonly DicomDataSet[]> {
    const matching = { StudyDate: studyDate, includefield: '00201206,00201208' };
    return this.#pages('0020000D', signal, (page) => (library, request) => {
      const queryParams = { ...matching, ...page, limit: STUDY_PAGE };
      return library.searchForStudies({ queryParams, request });
    });
  }

  /** A character that stands for others in a match is not taken as one. */
  async ofAccession(accessionNumber: string, signal: AbortSignal): Promise<readonly DicomDataSet[]> {
    const queryParams = { AccessionNumber: accessionNumber, limit: STUDY_PAGE };
    const found = await this.#list((library, request) => library.searchForStudies({ queryParams, request }), signal);
    return found.filter((dataSet) => dataSet['00080050']?.Value?.[0] === accessionNumber.trim());
  }

  series(study: StudyInstanceUid, signal: AbortSignal): Promise<readonly DicomDataSet[]> {
    const includefield = '0008103E,00080070,00400275,00201209';
    return this.#pages('0020000E', signal, (page) => (library, request) => {
      const queryParams = { includefield, ...page };
      return library.searchForSeries({ studyInstanceUID: study, queryParams, request });
    });
  }

  /** @param count how many there are, where the series says so: it spares asking for a page that is empty. */
  instances(
    study: StudyInstanceUid,
    series: SeriesInstanceUid,
    count: number | undefined,
    signal: AbortSignal,
  ): Promise<readonly DicomDataSet[]> {
    const parents = { studyInstanceUID: study, seriesInstanceUID: series };
    return this.#pages(
      '00080018',
      signal,
      (page) => (library, request) => library.searchForInstances({ ...parents, queryParams: page, request }),
      count,
    );
  }

  /** Metadata of one instance: what a search need not return, such as the order and the issuer of the Patient ID. */
  async metadata(
    study: StudyInstanceUid,
    series: SeriesInstanceUid,
    instance: SopInstanceUid,
    signal: AbortSignal,
  ): Promise<DicomDataSet | undefined> {
    const uids = { studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance };
    const [first] = await this.#list(
      (library, request) => library.retrieveInstanceMetadata({ ...uids, request }),
      signal,
    );
    return first;
  }

  /** STOW-RS (PS3.18 10.5): status and text of the answer, whatever they are. */
  async store(files: readonly Uint8Array[], signal: AbortSignal): Promise<{ status: number; text: string }> {
    const datasets = files.map((bytes) => bytes.slice().buffer as ArrayBuffer);
    const { status, response } = await this.#ask(
      (library, request) => library.storeInstances({ datasets, request }),
      signal,
    );
    return { status, text: typeof response === 'string' ? response : '' };
  }

  async #pages(
    key: string,
    signal: AbortSignal,
    call: (page: { limit: number; offset: number }) => Call,
    count?: number,
  ): Promise<readonly DicomDataSet[]> {
    const found = new Map<unknown, DicomDataSet>();
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const before = found.size;
      for (const dataSet of await this.#list(call({ limit: PAGE, offset: before }), signal)) {
        found.set(dataSet[key]?.Value?.[0], dataSet);
      }
      // A server may give fewer than it was asked for: only a page that adds nothing, or the count, is the end.
      if (found.size === before || (count !== undefined && found.size >= count)) break;
    }
    return [...found.values()];
  }

  async #list(call: Call, signal: AbortSignal): Promise<readonly DicomDataSet[]> {
    const { status, response } = await this.#ask(call, signal);
    // 204 and, from some servers, 404: nothing matches.
    if (status === 204 || status === 404) return [];
    requireStatus(status, [200, 206]);
    if (!Array.isArray(response))
      throw new WetreadError('archive-refused', 'The archive answered something else than DICOM JSON');
    return response.map(normalised);
  }

  async #ask(call: Call, signal: AbortSignal): Promise<{ status: number; response: unknown }> {
    const request = new XmlHttpRequest(this.#options, signal);
    // The library rejects for a status that it does not like; the status is judged here.
    await call(this.#library, { instance: request }).catch(() => undefined);
    if (request.fault !== undefined) throw request.fault;
    return { status: request.status, response: request.response };
  }
}

/** DICOM JSON as servers write it: tags in lower case, elements without `vr` (PS3.18 F.2.2 asks for it). */
export function normalised(raw: unknown): DicomDataSet {
  if (typeof raw !== 'object' || raw === null) return {};
  return Object.fromEntries(
    Object.entries(raw as Record<string, Partial<DicomElement>>).map(([tag, element]) => [
      tag.toUpperCase(),
      normalisedElement(element),
    ]),
  );
}

function normalisedElement(element: Partial<DicomElement>): DicomElement {
  const values = Array.isArray(element.Value) ? element.Value : undefined;
  const vr = element.vr ?? guessedVr(values?.[0]);
  if (values === undefined) return { ...element, vr, Value: [] };
  return { ...element, vr, Value: vr === 'SQ' ? values.map(normalised) : values };
}

/** Only the structure matters to readers: whether it is a sequence, a name, or a plain value. */
function guessedVr(value: DicomValue | undefined): DicomElement['vr'] {
  if (typeof value !== 'object' || value === null) return 'UN';
  const names = ['Alphabetic', 'Ideographic', 'Phonetic'];
  return Object.keys(value).some((key) => names.includes(key)) ? 'PN' : 'SQ';
}
