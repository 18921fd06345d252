/**
 * Where a finding lies, as a component of its Observation: FHIR R4 has no element for coordinates, so the concept is that
 * of the region in the SR and the value a text that names every number and its frame.
 */
import type { ObservationComponent } from 'fhir/r4.js';
import type { Finding, Region } from '../inference/findings.ts';
import { concept, plain } from './fhir-elements.ts';
import { IMAGE_REGION, VOLUME_SURFACE } from './sr/concepts.ts';
import { isOnImage } from './sr/regions.ts';

export function regionOf({ region }: Finding): ObservationComponent[] {
  if (region === undefined) return [];
  const code = concept(isOnImage(region) ? IMAGE_REGION : VOLUME_SURFACE);
  return [{ code, valueString: plain(isOnImage(region) ? onImage(region) : inPatient(region)) }];
}

function onImage(region: Extract<Region, { readonly image: unknown }>): string {
  const { sopInstanceUid, frameNumber } = region.image;
  const frame = frameNumber === undefined ? '' : `, frame ${frameNumber}`;
  const pixel = ([column, row]: readonly [number, number]): string => `column ${column}, row ${row}`;
  const place =
    region.kind === 'image-point'
      ? `Point at ${pixel(region.point)}`
      : `Box from ${pixel(region.minimum)} to ${pixel(region.maximum)}`;
  return `${place} of image ${sopInstanceUid}${frame}`;
}

function inPatient(region: Exclude<Region, { readonly image: unknown }>): string {
  const frame = `mm (LPS) in the frame of reference ${region.frameOfReferenceUid}`;
  const vector = (point: readonly number[]): string => `[${point.join(', ')}]`;
  switch (region.kind) {
    case 'patient-point':
      return `Point at ${vector(region.center)} ${frame}`;
    case 'patient-sphere':
      return `Sphere of radius ${region.radiusMm} mm around ${vector(region.center)} ${frame}`;
    case 'patient-box':
      return `Box of edges ${region.edges.map(vector).join(', ')} around ${vector(region.center)} ${frame}`;
  }
}
