/** Voxels and outlines of slices, fetched ahead of the reader: nearest to the current slice first, within a budget. */
import { getJson, getVoxels } from './api.js';

/**
 * @import { SegmentOutline } from '../segmentation-file.ts'
 * @typedef {{ voxels: Int16Array, slope: number, intercept: number, outlines: readonly SegmentOutline[] }} Slice
 */

/** Browsers open six connections to a host; two stay free for the rest of the page. */
const PARALLEL = 2;
/** A tablet keeps this much without trouble: 300 slices of 512 × 512 take 157 MB. */
const BUDGET_BYTES = 256 * 1024 * 1024;

export class SliceStore {
  /** @type {Map<number, Slice>} */
  #slices = new Map();
  /** @type {Map<number, string>} */
  #failures = new Map();
  /** @type {Set<number>} */
  #loading = new Set();
  #current = 0;

  /**
   * @param {{ path: string, view: import('../../../contracts/generated/types.ts').View,
   *   onLoad: (index: number) => void }} options `path` of the view in the API
   */
  constructor({ path, view, onLoad }) {
    this.path = path;
    this.count = view.slices.length;
    this.capacity = Math.max(8, Math.floor(BUDGET_BYTES / (view.rows * view.columns * 2)));
    this.onLoad = onLoad;
  }

  /**
   * The slice, if it is here; asks for it and its neighbours in any case.
   * @param {number} index
   */
  at(index) {
    if (index !== this.#current) this.#failures.delete(index);
    this.#current = index;
    this.#fetchNext();
    return this.#slices.get(index);
  }

  /**
   * Why a slice could not be had.
   * @param {number} index
   */
  failure(index) {
    return this.#failures.get(index);
  }

  #fetchNext() {
    while (this.#loading.size < PARALLEL) {
      const index = this.#nearestMissing();
      if (index === undefined) return;
      this.#loading.add(index);
      void this.#load(index);
    }
  }

  /** Nearest first, both ways; no farther than the budget reaches. */
  #nearestMissing() {
    const reach = Math.min(this.count, Math.floor(this.capacity / 2));
    for (let distance = 0; distance <= reach; distance += 1) {
      for (const index of [this.#current + distance, this.#current - distance]) {
        if (index < 0 || index >= this.count || this.#slices.has(index)) continue;
        if (!this.#loading.has(index) && !this.#failures.has(index)) return index;
      }
    }
    return undefined;
  }

  /** @param {number} index */
  async #load(index) {
    try {
      const path = `${this.path}/slices/${index}`;
      const [voxels, outlines] = await Promise.all([
        getVoxels(`${path}/voxels`),
        /** @type {Promise<SegmentOutline[]>} */ (getJson(`${path}/outlines`)),
      ]);
      this.#slices.set(index, { ...voxels, outlines });
      this.#forgetFarthest();
    } catch (error) {
      this.#failures.set(index, error instanceof Error ? error.message : String(error));
    }
    this.#loading.delete(index);
    this.onLoad(index);
    this.#fetchNext();
  }

  #forgetFarthest() {
    if (this.#slices.size <= this.capacity) return;
    const distance = (/** @type {number} */ index) => Math.abs(index - this.#current);
    const farthest = [...this.#slices.keys()].reduce((a, b) => (distance(b) > distance(a) ? b : a));
    this.#slices.delete(farthest);
  }
}
