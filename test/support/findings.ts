/** Findings as models of any kind would give them, for tests of what is made of several readings. */
import { ANATOMICAL_STRUCTURE, code, HOUNSFIELD_UNIT, LUNG, MILLILITER, RIGHT, VOLUME } from '../../src/codes.ts';
import type { Finding, Findings, Measurement } from '../../src/inference/findings.ts';

export const EFFUSION = code('60046008', 'SCT', 'Pleural effusion');
export const PLEURA = code('3120008', 'SCT', 'Pleura');

export function volumeOf(value: number, changes: Partial<Measurement> = {}): Measurement {
  return { key: 'volume', concept: VOLUME, unit: MILLILITER, value, ...changes };
}

export function densityOf(value: number, changes: Partial<Measurement> = {}): Measurement {
  return { key: 'density', concept: code('112031', 'DCM', 'Attenuation'), unit: HOUNSFIELD_UNIT, value, ...changes };
}

/** The right lung, as an organ that is measured. */
export function lungFinding(measurements: Measurement[], changes: Partial<Finding> = {}): Finding {
  const organ = { category: ANATOMICAL_STRUCTURE, concept: LUNG, site: LUNG, laterality: RIGHT };
  return { key: 'lung-right', ...organ, measurements, evidence: [], ...changes };
}

/** Something that is looked for. */
export function effusionFinding(presence: NonNullable<Finding['presence']>, changes: Partial<Finding> = {}): Finding {
  const sought = {
    category: code('49755003', 'SCT', 'Morphologically abnormal structure'),
    concept: EFFUSION,
    site: PLEURA,
  };
  return { key: 'effusion', ...sought, presence, measurements: [], evidence: [], ...changes };
}

export function findingsOf(name: string, findings: Finding[]): Findings {
  return {
    algorithm: { name, version: '1.0.0', digest: `sha256:${'a'.repeat(64)}`, parameters: {} },
    seriesInstanceUid: '1.2.3',
    evidence: [{ sopInstanceUid: '1.2.3.1', sopClassUid: '1.2.840.10008.5.1.4.1.1.2' }],
    findings,
  };
}
