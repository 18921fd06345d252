import { createHash } from 'node:crypto';

/**
 * Stands for a Patient ID (0010,0020) where a source names one: enough to see that images are of another patient, and
 * nothing that names anyone. Spaces around an LO value carry no meaning (PS3.5 6.2).
 */
export function patientDigest(patientId: string): string {
  return createHash('sha256').update(patientId.trim()).digest('hex');
}
