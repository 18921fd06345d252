/** Where a tensor lies in a registered region of shared memory (Triton's system shared memory extension). */
import { WetreadError } from '../../src/errors.ts';

export interface SharedPlace {
  readonly region: string;
  /** From the start of the region, in bytes. */
  readonly offset: number;
  /** Of an output: what it may fill. */
  readonly byteSize: number;
}

/** @throws WetreadError where the place is not within a registered region */
export type SharedReader = (place: SharedPlace) => Uint8Array;

/** Of the parameters of an input or output; undefined where it does not lie in shared memory. @throws `request-invalid` */
export function sharedPlaceOf(parameters: Readonly<Record<string, unknown>>): SharedPlace | undefined {
  const region = parameters['shared_memory_region'];
  if (region === undefined) return undefined;
  const byteSize = Number(parameters['shared_memory_byte_size']);
  const offset = Number(parameters['shared_memory_offset'] ?? 0);
  const valid = [byteSize, offset].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (typeof region !== 'string' || !valid) throw new WetreadError('request-invalid', 'shared_memory: not a place');
  return { region, offset, byteSize };
}

/** The parameters of an output that was written there. */
export function sharedParameters(
  { region, offset }: SharedPlace,
  byteSize: number,
): Readonly<Record<string, string | number>> {
  return { shared_memory_region: region, shared_memory_offset: offset, shared_memory_byte_size: byteSize };
}

/** Stands where shared memory is off. */
export const noSharedMemory: SharedReader = () => {
  throw new WetreadError('request-invalid', 'Shared memory is off: --shared-memory was not given');
};
