/** Which packages a site lets run: signed by whom it trusts, and licensed for what it does with them. */
import { WetreadError } from '../../src/errors.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import type { TrustedKey } from './signature.ts';

export interface Admission {
  /** Empty: signatures are not looked at. */
  readonly trustedKeys: readonly TrustedKey[];
  /** Whether packages whose licence allows research only may run. */
  readonly researchUse: boolean;
}

export const OPEN_ADMISSION: Admission = { trustedKeys: [], researchUse: true };

/** Safety R6. @throws WetreadError `package-not-permitted` */
export function requirePermitted({ name, version, licence }: ModelCard, { researchUse }: Admission): void {
  const { clinicalUse } = licence;
  if (clinicalUse === 'allowed' || (clinicalUse === 'research' && researchUse)) return;
  const why =
    clinicalUse === 'forbidden'
      ? 'its licence forbids to read patients with it'
      : 'its licence allows research only, and researchUse is off';
  throw new WetreadError('package-not-permitted', `Model package ${name} ${version}: ${why}`);
}
