/** What each model says, as the page lays it out: measurements side by side, what was looked for one below the other. */
import type { Finding, Findings } from '../../src/inference/findings.ts';
import { findingPath, measureName, presenceText, titleAmong } from '../../src/reporting/finding-text.ts';
import type { Report } from '../../src/reporting/report.ts';
import { measurementText } from '../../src/reporting/text.ts';

/** Of one model. */
export interface MeasurementTable {
  readonly algorithm: { readonly name: string; readonly version: string };
  readonly seriesInstanceUid: string;
  /** What was measured: a column per finding, a row per measure. None where there are too many to stand side by side. */
  readonly columns: readonly FindingHead[];
  readonly rows: readonly MeasurementRow[];
  /**
   * What was looked for: what is present first, then what nobody can tell, then what is absent. What was measured and
   * has no column is there.
   */
  readonly statements: readonly Statement[];
}

export interface FindingHead {
  /** As the sentences of the report name it: `algorithm/key`. */
  readonly findingKey: string;
  readonly title: string;
  readonly algorithm: string;
  readonly seriesInstanceUid: string;
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

export interface Statement extends FindingHead {
  readonly presence?: 'present' | 'absent' | 'undetermined';
  /** "present (probability 0.91), region size 12.0 mm". */
  readonly text: string;
}

/** One for each reading that found, or looked for, anything. */
export function measurementTables({ readings }: Pick<Report, 'readings'>): readonly MeasurementTable[] {
  return readings.filter(({ findings }) => findings.length > 0).map(tableOf);
}

/** As many as fit beside the images. */
const MOST_COLUMNS = 3;

function tableOf(reading: Findings): MeasurementTable {
  const { algorithm, seriesInstanceUid, findings } = reading;
  const unstated = findings.filter((finding) => !isStated(finding));
  const measured = unstated.length > MOST_COLUMNS ? [] : unstated;
  const keys = [...new Set(measured.flatMap((finding) => finding.measurements.map((m) => m.key)))];
  return {
    algorithm: { name: algorithm.name, version: algorithm.version },
    seriesInstanceUid,
    columns: measured.map((finding) => headOf(finding, reading)),
    rows: keys.map((key) => rowOf(key, measured)),
    statements: findings
      .filter((finding) => !measured.includes(finding))
      .map((finding) => statementOf(finding, reading))
      .sort(byPresence),
  };
}

function isStated({ presence, probability }: Finding): boolean {
  return presence !== undefined || probability !== undefined;
}

function headOf(finding: Finding, { algorithm, seriesInstanceUid, findings }: Findings): FindingHead {
  const own = segmentNumbersOf(finding);
  const [key] = finding.evidence;
  return {
    findingKey: findingPath(algorithm, finding),
    title: titleAmong(findings, finding),
    algorithm: algorithm.name,
    seriesInstanceUid,
    segmentNumbers: own.length > 0 || isStated(finding) ? own : findings.flatMap((one) => one.segmentNumber ?? []),
    ...(key !== undefined && { keyImage: { sopInstanceUid: key.sopInstanceUid, frameNumber: key.frameNumber ?? 1 } }),
  };
}

function segmentNumbersOf({ segmentNumber, component }: Finding): readonly number[] {
  return segmentNumber === undefined ? (component?.segmentNumbers ?? []) : [segmentNumber];
}

function statementOf(finding: Finding, reading: Findings): Statement {
  const { presence, measurements } = finding;
  const measured = measurements.map((m) => `${measureName(m)} ${measurementText(m)}`);
  return {
    ...headOf(finding, reading),
    ...(presence !== undefined && { presence }),
    text: [presenceText(finding) ?? [], measured].flat().join(', '),
  };
}

const ORDER = ['present', 'undetermined', 'absent'];

function byPresence(a: Statement, b: Statement): number {
  return ORDER.indexOf(a.presence ?? 'present') - ORDER.indexOf(b.presence ?? 'present');
}

function rowOf(key: string, findings: readonly Finding[]): MeasurementRow {
  const measurements = findings.map((finding) => finding.measurements.find((m) => m.key === key));
  const first = measurements.find((m) => m !== undefined);
  const { concept } = first ?? {};
  const name = first === undefined ? key : measureName(first);
  return {
    key,
    label: name.charAt(0).toUpperCase() + name.slice(1),
    definition: concept === undefined ? name : `${concept.meaning} (${concept.value}, ${concept.scheme})`,
    cells: measurements.map((m) => (m === undefined ? '\u2013' : measurementText(m))),
  };
}
