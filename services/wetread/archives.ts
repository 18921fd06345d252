/** The archives by their names: a study is read from the one that holds it, and its results go back there. */
import { WetreadError } from '../../src/errors.ts';
import type { ImageArchive } from '../../src/ports.ts';

export class Archives {
  readonly #first: ImageArchive;
  readonly #others: ReadonlyMap<string, ImageArchive>;

  constructor(first: ImageArchive, others: ReadonlyMap<string, ImageArchive>) {
    this.#first = first;
    this.#others = others;
  }

  /**
   * @param name the first one where absent
   * @throws WetreadError `config-invalid` for a name that is not configured: an event may hold any
   */
  named(name: string | undefined): ImageArchive {
    const archive = name === undefined ? this.#first : this.#others.get(name);
    if (archive === undefined)
      throw new WetreadError('config-invalid', 'archives: the one that holds the study is not among them');
    return archive;
  }
}
