/** One request to store: instances are offered one by one, and acknowledged together when all of them are durable. */
import { readFile } from 'node:fs/promises';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { type Cause, isSkipped, type Reason, reason, type Skipped } from '../../src/reasons.ts';
import { type ReceivedFile, receiveFile, removeFile, storageError } from './files.ts';
import type { InstanceIdentity, InstanceInspector, StoreResult } from './instance.ts';
import type { Intake, PendingInstance } from './intake.ts';

export interface BatchOptions {
  /** Refuse instances of other studies. */
  readonly studyInstanceUid?: string;
}

export interface BatchParts {
  readonly incoming: string;
  readonly intake: Intake;
  readonly inspector: InstanceInspector;
  readonly isOwn: (dataSet: DicomDataSet) => boolean;
  readonly report: (why: Cause, identity?: InstanceIdentity) => void;
  /** Runs one piece of work at a time. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
}

export class StoreBatch {
  readonly #parts: BatchParts;
  readonly #options: BatchOptions;
  readonly #offered: (PendingInstance | StoreResult)[] = [];

  constructor(parts: BatchParts, options: BatchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Takes one Part 10 file; its outcome is known after {@link finish}.
   * @throws what the source throws, and nothing else; nothing of the instance stays then.
   */
  async add(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, own = false): Promise<void> {
    const file = await receiveFile(this.#parts.incoming, source);
    this.#offered.push(await this.#admit(file, own).catch((error: unknown) => failed(error)));
  }

  /** The outcome of every instance, in the order in which they were offered; returns when the stored ones are durable. */
  async finish(): Promise<readonly StoreResult[]> {
    await this.#parts.intake.flush();
    const results = await Promise.all(this.#offered.map(outcomeOf));
    for (const result of results) {
      if (result.kind === 'failed') this.#parts.report({ code: result.error.code }, result.identity);
    }
    return results;
  }

  async #admit(file: ReceivedFile, own: boolean): Promise<PendingInstance | StoreResult> {
    if (file.error !== undefined) return failed(file.error, this.#identify(file));
    const found = await this.#inspect(file);
    if (isSkipped(found)) return this.#refuse(file, found.skipped);
    const { identity, dataSet } = found;
    if ((this.#options.studyInstanceUid ?? identity.studyInstanceUid) !== identity.studyInstanceUid) {
      return this.#refuse(file, reason('study-mismatch'), identity);
    }
    const admitted = await this.#parts.intake.admit(file, identity, dataSet, own || this.#parts.isOwn(dataSet));
    return isSkipped(admitted) ? this.#refuse(file, admitted.skipped, identity) : admitted;
  }

  #identify(file: ReceivedFile): InstanceIdentity | undefined {
    const identity = file.content === undefined ? undefined : this.#parts.inspector.identify(file.content);
    return isSkipped(identity) ? undefined : identity;
  }

  /** Small files are still in memory; large ones are read again, one at a time in the whole archive. */
  async #inspect(file: ReceivedFile): Promise<Inspected | Skipped> {
    const { inspector, exclusive } = this.#parts;
    if (file.content !== undefined) return inspect(inspector, file.content);
    return exclusive(async () => inspect(inspector, await readFile(file.path)));
  }

  async #refuse(file: ReceivedFile, why: Reason, identity?: InstanceIdentity): Promise<StoreResult> {
    await removeFile(file.path);
    this.#parts.report(why, identity);
    return { kind: 'refused', reason: why, ...(identity && { identity }) };
  }
}

interface Inspected {
  readonly identity: InstanceIdentity;
  readonly dataSet: DicomDataSet;
}

export function inspect(inspector: InstanceInspector, bytes: Uint8Array): Inspected | Skipped {
  const identity = inspector.identify(bytes);
  if (isSkipped(identity)) return identity;
  const dataSet = inspector.describe(bytes);
  return isSkipped(dataSet) ? dataSet : { identity, dataSet };
}

function failed(error: unknown, identity?: InstanceIdentity): StoreResult {
  return { kind: 'failed', error: storageError(error), ...(identity && { identity }) };
}

async function outcomeOf(offered: PendingInstance | StoreResult): Promise<StoreResult> {
  if ('kind' in offered) return offered;
  const { identity, durable, repeated } = offered;
  try {
    await durable;
    return { kind: 'stored', identity, repeated };
  } catch (error) {
    return failed(error, identity);
  }
}
