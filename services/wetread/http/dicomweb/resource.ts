/** Addresses of the resources (PS3.18 section 10.3), read and written. */
import type { Request } from 'express';
import { WetreadError } from '../../../../src/errors.ts';
import { isUid } from '../../../../src/uid.ts';

/** Where the service is mounted, as the client sees it: `http://host/dicom-web`. */
export function baseOf(request: Request): string {
  return `${request.protocol}://${request.get('host') ?? 'localhost'}${request.baseUrl}`;
}

export interface InstanceAddress {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid?: string | undefined;
  readonly sopInstanceUid?: string | undefined;
}

export function addressUrl(base: string, address: InstanceAddress): string {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = address;
  const series = seriesInstanceUid === undefined ? '' : `/series/${seriesInstanceUid}`;
  const instance = sopInstanceUid === undefined ? '' : `/instances/${sopInstanceUid}`;
  return `${base}/studies/${studyInstanceUid}${series}${instance}`;
}

/** The address in a request. @throws WetreadError `request-invalid` for UIDs that PS3.5 section 9.1 does not allow. */
export function addressOf({ params }: Request): Partial<InstanceAddress> {
  const uid = (name: string): string | undefined => {
    const text = params[name];
    if (text === undefined || (typeof text === 'string' && isUid(text))) return text;
    throw new WetreadError('request-invalid', 'A UID in the address is malformed');
  };
  const [study, series, instance] = [uid('study'), uid('series'), uid('instance')];
  return {
    ...(study !== undefined && { studyInstanceUid: study }),
    ...(series !== undefined && { seriesInstanceUid: series }),
    ...(instance !== undefined && { sopInstanceUid: instance }),
  };
}

/** Like {@link addressOf}, where the route has a study. */
export function studyAddressOf(request: Request): InstanceAddress {
  const { studyInstanceUid, ...rest } = addressOf(request);
  if (studyInstanceUid === undefined) throw new WetreadError('internal', 'The route has no study');
  return { studyInstanceUid, ...rest };
}
