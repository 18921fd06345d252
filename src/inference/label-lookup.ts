/** Which coarse label lies nearest to the voxels of a row. */
import { composeAffine, invertAffine } from '../assembly/geometry.ts';
import type { Raster } from '../assembly/volume.ts';
import type { CoarseLabels } from './model-package.ts';

/** Unaligned by less than this over a whole row, in grid points, is rounding. */
const ALIGNED = 1e-3;
const NONE = new Int32Array(0);

/** Finds the labels nearest to the voxels of a row, as runs of one label. */
export class LabelLookup {
  readonly #labels: Uint8Array;
  readonly #shape: readonly [number, number, number];
  /** Image index to grid index, with half a point added so that truncation rounds to the nearest. */
  readonly #toGrid: readonly number[];
  /** Grid column of every image column where rows of both run the same way, as in any axial series; -1 outside. */
  readonly #columns: Int32Array | undefined;
  /** Label, first column and column behind the last, run after run. */
  readonly #runs: Int32Array;
  readonly #rowLabels: Uint8Array;
  /** Rows of an image share rows of the coarser grid: where the last runs were read. */
  #lastStart = -1;
  #last: Int32Array = NONE;

  constructor(volume: Pick<Raster, 'shape' | 'affine'>, { grid, labels }: CoarseLabels) {
    this.#labels = labels;
    this.#shape = grid.shape;
    this.#toGrid = composeAffine(invertAffine(grid.affine), volume.affine).map((m, i) => (i % 4 === 3 ? m + 0.5 : m));
    this.#columns = this.#alignedColumns(volume.shape);
    this.#rowLabels = new Uint8Array(volume.shape[2]);
    this.#runs = new Int32Array(3 * volume.shape[2]);
  }

  /** Runs of labels other than 0 along row `[k, row, …]`: label, first column, column behind the last; valid until the next call. */
  runs(k: number, row: number): Int32Array {
    if (this.#columns === undefined) return this.#readAcross(k, row);
    const [slices, rows, columns] = this.#shape;
    const m = this.#toGrid;
    const slice = Math.floor(m[0]! * k + m[1]! * row + m[3]!);
    const gridRow = Math.floor(m[4]! * k + m[5]! * row + m[7]!);
    if (slice < 0 || gridRow < 0 || slice >= slices || gridRow >= rows) return NONE;
    const start = (slice * rows + gridRow) * columns;
    if (start !== this.#lastStart) this.#last = this.#readAlong(this.#columns, start);
    this.#lastStart = start;
    return this.#last;
  }

  #alignedColumns([slices, rows, columns]: readonly [number, number, number]): Int32Array | undefined {
    const m = this.#toGrid;
    const drift = Math.max(
      Math.abs(m[2]! * columns),
      Math.abs(m[6]! * columns),
      Math.abs(m[8]! * slices),
      Math.abs(m[9]! * rows),
    );
    if (drift > ALIGNED) return undefined;
    return Int32Array.from({ length: columns }, (_, i) => {
      const column = Math.floor(m[10]! * i + m[11]!);
      return column >= 0 && column < this.#shape[2] ? column : -1;
    });
  }

  #readAlong(gridColumns: Int32Array, start: number): Int32Array {
    const row = this.#rowLabels;
    for (let i = 0; i < row.length; i++) {
      const column = gridColumns[i]!;
      row[i] = column < 0 ? 0 : this.#labels[start + column]!;
    }
    return this.#runsOf(row);
  }

  #readAcross(k: number, row: number): Int32Array {
    const [slices, rows, columns] = this.#shape;
    const labels = this.#labels;
    const target = this.#rowLabels;
    const m = this.#toGrid;
    let slice = m[0]! * k + m[1]! * row + m[3]!;
    let gridRow = m[4]! * k + m[5]! * row + m[7]!;
    let column = m[8]! * k + m[9]! * row + m[11]!;
    const [sliceStep, rowStep, columnStep] = [m[2]!, m[6]!, m[10]!];
    for (let i = 0; i < target.length; i++) {
      let label = 0;
      if (slice >= 0 && gridRow >= 0 && column >= 0 && slice < slices && gridRow < rows && column < columns)
        label = labels[((slice | 0) * rows + (gridRow | 0)) * columns + (column | 0)]!;
      target[i] = label;
      slice += sliceStep;
      gridRow += rowStep;
      column += columnStep;
    }
    return this.#runsOf(target);
  }

  #runsOf(row: Uint8Array): Int32Array {
    const runs = this.#runs;
    let length = 0;
    for (let from = 0; from < row.length; ) {
      const label = row[from]!;
      let to = from + 1;
      while (to < row.length && row[to] === label) to += 1;
      if (label !== 0) {
        runs[length] = label;
        runs[length + 1] = from;
        runs[length + 2] = to;
        length += 3;
      }
      from = to;
    }
    return runs.subarray(0, length);
  }
}
