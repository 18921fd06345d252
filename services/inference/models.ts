/** The models that this service offers: found at the start, loaded when first asked for, taken away and back on request. */
import type { Graph, GraphInterface } from '../../adapters/onnxruntime/graph.ts';
import type { SessionProcess } from '../../adapters/onnxruntime/session-process.ts';
import { WetreadError } from '../../src/errors.ts';
import type { BatchRule } from './batcher.ts';
import { requireVariableRows } from './batching.ts';

/** A package whose files have been checked, or the reason why it is not served. */
export interface PackagedModel {
  readonly name: string;
  readonly version: string;
  readonly graph: Graph;
  /** Where requests are joined. */
  readonly batching?: BatchRule;
  readonly refused?: WetreadError;
}

export interface ModelsOptions {
  /** Reads the folders anew. */
  readonly find: () => Promise<readonly PackagedModel[]>;
  readonly sessions: SessionProcess;
  /** Called when the graph has been loaded; a fault of it is a fault of loading. */
  readonly warmUp?: (model: PackagedModel, face: GraphInterface) => Promise<unknown>;
}

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

const UNLOADED = 'unloaded';

export class Models {
  readonly #options: ModelsOptions;
  readonly #interfaces = new Map<PackagedModel, Promise<GraphInterface>>();
  readonly #unloaded = new Set<PackagedModel>();
  #packages: readonly PackagedModel[] = [];

  private constructor(options: ModelsOptions) {
    this.#options = options;
  }

  static async open(options: ModelsOptions): Promise<Models> {
    const models = new Models(options);
    models.#packages = await options.find();
    return models;
  }

  all(): readonly PackagedModel[] {
    return this.#packages;
  }

  index(): readonly IndexEntry[] {
    return this.#packages.map((model) => {
      const reason = this.#unloaded.has(model) ? UNLOADED : (model.refused?.message ?? '');
      return { name: model.name, version: model.version, state: reason === '' ? 'READY' : 'UNAVAILABLE', reason };
    });
  }

  /** Those that can be asked, ascending. */
  versionsOf(name: string): readonly string[] {
    return this.#versionsOf(name, (model) => this.objection(model) === undefined);
  }

  #versionsOf(name: string, isMeant: (model: PackagedModel) => boolean = () => true): readonly string[] {
    const meant = this.#packages.filter((model) => model.name === name && isMeant(model));
    return meant.map(({ version }) => version).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Without a version: the newest that can be asked, else the newest. @throws WetreadError `not-found` */
  find(name: string, version = this.#newestOf(name)): PackagedModel {
    const found = this.#packages.find((model) => model.name === name && model.version === version);
    if (found === undefined) throw new WetreadError('not-found', 'No such model, or no such version of it');
    return found;
  }

  /** A version that is refused takes no requests away from the one before it. */
  #newestOf(name: string): string | undefined {
    return this.versionsOf(name).at(-1) ?? this.#versionsOf(name).at(-1);
  }

  /** Why it cannot be asked now. */
  objection(model: PackagedModel): WetreadError | undefined {
    if (model.refused !== undefined) return model.refused;
    const gone = this.#unloaded.has(model) || !this.#packages.includes(model);
    return gone ? new WetreadError('not-found', 'The model has been unloaded') : undefined;
  }

  /** Inputs and outputs as the graph has them; loads it. @throws WetreadError `package-invalid`, `not-found` */
  async interfaceOf(model: PackagedModel): Promise<GraphInterface> {
    const objection = this.objection(model);
    if (objection !== undefined) throw objection;
    const known = this.#interfaces.get(model);
    if (known !== undefined) return known;
    const loading = this.#load(model);
    this.#interfaces.set(model, loading);
    loading.catch(() => this.#interfaces.delete(model));
    return loading;
  }

  /**
   * Reads the folders anew and loads every version of the model, in place of what was there.
   * @throws WetreadError `not-found`, `package-invalid` where no version can be loaded
   */
  async load(name: string): Promise<void> {
    const found = (await this.#options.find()).filter((model) => model.name === name);
    if (found.length === 0) throw new WetreadError('not-found', 'No such model');
    await this.unload(name).catch(() => undefined);
    this.#packages = [...this.#packages.filter((model) => model.name !== name), ...found];
    const outcomes = await Promise.allSettled(found.map((model) => this.interfaceOf(model)));
    const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (failed.length === found.length) throw WetreadError.from(failed[0], 'package-invalid');
  }

  /** Takes every version of it away, and gives its memory back when the runs before have ended. @throws `not-found` */
  async unload(name: string): Promise<void> {
    const models = this.#packages.filter((model) => model.name === name);
    if (models.length === 0) throw new WetreadError('not-found', 'No such model');
    for (const model of models) {
      this.#unloaded.add(model);
      this.#interfaces.delete(model);
    }
    await Promise.all(models.map(({ graph }) => this.#options.sessions.unload(graph)));
  }

  async #load(model: PackagedModel): Promise<GraphInterface> {
    const face = await this.#options.sessions.load(model.graph);
    if (model.batching !== undefined) requireVariableRows(face);
    await this.#options.warmUp?.(model, face);
    return face;
  }
}
