/** Independent readers and validators of DICOM: dicom3tools, dcmtk, highdicom. What is missing is said once, with its cure. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { PythonEnvironment } from './python-packages.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  dciodvfy: 'dicom3tools',
  dcentvfy: 'dicom3tools',
  dsrdump: 'dcmtk',
  dcmdump: 'dcmtk',
};

/** For `test(name, { skip: withoutTool('dciodvfy') }, …)`: false, or the sentence that says what to install. */
export function withoutTool(name: keyof typeof PACKAGES): string | false {
  if (spawnSync(name, ['--version']).error === undefined) return false;
  return announce(`${name} ABSENT: apt-get install ${PACKAGES[name]}`);
}

const announced = new Set<string>();

function announce(message: string): string {
  if (!announced.has(message)) process.stderr.write(`\n*** ${message}: its tests are skipped ***\n`);
  announced.add(message);
  return message;
}

export interface Verdict {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

function verdict(output: string): Verdict {
  const lines = output.split('\n');
  return {
    errors: lines.filter((line) => line.startsWith('Error')),
    warnings: lines.filter((line) => line.startsWith('Warning')),
  };
}

/** dicom3tools: modules, types, VRs, multiplicities and enumerated values of the IOD. */
export function dciodvfy(path: string): Verdict & { readonly iod: string } {
  const { stdout, stderr, status } = spawnSync('dciodvfy', ['-new', path], { encoding: 'utf8' });
  const output = `${stdout}${stderr}`;
  const found = verdict(output);
  const iod = output.split('\n').find((line) => /^[A-Za-z0-9]+$/.test(line)) ?? '';
  const errors = status === 0 ? found.errors : [...found.errors, `dciodvfy ended with ${String(status)}`];
  return { ...found, errors, iod };
}

/** dicom3tools: patient, study, series and frame of reference attributes agree across files; every line it prints. */
export function dcentvfy(paths: readonly string[]): readonly string[] {
  const { stdout, stderr } = spawnSync('dcentvfy', [...paths], { encoding: 'utf8' });
  return `${stdout}${stderr}`.split('\n').filter((line) => line.trim() !== '');
}

/** dcentvfy counts the Accession Number inside Referenced Request Sequence among the series' attributes. */
export const ENTITY_NOISE = /^Warning - Different information entities for attribute - Element=<AccessionNumber> /;

/** De-identified images lack type 2 attributes that results have empty, and have some that results do not copy. */
export const ONE_SIDED = /^Warning - Attribute present in one instance but not the other - /;

/** dcmtk: the document as a tree, and what it complains of (its exit code says nothing). */
export function dsrdump(path: string): { readonly tree: string; readonly complaints: readonly string[] } {
  const { stdout, stderr } = spawnSync('dsrdump', [path], { encoding: 'utf8' });
  const noise = /does not support this Specific Character Set: ISO_IR 192/;
  return { tree: stdout, complaints: stderr.split('\n').filter((line) => line.trim() !== '' && !noise.test(line)) };
}

const highdicom = new PythonEnvironment({
  name: 'highdicom',
  packages: ['highdicom==0.28.2'],
  imports: ['highdicom'],
  variable: 'WETREAD_PYTHON',
});

/** As {@link withoutTool}, for highdicom. */
export function withoutHighdicom(): string | false {
  return highdicom.absence();
}

/** The Python that has highdicom. */
export function highdicomPython(): string {
  return highdicom.python;
}

const dcmqi = new PythonEnvironment({
  name: 'dcmqi',
  packages: ['dcmqi==1.5.7'],
  imports: ['dcmqi'],
  variable: 'WETREAD_DCMQI_PYTHON',
});

/** As {@link withoutTool}, for dcmqi: what 3D Slicer reads SR and SEG with. */
export function withoutDcmqi(): string | false {
  return dcmqi.absence();
}

/** Runs one of its programs; throws where it fails. */
export function runDcmqi(program: 'tid1500reader' | 'segimage2itkimage', ...options: readonly string[]): void {
  const { status, stderr } = spawnSync(join(dirname(dcmqi.python), program), options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} could not read the results:\n${stderr}`);
}

export type CodeTriple = readonly [value: string, scheme: string, meaning: string];

export interface ReadGroup {
  readonly trackingId: string;
  readonly trackingUid: string;
  readonly finding: CodeTriple | null;
  readonly category: CodeTriple | null;
  readonly site: CodeTriple | null;
  readonly laterality: CodeTriple | null;
  readonly segment: number | null;
  readonly segmentation: string | null;
  readonly sourceSeries: string | null;
  readonly evaluations: readonly (readonly [CodeTriple, CodeTriple])[];
  readonly measurements: readonly {
    readonly name: CodeTriple;
    readonly value: number | null;
    readonly unit: CodeTriple;
    readonly derivation: CodeTriple | null;
    readonly qualifier: CodeTriple | null;
  }[];
}

/** What read_outputs.py prints. */
export interface ReadOutputs {
  readonly seg: {
    readonly orientation: readonly number[];
    readonly pixelSpacing: readonly number[];
    readonly frameOfReference: string;
    readonly frames: readonly {
      readonly segment: number;
      readonly position: readonly number[];
      readonly source: string;
      readonly index: readonly number[];
    }[];
    readonly volume: { readonly affine: readonly (readonly number[])[]; readonly shape: readonly number[] } | null;
    readonly segments: readonly {
      readonly number: number;
      readonly label: string;
      readonly trackingId: string;
      readonly trackingUid: string;
      readonly property: CodeTriple;
      readonly laterality: CodeTriple | null;
    }[];
  };
  readonly sr: {
    readonly verification: string;
    readonly preliminary: string;
    readonly patientName: string;
    readonly observers: readonly { readonly type: CodeTriple; readonly uid: string | null }[];
    readonly volumetric: readonly ReadGroup[];
    readonly image: readonly ReadGroup[];
  };
}

/** highdicom reads SEG and SR; masks go to `masks` and `masks.volume`, one byte a voxel. */
export function readWithHighdicom(files: {
  readonly seg: string;
  readonly sr: string;
  readonly masks: string;
  readonly sopInstanceUids: readonly string[];
}): ReadOutputs {
  const script = join(import.meta.dirname, 'read_outputs.py');
  const arguments_ = [script, files.seg, files.sr, files.masks, ...files.sopInstanceUids];
  const { stdout, stderr, status } = spawnSync(highdicomPython(), arguments_, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (status !== 0) throw new Error(`highdicom could not read the outputs:\n${stderr}`);
  return JSON.parse(stdout) as ReadOutputs;
}
