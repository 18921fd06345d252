/** What a client accepts (PS3.18 section 8.7.5, RFC 9110 section 12.5.1). */
import type { Request } from 'express';
import { parseMediaType } from '../../../../adapters/dicomweb/media-type.ts';
import { WetreadError } from '../../../../src/errors.ts';

/** One acceptable form, best first. */
export interface Accepted {
  /** `multipart` wraps the media type in multipart/related; `any` leaves that to the server. */
  readonly container: 'single' | 'multipart' | 'any';
  /** A media type or a range such as `image/*`. */
  readonly type: string;
  /** As given; undefined where the client leaves it to the default of the resource. */
  readonly transferSyntax: string | undefined;
}

/**
 * The acceptable forms by falling quality. The query parameter `accept` takes the place of the header (PS3.18 8.3.3.1);
 * without either everything is acceptable.
 * @throws WetreadError `request-invalid` for a malformed list.
 */
export function acceptedForms(request: Request): readonly Accepted[] {
  const asked = new URL(request.originalUrl, 'http://localhost').searchParams.get('accept') ?? request.get('accept');
  if (asked === undefined || asked.trim() === '') return [ANYTHING];
  return splitList(asked)
    .map(formOf)
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ form }) => form);
}

const ANYTHING: Accepted = { container: 'any', type: '*/*', transferSyntax: undefined };

/** Splits at commas outside quotes. */
function splitList(list: string): readonly string[] {
  return (list.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).filter((entry) => entry.trim() !== '');
}

function formOf(entry: string): { form: Accepted; quality: number } {
  const media = parseMediaType(entry);
  const quality = Number(media?.parameters.get('q') ?? 1);
  if (media === undefined || !(quality >= 0 && quality <= 1)) {
    throw new WetreadError('request-invalid', 'The Accept header is malformed');
  }
  const transferSyntax = media.parameters.get('transfer-syntax');
  if (media.type === '*/*') return { form: { ...ANYTHING, transferSyntax }, quality };
  const multipart = media.type === 'multipart/related' || media.type === 'multipart/*';
  const type = multipart ? (media.parameters.get('type') ?? '*/*').toLowerCase() : media.type;
  return { form: { container: multipart ? 'multipart' : 'single', type, transferSyntax }, quality };
}

/** Whether a range such as `image/*` takes in a media type. */
export function covers(range: string, type: string): boolean {
  return range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

/** @throws WetreadError `not-acceptable` unless JSON is acceptable. @returns the media type to answer with. */
export function jsonType(request: Request): 'application/dicom+json' | 'application/json' {
  for (const { container, type } of acceptedForms(request)) {
    if (container === 'multipart') continue;
    if (covers(type, 'application/dicom+json')) return 'application/dicom+json';
    if (type === 'application/json') return type;
  }
  throw new WetreadError('not-acceptable', 'This resource comes as application/dicom+json only');
}
