/**
 * Connected components of a mask: voxels that touch by a face, an edge or a corner belong together (26-connected).
 *
 * A mask is scanned slice by slice, and two slices of runs are all that is held of it. A first scan gives every run a
 * number and notes which numbers turn out to be the same component; a second scan gives the same numbers again, so that
 * nothing of a run has to be kept between the two. What grows is a few bytes for each number, at most one in eight voxels.
 */
import { type Mask, SliceRuns } from './mask-runs.ts';

/** Called for every run of a mask in scan order; `end` is the column behind the last. */
type RunVisitor = (slice: number, row: number, from: number, end: number, id: number) => void;

/** The components that are worth a finding. */
export interface Components {
  /** Voxels of each, the largest first; of two of the same size the one that the scan meets first. */
  readonly voxels: readonly number[];
  /** How many are large enough; `voxels` may hold fewer. */
  readonly count: number;
  /** Calls for every run of those in `voxels`, with its place there as `id`. */
  readonly visit: (run: RunVisitor, endOfSlice: (slice: number) => void) => void;
}

export interface ComponentLimits {
  readonly minimumVoxels: number;
  /** Of the largest, so many are listed. */
  readonly atMost: number;
}

export function componentsOf(mask: Mask, { minimumVoxels, atMost }: ComponentLimits): Components {
  const numbers = new Numbers();
  scan(mask, {
    run: (_slice, _row, from, end, id) => numbers.add(id, end - from),
    join: (a, b) => numbers.join(a, b),
  });
  const large = numbers.roots(minimumVoxels);
  const listed = large.sort((a, b) => numbers.size(b) - numbers.size(a) || a - b).slice(0, atMost);
  const place = new Map(listed.map((root, at) => [root, at]));
  return {
    voxels: listed.map((root) => numbers.size(root)),
    count: large.length,
    visit: (run, endOfSlice) =>
      scan(mask, {
        run: (slice, row, from, end, id) => {
          const at = place.get(numbers.root(id));
          if (at !== undefined) run(slice, row, from, end, at);
        },
        endOfSlice,
      }),
  };
}

/** Every run of the mask as one region, whatever it is connected with. */
export function visitRuns(mask: Mask, run: RunVisitor, endOfSlice: (slice: number) => void): void {
  const runs = new SliceRuns(mask);
  for (let slice = 0; slice < mask.shape[0]; slice++) {
    runs.fill(mask, slice);
    eachRun(runs, mask, (row, at) => run(slice, row, runs.from[at]!, runs.to[at]!, 0));
    endOfSlice(slice);
  }
}

function eachRun(runs: SliceRuns, { shape: [, rows] }: Mask, visit: (row: number, at: number) => void): void {
  for (let row = 0; row < rows; row++)
    for (let at = runs.rowStart[row]!; at < runs.rowStart[row + 1]!; at++) visit(row, at);
}

interface Scanning {
  readonly run: RunVisitor;
  /** Two numbers that are one component. */
  readonly join?: (a: number, b: number) => void;
  readonly endOfSlice?: (slice: number) => void;
}

/** Numbers depend on the mask alone, never on what was joined before: every scan gives the same ones. */
function scan(mask: Mask, { run, join, endOfSlice }: Scanning): void {
  const [slices, rows] = mask.shape;
  let [before, now] = [new SliceRuns(mask), new SliceRuns(mask)];
  let numbers = 0;
  for (let slice = 0; slice < slices; slice++) {
    [before, now] = [now, before];
    now.fill(mask, slice);
    now.id.fill(-1, 0, now.count);
    for (let row = 0; row < rows; row++) {
      touch(now, row, now, row - 1, join);
      if (slice > 0) for (const near of [row - 1, row, row + 1]) touch(now, row, before, near, join);
      for (let at = now.rowStart[row]!; at < now.rowStart[row + 1]!; at++) {
        if (now.id[at] === -1) now.id[at] = numbers++;
        run(slice, row, now.from[at]!, now.to[at]!, now.id[at]!);
      }
    }
    endOfSlice?.(slice);
  }
}

/** Runs of a row take the number of the first run in a neighbouring row that they touch, corners included. */
function touch(runs: SliceRuns, row: number, others: SliceRuns, near: number, join: Scanning['join']): void {
  if (near < 0 || near >= others.rowStart.length - 1) return;
  let [at, other] = [runs.rowStart[row]!, others.rowStart[near]!];
  const [end, otherEnd] = [runs.rowStart[row + 1]!, others.rowStart[near + 1]!];
  while (at < end && other < otherEnd) {
    if (others.from[other]! <= runs.to[at]! && runs.from[at]! <= others.to[other]!) {
      const number = others.id[other]!;
      if (runs.id[at] === -1) runs.id[at] = number;
      else if (runs.id[at] !== number) join?.(runs.id[at]!, number);
    }
    if (runs.to[at]! < others.to[other]!) at++;
    else other++;
  }
}

/** Union-find over numbers; the root of a component is its lowest number, which the scan met first. */
class Numbers {
  #parents = new Int32Array(1024);
  #sizes = new Int32Array(1024);
  #count = 0;

  /** Numbers come in order: the next one, or one that was there. */
  add(id: number, voxels: number): void {
    if (id === this.#parents.length) {
      this.#parents = grown(this.#parents);
      this.#sizes = grown(this.#sizes);
    }
    if (id === this.#count) this.#parents[this.#count++] = id;
    this.#sizes[this.root(id)]! += voxels;
  }

  join(a: number, b: number): void {
    const [first, second] = [this.root(a), this.root(b)];
    if (first === second) return;
    const [low, high] = first < second ? [first, second] : [second, first];
    this.#parents[high] = low;
    this.#sizes[low]! += this.#sizes[high]!;
  }

  root(id: number): number {
    let at = id;
    while (this.#parents[at] !== at) {
      this.#parents[at] = this.#parents[this.#parents[at]!]!;
      at = this.#parents[at]!;
    }
    return at;
  }

  size(root: number): number {
    return this.#sizes[root]!;
  }

  /** Of components of at least so many voxels. */
  roots(minimumVoxels: number): number[] {
    const roots: number[] = [];
    for (let id = 0; id < this.#count; id++)
      if (this.#parents[id] === id && this.#sizes[id]! >= minimumVoxels) roots.push(id);
    return roots;
  }
}

function grown(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(values.length * 2);
  larger.set(values);
  return larger;
}
