/** HAPI's FHIR validator (Java) on resources of ours: an opinion that is not ours. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folder = join(import.meta.dirname, 'fhir-validator');
const INSTALL = 'apt-get install openjdk-17-jre-headless maven, with Maven Central in reach once (144 MB)';

export interface ValidationMessage {
  readonly name: string;
  readonly severity: 'ERROR' | 'FATAL' | 'WARNING' | 'INFORMATION';
  readonly location: string;
  readonly message: string;
}

export interface FhirValidator {
  /** All resources in one Java process, which takes some seconds to start. */
  validate(resources: Readonly<Record<string, object>>): Promise<readonly ValidationMessage[]>;
}

/** Messages that say nothing against the resource; everything else fails. */
const KNOWN = [
  // R4 was published before AIAST joined v3-ObservationValue (HL7 Terminology); hl7.fhir.uv.aitransparency asks for it.
  /v3-ObservationValue#AIAST/,
  /^None of the codings provided are in the value set 'V3 Value SetPurposeOfUse'/,
  // An AI is no performer in R4 (DiagnosticReport and Observation take people and organizations only).
  /^Best Practice Recommendation: In general, all observations should have a performer/,
  // The standard code is in the value set; the DICOM qualifier beside it is from a system that HAPI does not hold.
  /value set 'DataAbsentReason'.*\(codes = http:\/\/terminology\.hl7\.org\/CodeSystem\/data-absent-reason#error, http:\/\/dicom/,
  // Images without a study date; answers for machines without a narrative.
  /^Best Practice Recommendation: In general, all observations should have an effective/,
  /^Constraint failed: dom-6:/,
  // Value sets outside the R4 package: DICOM CID 29, LOINC.
  /^ValueSet 'http:\/\/dicom\.nema\.org\/medical\/dicom\/current\/output\/chtml\/part16\/sect_CID_29\.html' not found/,
  /^Unable to expand ValueSet because CodeSystem could not be found: http:\/\/loinc\.org/,
];

/** True for a message that says nothing against the resource. */
export function isKnownMessage({ message }: ValidationMessage): boolean {
  return KNOWN.some((known) => known.test(message));
}

/** The validator, or the sentence that says how to install what is missing. Maven's cache is used where it is filled. */
export async function fhirValidator(): Promise<FhirValidator | string> {
  const work = mkdtempSync(join(tmpdir(), 'fhir-validator-'));
  const file = join(work, 'classpath');
  try {
    const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${file}`];
    await run('mvn', ['-q', '-B', '-f', join(folder, 'pom.xml'), ...goal], { timeout: 300_000 });
    await run('java', ['-version']);
    const classpath = readFileSync(file, 'utf8').trim();
    return { validate: (resources) => validate(classpath, resources) };
  } catch {
    return `FHIR VALIDATOR ABSENT: ${INSTALL}`;
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function validate(
  classpath: string,
  resources: Readonly<Record<string, object>>,
): Promise<readonly ValidationMessage[]> {
  const work = mkdtempSync(join(tmpdir(), 'fhir-validator-'));
  try {
    const files = Object.entries(resources).map(([name, resource]) => {
      const file = join(work, `${name}.json`);
      writeFileSync(file, JSON.stringify(resource));
      return file;
    });
    const program = join(folder, 'Validate.java');
    const { stdout } = await run('java', ['-Xmx1g', '-cp', classpath, program, ...files], {
      timeout: 300_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => {
        const { file, ...message } = JSON.parse(line) as ValidationMessage & { file: string };
        return { ...message, name: file.slice(work.length + 1, -'.json'.length) };
      });
  } finally {
    rmSync(work, { recursive: true });
  }
}
