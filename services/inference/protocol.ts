/** What the protocol says beside inference, in its own words and the same over HTTP and gRPC. */
import type { TensorSpec } from '../../adapters/onnxruntime/graph.ts';
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';
import type { Log, Tracer } from '../../src/ports.ts';
import type { Inference } from './infer.ts';
import type { IndexEntry, Models, PackagedModel } from './models.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { ModelStatistics, Statistics } from './statistics.ts';

export interface ProtocolParts {
  readonly version: string;
  readonly models: Models;
  readonly statistics: Statistics;
  readonly inference: Inference;
  readonly tracer: Tracer;
  readonly log: Log;
  /** Undefined: off. */
  readonly sharedMemory: SharedMemory | undefined;
  /** Whether clients may load and unload models. */
  readonly modelControl: boolean;
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export class Protocol {
  readonly #parts: ProtocolParts;

  constructor(parts: ProtocolParts) {
    this.#parts = parts;
  }

  get inference(): Inference {
    return this.#parts.inference;
  }

  get tracer(): Tracer {
    return this.#parts.tracer;
  }

  server(): { readonly name: string; readonly version: string; readonly extensions: readonly string[] } {
    const extensions = ['binary_tensor_data', 'model_repository', 'statistics'];
    if (this.#parts.sharedMemory !== undefined) extensions.push('system_shared_memory');
    return { name: 'wetread-inference', version: this.#parts.version, extensions };
  }

  /** @throws WetreadError `not-found` */
  find(name = '', version?: string): PackagedModel {
    return this.#parts.models.find(name, version);
  }

  objection(model: PackagedModel): WetreadError | undefined {
    return this.#parts.models.objection(model);
  }

  /** @throws WetreadError `not-found`, `package-invalid` */
  async model(name: string | undefined, version: string | undefined): Promise<ModelMetadata> {
    const { models } = this.#parts;
    const model = this.find(name, version);
    const { inputs, outputs } = await models.interfaceOf(model);
    const fields = ({ name, datatype, shape }: TensorSpec): TensorSpec => ({ name, datatype, shape });
    return {
      name: model.name,
      versions: models.versionsOf(model.name),
      platform: 'onnxruntime_onnx',
      inputs: inputs.map(fields),
      outputs: outputs.map(fields),
    };
  }

  /** Without a version of every version, without a name of every model. @throws WetreadError `not-found` */
  statistics(name?: string, version?: string): readonly ModelStatistics[] {
    const { models, statistics } = this.#parts;
    if (name !== undefined) this.find(name, version);
    return models
      .all()
      .filter((model) => name === undefined || model.name === name)
      .filter((model) => version === undefined || model.version === version)
      .map((model) => statistics.of(model));
  }

  /** @param wanted `ready`: only models that can be asked */
  index({ ready }: { readonly ready?: unknown }): readonly IndexEntry[] {
    return this.#parts.models.index().filter(({ state }) => ready !== true || state === 'READY');
  }

  /** @throws WetreadError `request-invalid` where models are not under control of clients; `not-found`, `package-invalid` */
  async load(name = ''): Promise<void> {
    this.#checkControl();
    await this.#parts.models.load(name);
  }

  /** @throws WetreadError as {@link load} */
  async unload(name = ''): Promise<void> {
    this.#checkControl();
    await this.#parts.models.unload(name);
  }

  /** @throws WetreadError `request-invalid` where it is off */
  sharedMemory(): SharedMemory {
    const { sharedMemory } = this.#parts;
    if (sharedMemory === undefined) {
      throw new WetreadError('request-invalid', 'Shared memory is off: --shared-memory was not given');
    }
    return sharedMemory;
  }

  /** Refusals and full queues are the client's to read; faults of this side are also logged. */
  report(fault: unknown): void {
    const { code } = WetreadError.from(fault);
    if (ERROR_CODES[code].httpStatus >= 500 && code !== 'overloaded') {
      this.#parts.log.write('http-fault', { errorCode: code });
    }
  }

  #checkControl(): void {
    if (this.#parts.modelControl) return;
    throw new WetreadError('request-invalid', 'Models are not loaded and unloaded by clients: --model-control is none');
  }
}
