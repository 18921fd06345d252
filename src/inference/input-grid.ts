/** The grid that a model's input lies on, from the volume and what the card says of spacing, shape and edges. */
import type { Grid } from '../assembly/grid.ts';
import {
  centred,
  divided,
  type GridAxis,
  type GridVolume,
  gridOf,
  resized,
  sampled,
  spaced,
  type VolumeAxis,
  volumeAxes,
} from '../assembly/grid-axes.ts';
import { WetreadError } from '../errors.ts';
import type { VolumeInput } from './model-package.ts';

/** What the card says of the grid. */
export type GridRule = Pick<
  VolumeInput,
  'orientation' | 'spacingMm' | 'shape' | 'depth' | 'fit' | 'window' | 'multipleOf'
>;

/** Over the whole volume by default. Crop and pad move only its edges: its affine says where every point lies. */
export function inputGrid(volume: GridVolume, rule: GridRule): Grid {
  const axes = volumeAxes(volume, rule.orientation);
  const along = (place: 0 | 1 | 2): GridAxis => edged(covering(axes[place], place, rule), place, rule);
  return gridOf([along(0), along(1), along(2)]);
}

/** Spacing or shape, and the rule for the depth. */
function covering(axis: VolumeAxis, place: 0 | 1 | 2, { spacingMm, shape, depth }: GridRule): GridAxis {
  const plain = shape === undefined ? spaced(axis, spacingOf(axis, place, spacingMm)) : divided(axis, shape[place]);
  if (depth === undefined || place !== 0) return plain;
  switch (depth.kind) {
    case 'fixed':
      return divided(axis, depth.slices);
    case 'sample':
      return sampled(axis, depth.slices);
    case 'nearest-multiple': {
      const most = Math.max(1, Math.floor(depth.maximum / depth.of));
      const times = Math.min(Math.max(1, Math.round(plain.count / depth.of)), most);
      return divided(axis, times * depth.of);
    }
  }
}

function spacingOf({ ownSpacing }: VolumeAxis, place: 0 | 1 | 2, spacingMm: VolumeInput['spacingMm']): number {
  if (spacingMm === undefined) throw new WetreadError('internal', 'A card without spacing and shape was registered');
  if (spacingMm === 'as-acquired') return ownSpacing;
  return typeof spacingMm === 'number' ? spacingMm : spacingMm[place];
}

/** Crop and pad, at least a window, and a multiple. */
function edged(axis: GridAxis, place: 0 | 1 | 2, { fit, window, multipleOf }: GridRule): GridAxis {
  const fitted = fit === undefined ? axis : fittedTo(axis, fit.shape[place], fit.anchor === 'top' && place === 0);
  const most = Math.max(fitted.count, window?.shape[place] ?? 0);
  const factor = multipleOf?.[place] ?? 1;
  return centred(fitted, Math.ceil(most / factor) * factor);
}

/** `fromTop`: slices ascend to the head, so what is added or cut off lies before the first. */
function fittedTo(axis: GridAxis, count: number, fromTop: boolean): GridAxis {
  return fromTop ? resized(axis, count, count - axis.count) : centred(axis, count);
}

/** For logs and reports, such as `2.5 mm`. */
export function gridText({ spacingMm, shape }: GridRule): string {
  if (spacingMm === undefined) return `${shape?.join(' × ') ?? 'no'} points`;
  if (spacingMm === 'as-acquired') return 'spacing as acquired';
  return `${typeof spacingMm === 'number' ? spacingMm : spacingMm.join(' × ')} mm`;
}

/** Sizes of what one request holds where they are the same for every volume, `[slices, rows, columns]`. */
export function fixedSizes({ shape, depth, fit, window, multipleOf }: GridRule): readonly (number | undefined)[] {
  if (window !== undefined) return window.shape;
  return [0, 1, 2].map((place) => {
    const slices = depth?.kind === 'fixed' ? depth.slices : depth === undefined ? shape?.[0] : undefined;
    const size = fit?.shape[place] ?? (place === 0 ? slices : shape?.[place]);
    const factor = multipleOf?.[place] ?? 1;
    return size === undefined ? undefined : Math.ceil(size / factor) * factor;
  });
}
