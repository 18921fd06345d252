/**
 * Real studies live outside the repository: `$WETREAD_TEST_DATA`, or `../shared/data` beside the clone.
 * Tests that need them are skipped when they are absent, and say so loudly.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const candidates = [process.env['WETREAD_TEST_DATA'], join(import.meta.dirname, '..', '..', '..', 'shared', 'data')];

/** Folder of the test data, or undefined. */
export const testData: string | undefined = candidates.find(
  (path) => path !== undefined && existsSync(join(path, 'truth.json')),
);

/** For `test(name, { skip: withoutTestData }, …)`: false, or the sentence that says what is missing. */
export const withoutTestData: string | false =
  testData === undefined ? 'TEST DATA ABSENT: set WETREAD_TEST_DATA to the folder that holds truth.json' : false;

if (withoutTestData !== false)
  process.stderr.write(`\n*** ${withoutTestData}: tests on real studies are skipped ***\n`);

/** Path of a file or folder of the test data. */
export function dataPath(...parts: readonly string[]): string {
  return join(testData ?? '/absent', ...parts);
}

/** The facts about the data, computed by independent tools. */
export function truth(): Truth {
  return JSON.parse(readFileSync(dataPath('truth.json'), 'utf8')) as Truth;
}

export interface TruthInstance {
  readonly file: string;
  readonly opens: boolean;
  readonly transferSyntax: string;
  readonly sop: string;
  readonly modality: string;
  readonly patientName?: string;
  readonly charset?: unknown;
  readonly rows?: number;
  readonly cols?: number;
  readonly frames?: number;
  readonly bitsAllocated?: number;
  readonly bitsStored?: number;
  readonly signed?: number;
  readonly samples?: number;
  readonly photometric?: string;
  readonly pixelSha256?: string;
  readonly [fact: string]: unknown;
}

export interface TruthSeries {
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly modality: string;
  readonly instances: readonly TruthInstance[];
  readonly [fact: string]: unknown;
}

export interface Truth {
  readonly about: string;
  readonly folders: Readonly<
    Record<string, { readonly series: readonly TruthSeries[]; readonly [fact: string]: unknown }>
  >;
}
