/** Frames of a series as they arrive: each gets room when its header is known; failures and refusals are kept. */
import type { ImageHeader, Series } from '../arrival/study.ts';
import type { EncodedInstance, FrameTarget } from '../ports.ts';
import { type Reason, reason, type Skipped } from '../reasons.ts';
import { SetAsideList } from './not-read.ts';
import { MAX_SERIES_BYTES, type SharedMemory, type Slot, Slots } from './slots.ts';

/** Where a frame of an instance is to be decoded to. */
export interface Placement {
  readonly frameIndex: number;
  readonly target: FrameTarget;
}

/** What both kinds of assembly do while instances stream in. */
export interface ArrivingFrames {
  /** Room for the frames of an instance, or why it is not read: that row is in `notRead` already. */
  place(instance: EncodedInstance): { readonly placements: readonly Placement[] } | Skipped;
  /** A frame that was placed and could not be decoded. */
  dropped(instance: EncodedInstance, frameIndex: number, because: Reason): void;
}

/** The facts of one frame before it has a slot. */
export interface Frame {
  readonly header: ImageHeader;
  /** From 1 (0008,1160). */
  readonly frameNumber: number;
  /** Added to stored values so that they fit INT16. */
  readonly shift: FrameTarget['shift'];
}

export type Placed<F extends Frame> = F & { readonly slot: Slot };

export class Arrivals<F extends Frame> implements ArrivingFrames {
  readonly setAside = new SetAsideList();
  readonly #series: Series;
  readonly #memory: SharedMemory;
  readonly #framesOf: (instance: EncodedInstance) => readonly F[] | Reason;
  /** One per number of values in a frame. */
  readonly #slots = new Map<number, Slots>();
  readonly #frames = new Set<Placed<F>>();
  /** Weak, so that the encoded bytes of an instance can go once its frames are decoded. */
  readonly #placed = new WeakMap<EncodedInstance, readonly Placed<F>[]>();
  #arrived = 0;
  #excess: Reason | undefined;

  /** @param series as the archive announced it: its number of instances sizes the memory. */
  constructor(series: Series, memory: SharedMemory, framesOf: (instance: EncodedInstance) => readonly F[] | Reason) {
    this.#series = series;
    this.#memory = memory;
    this.#framesOf = framesOf;
  }

  place(instance: EncodedInstance): { readonly placements: readonly Placement[] } | Skipped {
    this.#arrived++;
    const frames = this.#allot(instance);
    if ('code' in frames) {
      this.setAside.add(instance.header, frames, Math.max(1, instance.header.numberOfFrames));
      return { skipped: frames };
    }
    this.#placed.set(instance, frames);
    const placements = frames.map(({ slot, shift }, frameIndex) => ({ frameIndex, target: { ...slot, shift } }));
    return { placements };
  }

  #allot(instance: EncodedInstance): readonly Placed<F>[] | Reason {
    const facts = this.#framesOf(instance);
    if ('code' in facts) return facts;
    const left = Math.max(1, this.#series.instances.length - this.#arrived + 1);
    const slots = this.#slotsFor(instance.header).allot(facts.length, left * facts.length);
    if (slots === undefined) {
      this.#excess = reason('decode-limit', `more than ${MAX_SERIES_BYTES / 2 ** 30} GiB of voxels`);
      return this.#excess;
    }
    const frames = facts.map((fact, index) => ({ ...fact, slot: slots[index]! }));
    for (const frame of frames) this.#frames.add(frame);
    return frames;
  }

  #slotsFor(header: ImageHeader): Slots {
    const size = valuesPerFrame(header);
    const slots = this.#slots.get(size) ?? new Slots(size, this.#memory);
    this.#slots.set(size, slots);
    return slots;
  }

  dropped(instance: EncodedInstance, frameIndex: number, because: Reason): void {
    const frame = this.#placed.get(instance)?.[frameIndex];
    if (frame === undefined || !this.#frames.delete(frame)) return;
    this.setAside.add(frame.header, because);
  }

  /** Set where the series did not fit into memory: what was placed then depends on arrival and must not be read. */
  get excess(): Reason | undefined {
    return this.#excess;
  }

  /** What was placed and not dropped, in an order that does not depend on arrival. */
  frames(): readonly Placed<F>[] {
    return [...this.#frames].sort(byInstance);
  }

  /** The slots of these frames in one array: see {@link Slots.gather}. */
  gather(frames: readonly Placed<F>[]): ReturnType<Slots['gather']> {
    return this.#slotsFor(frames[0]!.header).gather(frames.map(({ slot }) => slot));
  }

  /** Gives back all memory that was not gathered. */
  release(): void {
    for (const slots of this.#slots.values()) slots.release();
  }
}

export function valuesPerFrame({ rows, columns, samplesPerPixel }: ImageHeader): number {
  return rows * columns * samplesPerPixel;
}

/** Instance number, then UID, then frame number. */
export function byInstance(a: Omit<Frame, 'shift'>, b: Omit<Frame, 'shift'>): number {
  return (
    (a.header.instanceNumber ?? 0) - (b.header.instanceNumber ?? 0) ||
    compareText(a.header.sopInstanceUid, b.header.sopInstanceUid) ||
    a.frameNumber - b.frameNumber
  );
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Full-range unsigned values are stored minus 32768, so that they fit INT16. */
export function shiftOf({ modalityLut, bitsStored, pixelRepresentation }: ImageHeader): FrameTarget['shift'] {
  if (modalityLut !== undefined) return modalityLut.values.some((value) => value > 32767) ? -32768 : 0;
  return pixelRepresentation === 0 && bitsStored > 15 ? -32768 : 0;
}

/**
 * `value = voxel × slope + intercept` for what the decoder writes: a modality LUT is applied by then, and its output
 * needs no rescale (PS3.3 C.11.1); what the shift took away comes back through the intercept.
 */
export function rescaleOf(
  { modalityLut, frames }: ImageHeader,
  frameNumber: number,
  shift: FrameTarget['shift'],
): { readonly slope: number; readonly intercept: number } {
  const frame = frames[frameNumber - 1] ?? frames[0];
  if (modalityLut !== undefined || frame === undefined) return { slope: 1, intercept: -shift };
  return { slope: frame.rescaleSlope, intercept: frame.rescaleIntercept - shift * frame.rescaleSlope };
}
