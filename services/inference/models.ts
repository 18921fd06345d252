/** The models that this service offers: found at the start, loaded when first asked for. */
import type { Graph, GraphInterface } from '../../adapters/onnxruntime/session.ts';
import type { SessionThread } from '../../adapters/onnxruntime/session-thread.ts';
import { WetreadError } from '../../src/errors.ts';

/** A package whose files have been checked, or the reason why it is not served. */
export interface PackagedModel {
  readonly name: string;
  readonly version: string;
  readonly graph: Graph;
  readonly refused?: WetreadError;
}

export class Models {
  readonly #packages: readonly PackagedModel[];
  readonly #thread: SessionThread;
  readonly #interfaces = new Map<PackagedModel, Promise<GraphInterface>>();

  constructor(packages: readonly PackagedModel[], thread: SessionThread) {
    this.#packages = packages;
    this.#thread = thread;
  }

  versionsOf(name: string): readonly string[] {
    const versions = this.#packages.flatMap((model) => (model.name === name ? [model.version] : []));
    return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Without a version: the newest. @throws WetreadError `not-found` */
  find(name: string, version = this.versionsOf(name).at(-1)): PackagedModel {
    const found = this.#packages.find((model) => model.name === name && model.version === version);
    if (found === undefined) throw new WetreadError('not-found', 'No such model, or no such version of it');
    return found;
  }

  /** Inputs and outputs as the graph has them; loads it. @throws WetreadError `package-invalid` */
  async interfaceOf(model: PackagedModel): Promise<GraphInterface> {
    if (model.refused !== undefined) throw model.refused;
    const known = this.#interfaces.get(model);
    if (known !== undefined) return known;
    const loading = this.#thread.load(model.graph);
    this.#interfaces.set(model, loading);
    loading.catch(() => this.#interfaces.delete(model));
    return loading;
  }
}
