/**
 * Which studies an order has led to: the record's own ImagingStudy resources that are based on it, and what the archive
 * holds under its accession number. An order comes before its images: it is remembered by its reference until then.
 */
import { WetreadError } from '../../src/errors.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import type { FhirClient } from './client.ts';
import { type NamedStudy, type Naming, type Order, studyOf } from './subscribed-resource.ts';

/** Studies in the archive by Accession Number (0008,0050); its answer may lag behind, and is asked for again. */
export type FindByAccession = (accessionNumber: string, signal: AbortSignal) => Promise<readonly StudyInstanceUid[]>;

export class OrderedStudies {
  readonly #client: FhirClient;
  readonly #naming: Naming;
  readonly #findByAccession: FindByAccession;

  constructor(client: FhirClient, naming: Naming, findByAccession: FindByAccession) {
    this.#client = client;
    this.#naming = naming;
    this.#findByAccession = findByAccession;
  }

  async of({ reference, accessionNumber, about }: Order, signal: AbortSignal): Promise<readonly NamedStudy[]> {
    const studies = new Map<StudyInstanceUid, NamedStudy>();
    const condition = new URLSearchParams({ basedon: reference }).toString();
    for await (const page of this.#client.pages('ImagingStudy', condition, signal)) {
      for (const resource of page) {
        const study = readable(() => studyOf(resource, this.#naming));
        if (study !== undefined) studies.set(study.hint.studyInstanceUid, study);
      }
    }
    const inArchive = accessionNumber === undefined ? [] : await this.#findByAccession(accessionNumber, signal);
    for (const uid of inArchive)
      if (!studies.has(uid)) studies.set(uid, { hint: { studyInstanceUid: uid }, facts: '' });
    return [...studies.values()].map(({ hint, facts }) => ({
      hint: { ...hint, ...about },
      facts: `${about.priority ?? ''} ${facts}`,
    }));
  }
}

/** One resource without a valid UID does not take the others along. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (WetreadError.from(error).code === 'uid-invalid') return undefined;
    throw error;
  }
}
