/** `wetread rules test` as an operator runs it, on a folder and on a study in a PACS. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Explanation } from '../../services/wetread/cli/rule-text.ts';
import { wetread } from '../support/command-line.ts';
import { dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { RULE_STUDY, threeReconstructions } from '../support/rule-study.ts';

const files = threeReconstructions();
let folder: TemporaryFolder;

const RULES = [
  { name: 'knees', when: { attribute: 'StudyDescription', contains: 'knee' }, model: 'ct-lung-density' },
  {
    name: 'thorax-soft',
    when: {
      all: [
        { attribute: 'StudyDescription', contains: 'thorax' },
        { attribute: 'StationName', exists: false },
      ],
    },
    series: { plane: 'axial', kernel: 'soft', prefer: 'thinnest', atMost: 1 },
    model: 'ct-lung-density',
    priority: 'urgent',
  },
  { name: 'rest', model: 'ct-lung-density' },
];

before(() => {
  folder = new TemporaryFolder();
  folder.writeStudy('study', files);
  folder.write({ 'site.json': JSON.stringify({ rules: RULES }), 'study/notes.txt': 'no DICOM' });
  return () => folder[Symbol.asyncDispose]();
});

test('WR-RUL-10 a folder: every rule, every condition with what it found, every series with its reason, the winner', async () => {
  const { code, stdout } = await wetread([
    'rules',
    'test',
    `${folder.path}/study`,
    '--config',
    `${folder.path}/site.json`,
  ]);
  assert.equal(code, 0);
  const { study, localizer, soft, lung } = RULE_STUDY;
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `Study ${study}: 138 images; source folder`,
    "Rule knees does not hold: StudyDescription does not contain 'knee'",
    "  ✗ StudyDescription contains 'knee'   found: CT Thorax",
    'Rule thorax-soft holds',
    "  ✓ (StudyDescription contains 'thorax' and StationName is not given)",
    "    ✓ StudyDescription contains 'thorax'   found: CT Thorax",
    '    ✓ StationName is not given   found: nothing',
    `  ✗ series 1 CT 'Phantom localizer', 2 images (${localizer})`,
    '      ✓ Modality is one that the model reads: CT   found: CT',
    '      ✗ not a localizer   found: ORIGINAL, PRIMARY, LOCALIZER',
    '      ✓ not a projection   found: ORIGINAL, PRIMARY, LOCALIZER',
    '      ✓ plane is axial   found: axial',
    '      ✓ ConvolutionKernel is one for soft tissue   found: STANDARD',
    `  ✓ series 2 CT 'Phantom soft', 66 images (${soft})`,
    '      ✓ Modality is one that the model reads: CT   found: CT',
    '      ✓ not a localizer   found: ORIGINAL, PRIMARY, AXIAL',
    '      ✓ not a projection   found: ORIGINAL, PRIMARY, AXIAL',
    '      ✓ plane is axial   found: axial',
    '      ✓ ConvolutionKernel is one for soft tissue   found: Br38f',
    `  ✗ series 3 CT 'Phantom lung', 70 images (${lung})`,
    '      ✓ Modality is one that the model reads: CT   found: CT',
    '      ✓ not a localizer   found: ORIGINAL, PRIMARY, AXIAL',
    '      ✓ not a projection   found: ORIGINAL, PRIMARY, AXIAL',
    '      ✓ plane is axial   found: axial',
    '      ✗ ConvolutionKernel is one for soft tissue   found: Bl57f',
    'Not looked at after that: rest',
    'Decision: rule thorax-soft, model ct-lung-density 1.0.0, priority urgent',
    `  reads series 2 CT 'Phantom soft', 66 images (${soft})`,
    `  leaves series 1 CT 'Phantom localizer', 2 images (${localizer}): The rule leaves the series out: it is a localizer`,
    `  leaves series 3 CT 'Phantom lung', 70 images (${lung}): The rule leaves the series out: ConvolutionKernel is not known as one for soft tissue`,
  ]);
});

test('WR-RUL-10 a study in a PACS, as JSON: the same decision as by its files, and no image is fetched', async () => {
  const fetched: string[] = [];
  await using pacs = await dicomwebServer({ onRequest: (path) => fetched.push(path) });
  assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
  fetched.length = 0;
  const archive = { kind: 'dicomweb', url: pacs.url };
  const config = { archive, rules: RULES, dataDirectory: `${folder.path}/data`, telemetry: { logLevel: 'silent' } };
  folder.write({ 'pacs.json': JSON.stringify(config) });
  const ofPacs = await wetread(['rules', 'test', RULE_STUDY.study, '--config', `${folder.path}/pacs.json`, '--json']);
  assert.equal(ofPacs.code, 0, ofPacs.stderr);
  const ofFolder = await wetread([
    'rules',
    'test',
    `${folder.path}/study`,
    '--config',
    `${folder.path}/site.json`,
    '--json',
  ]);
  const [inPacs] = JSON.parse(ofPacs.stdout) as Explanation[];
  const [inFolder] = JSON.parse(ofFolder.stdout) as Explanation[];
  assert.equal(inPacs?.event.source, 'cli');
  assert.deepEqual(inPacs?.decision, inFolder?.decision);
  assert.ok(inPacs !== undefined && 'rule' in inPacs.decision && inPacs.decision.priority === 'urgent');
  assert.deepEqual(
    fetched.filter((path) => /\/series\/[\d.]+(\/instances\/[\d.]+)?$/.test(path)),
    [],
  );
});

test('WR-RUL-10 mistakes in the call and in the rules end with 2 and name what is wrong', async () => {
  folder.write({
    'patient.json': JSON.stringify({
      rules: [{ name: 'r', model: 'm', when: { attribute: 'PatientName', contains: 'x' } }],
    }),
  });
  for (const [args, expected] of [
    [['rules'], /rules needs: test and a Study Instance UID or a folder/],
    [['rules', 'test', `${folder.path}/nothing`], /FOLDER does not exist/],
    [
      ['rules', 'test', `${folder.path}/study`, '--config', `${folder.path}/patient.json`],
      /rules\.0\.when\.attribute must be equal/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await wetread(args);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, expected);
  }
});
