/** Measurements side by side: a column per finding, a row per measure. */
import type { Finding } from '../../src/inference/findings.ts';
import { findingPath, findingTitle } from '../../src/reporting/finding-text.ts';
import type { Report } from '../../src/reporting/report.ts';
import { measurementText } from '../../src/reporting/text.ts';

export interface MeasurementTable {
  readonly columns: readonly MeasurementColumn[];
  readonly rows: readonly MeasurementRow[];
}

export interface MeasurementColumn {
  /** As the sentences of the report name it: `algorithm/key`. */
  readonly findingKey: string;
  readonly title: string;
  /** Segments that outline it; those of all findings where it has none of its own, as for both lungs. */
  readonly segmentNumbers: readonly number[];
  /** The image that shows it best. */
  readonly keyImage?: { readonly sopInstanceUid: string; readonly frameNumber: number };
}

export interface MeasurementRow {
  readonly key: string;
  readonly label: string;
  /** Code and meaning, for who wants to know what exactly was measured. */
  readonly definition: string;
  /** With unit, in the order of the columns; a dash where the finding lacks the measure. */
  readonly cells: readonly string[];
}

const LABELS: Readonly<Record<string, string>> = {
  volume: 'Volume',
  'mean-density': 'Mean density',
  perc15: '15th percentile (Perc15)',
  'laa-950': 'Below \u2212950 HU (LAA-950)',
};

export function measurementTable({ readings }: Pick<Report, 'readings'>): MeasurementTable {
  const findings = readings.flatMap((reading) => reading.findings);
  const keys = [...new Set(findings.flatMap((finding) => finding.measurements.map((m) => m.key)))];
  return {
    columns: readings.flatMap(({ algorithm, findings: own }) =>
      own.map((finding) => ({ findingKey: findingPath(algorithm, finding), ...columnOf(finding, own) })),
    ),
    rows: keys.map((key) => rowOf(key, findings)),
  };
}

function columnOf(finding: Finding, all: readonly Finding[]): Omit<MeasurementColumn, 'findingKey'> {
  const segments = finding.segmentNumber === undefined ? all : [finding];
  const [key] = finding.evidence;
  return {
    title: findingTitle(finding),
    segmentNumbers: segments.flatMap(({ segmentNumber }) => segmentNumber ?? []),
    ...(key === undefined
      ? {}
      : { keyImage: { sopInstanceUid: key.sopInstanceUid, frameNumber: key.frameNumber ?? 1 } }),
  };
}

function rowOf(key: string, findings: readonly Finding[]): MeasurementRow {
  const measurements = findings.map((finding) => finding.measurements.find((m) => m.key === key));
  const concept = measurements.find((m) => m !== undefined)?.concept;
  const meaning = concept?.meaning ?? key;
  return {
    key,
    label: LABELS[key] ?? meaning,
    definition: concept === undefined ? meaning : `${meaning} (${concept.value}, ${concept.scheme})`,
    cells: measurements.map((m) => (m === undefined ? '\u2013' : measurementText(m))),
  };
}
