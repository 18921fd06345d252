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
