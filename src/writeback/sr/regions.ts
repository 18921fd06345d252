/** Where a finding lies: spatial coordinates on an image, or in the patient (PS3.3 C.18.6, C.18.9). */
import type { Point3 } from '../../arrival/study.ts';
import { add, scale } from '../../assembly/geometry.ts';
import type { Region } from '../../inference/findings.ts';
import * as concepts from './concepts.ts';
import { type ContentItem, imageCoordinatesItem, patientCoordinatesItem } from './content-item.ts';

type ImageRegion = Extract<Region, { readonly image: unknown }>;
type PatientRegion = Exclude<Region, ImageRegion>;

export function isOnImage(region: Region): region is ImageRegion {
  return 'image' in region;
}

/** PS3.16 TID 1410 row 6: a point, or a box as a polyline whose last point is its first. */
export function imageRegion(region: ImageRegion): ContentItem {
  const { image } = region;
  if (region.kind === 'image-point')
    return imageCoordinatesItem('CONTAINS', concepts.IMAGE_REGION, 'POINT', region.point, image);
  const [[left, top], [right, bottom]] = [region.minimum, region.maximum];
  const corners = [left, top, right, top, right, bottom, left, bottom, left, top];
  return imageCoordinatesItem('CONTAINS', concepts.IMAGE_REGION, 'POLYLINE', corners, image);
}

/**
 * PS3.16 TID 1411 row 10: a point; a sphere as an ellipsoid of three axes; a box as its six faces, since no graphic type
 * is a cuboid and a surface may be made of polygons.
 */
export function volumeSurface(region: PatientRegion): readonly ContentItem[] {
  const surface = (graphicType: 'POINT' | 'POLYGON' | 'ELLIPSOID', points: readonly Point3[]): ContentItem =>
    patientCoordinatesItem('CONTAINS', concepts.VOLUME_SURFACE, graphicType, points.flat(), region.frameOfReferenceUid);
  switch (region.kind) {
    case 'patient-point':
      return [surface('POINT', [region.center])];
    case 'patient-sphere':
      return [surface('ELLIPSOID', ellipsoidAxes(region.center, region.radiusMm))];
    case 'patient-box':
      return facesOf(region.center, region.edges).map((face) => surface('POLYGON', face));
  }
}

/** Ends of the three axes, each axis in turn. */
function ellipsoidAxes(center: Point3, radius: number): readonly Point3[] {
  const axes: readonly Point3[] = [
    [radius, 0, 0],
    [0, radius, 0],
    [0, 0, radius],
  ];
  return axes.flatMap((axis) => [add(center, scale(axis, -1)), add(center, axis)]);
}

/** Two faces across each edge; the last point of a polygon is its first (PS3.3 C.18.9.1.2). */
function facesOf(center: Point3, edges: readonly [Point3, Point3, Point3]): readonly (readonly Point3[])[] {
  return [0, 1, 2].flatMap((axis) => {
    const [across, along, other] = [edges[axis]!, edges[(axis + 1) % 3]!, edges[(axis + 2) % 3]!];
    return [-0.5, 0.5].map((side) => {
      const middle = add(center, scale(across, side));
      const corner = (a: number, b: number): Point3 => add(middle, add(scale(along, a), scale(other, b)));
      return [corner(-0.5, -0.5), corner(0.5, -0.5), corner(0.5, 0.5), corner(-0.5, 0.5), corner(-0.5, -0.5)];
    });
  });
}
