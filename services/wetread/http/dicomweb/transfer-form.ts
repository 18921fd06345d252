/** In which transfer syntax an instance leaves (PS3.18 sections 8.7.3.5 and 8.7.4). */
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../../../src/arrival/transfer-syntax.ts';
import type { Accepted } from './accept.ts';

export type TransferForm = 'as-stored' | 'explicit-little-endian';

const CONVERTIBLE = new Set([IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN]);

/**
 * The form of an instance that one choice of the client allows. Without a transfer syntax the standard's default is
 * meant, Explicit VR Little Endian; but whoever accepts any media type at all also accepts the file as it is.
 * @returns undefined where only decompression would do: it is left to clients, which know what they can show.
 */
export function transferForm(choice: Accepted, stored: string): TransferForm | undefined {
  const wanted = choice.transferSyntax ?? (choice.type === '*/*' ? '*' : EXPLICIT_VR_LITTLE_ENDIAN);
  if (wanted === '*' || wanted === stored) return 'as-stored';
  return wanted === EXPLICIT_VR_LITTLE_ENDIAN && CONVERTIBLE.has(stored) ? 'explicit-little-endian' : undefined;
}
