/**
 * `wetread models` as an operator runs it; and docs/add-a-model.md, command by command, from an ONNX file to a draft. Slow,
 * because every command is a process of its own, and one of them reads a chest.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Summary } from '../../contracts/generated/types.ts';
import type { CheckedPackage } from '../../services/wetread/cli/model-text.ts';
import type { GoldenResult } from '../../services/wetread/golden-run.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import { type Ended, root, wetread } from '../support/command-line.ts';
import { LUNG_PACKAGE } from '../support/lung-reading.ts';
import { copyPackage, editCard, editGraph, seal } from '../support/model-package.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';

let folder: TemporaryFolder;
before(() => {
  folder = new TemporaryFolder();
  return () => folder[Symbol.asyncDispose]();
});

const models = (...args: readonly string[]): Promise<Ended> => wetread(['models', ...args], { cwd: folder.path });
const lungCard = (): ModelCard => JSON.parse(readFileSync(join(LUNG_PACKAGE, 'card.json'), 'utf8')) as ModelCard;

const guide = readFileSync(join(root, 'docs', 'add-a-model.md'), 'utf8');
const blocks = [...guide.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}));
const commandsIn = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(1));

/** What an author does between two commands: the questions of the card are answered, a case is laid beside it. */
function answer(draft: string): void {
  const path = join(draft, 'card.json');
  const { name, version, runtime } = JSON.parse(readFileSync(path, 'utf8')) as ModelCard;
  writeFileSync(path, JSON.stringify({ ...lungCard(), name, version, runtime: { ...runtime, deterministic: true } }));
  cpSync(join(LUNG_PACKAGE, 'golden'), join(draft, 'golden'), { recursive: true });
}

test('WR-MPK-10 docs/add-a-model.md leads from an ONNX file to a draft, command by command', async () => {
  const draft = join(folder.path, 'drafts', 'lungs');
  cpSync(join(LUNG_PACKAGE, 'lungs.onnx'), join(folder.path, 'lungs.onnx'));
  folder.writeStudy('STUDY', smallChest());
  const run = new Set<string>();
  for (const { language, text } of blocks) {
    // the first is the golden case; those behind are parts of other cards
    if (language === 'json' && !existsSync(join(draft, 'golden'))) {
      answer(draft);
      assert.deepEqual(
        JSON.parse(text).inputs,
        JSON.parse(readFileSync(join(draft, 'golden', 'chest.json'), 'utf8')).inputs,
      );
    }
    if (language === 'yaml') folder.write({ 'site.yaml': text });
    if (language !== 'sh') continue;
    for (const args of commandsIn(text)) {
      const { code, stdout, stderr } = await wetread(args, { cwd: folder.path });
      const isOpen = args[1] === 'check' && !run.has('check');
      assert.equal(code, isOpen ? 1 : 0, `${args.join(' ')}\n${stdout}\n${stderr}`);
      if (isOpen) assert.match(stdout, /card\.json: \/facts\/energy is open: What does a run cost\?/);
      run.add(args[1]!);
    }
  }
  const summary = JSON.parse(readFileSync(join(folder.path, 'out', 'summary.json'), 'utf8')) as Summary;
  assert.deepEqual(
    summary.studies.map(({ state }) => state),
    ['filed'],
  );
  assert.ok(existsSync(join(folder.path, 'models', 'lungs-0.1.0', 'SHA256SUMS')));
  assert.deepEqual([...run].filter((word) => /^(list|show|check|test|pack|reference|add)$/.test(word)).sort(), [
    'add',
    'check',
    'list',
    'pack',
    'reference',
    'show',
    'test',
  ]);
});

test('WR-MPK-09 a package that is begun says every question that is open, and nothing that follows from one', async () => {
  cpSync(join(LUNG_PACKAGE, 'lungs.onnx'), join(folder.path, 'My Lungs v2.onnx'));
  const begun = await models('add', 'My Lungs v2.onnx', '--to', 'begun');
  assert.match(
    begun.stdout,
    /begun\/my-lungs-v2 is begun\n {2}in: volume INT16 \[slices, rows, columns\]\n {2}out: labels UINT8/,
  );
  const { code, stdout } = await models('check', 'begun/my-lungs-v2', '--json');
  const { complaints } = JSON.parse(stdout) as CheckedPackage;
  assert.equal(code, 1);
  assert.ok(complaints.length > 50);
  assert.deepEqual(
    complaints.filter((complaint) => !/^card\.json: \/\S+ is open: /.test(complaint)),
    [],
  );
  const told = await models('check', 'begun/my-lungs-v2');
  assert.match(told.stdout, new RegExp(`\\n${complaints.length} open questions: the package is refused\\n$`));
  const refused = await models('test', 'begun/my-lungs-v2');
  assert.match(refused.stderr, new RegExp(`; and ${complaints.length - 5} more, which wetread models check lists`));
  const keys = complaints.map((complaint) => complaint.split(' ')[1]!.split('/')[1]);
  const asked = ['title', 'description', 'intendedUse', 'runtime', 'input', 'outputs', 'report', 'caveats'];
  assert.deepEqual([...new Set(keys)], [...asked, 'licence', 'resources', 'facts']);
  assert.equal((await models('add', 'My Lungs v2.onnx', '--to', 'begun')).code, 1);
});

test('WR-MPK-09 a graph that cannot be declared says so before a question is answered', async () => {
  const copy = copyPackage(join(folder.path, 'network'));
  editGraph(copy, ({ graph }) => {
    const { tensorType } = graph!.input![0]!.type!;
    tensorType!.elemType = 7;
  });
  await models('add', 'network/lungs.onnx', '--to', 'networks');
  const { stdout } = await models('check', 'networks/lungs');
  assert.match(stdout, /^card\.json: \/input\/tensor: volume is INT64 in the graph, not FP32/m);
  assert.match(stdout, /^card\.json: \/input\/intensity\/low is open: /m);
  assert.doesNotMatch(stdout, /^card\.json: \S+ must /m);
});

test('WR-MPK-10 list tells what is ready and what is refused, show what a person must know', async () => {
  const site = join(folder.path, 'site-models');
  mkdirSync(site);
  const broken = copyPackage(join(site, 'broken'));
  writeFileSync(join(broken, 'weights.pkl'), 'x');
  await seal(broken);
  folder.write({ 'refused.json': JSON.stringify({ models: [site] }) });
  const { code, stdout } = await models('list', '--config', 'refused.json');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^ct-lung-density 1\.0\.0 {2}ready: Lung density on chest CT\n {2}reads CT of Chest, slices of 0\.4 to 5 mm/,
  );
  assert.match(
    stdout,
    /\n {2}clinical use research\n {2}sha256:[0-9a-f]{64}\nbroken {2}refused\n {2}Model package broken: weights\.pkl/,
  );
  const shown = await models('show', 'ct-lung-density');
  for (const part of [
    /with or without contrast agent; Adults/,
    /lungs: Lung, Bilateral: volume \(ml\), mean density \(HU\)/,
    /Not mentioned by the card: representativeness, /,
    /not HEAD, BRAIN/,
    /in: volume, INT16 in HU; 2\.5 mm, at most 320 × 240 × 240/,
    /Apache-2\.0; clinical use: research\. No regulatory clearance/,
    /Validation external: unknown: Not measured on patients/,
  ])
    assert.match(shown.stdout, part);
});

test('WR-MPK-08 a golden case that does not hold is told by how much, and the command ends with 1', async () => {
  const copy = copyPackage(join(folder.path, 'drifted'));
  const path = join(copy, 'golden', 'chest.labels.gz');
  const labels = gunzipSync(readFileSync(path));
  for (let i = 0; i < 100; i++) labels[i]! += 3;
  writeFileSync(path, gzipSync(labels));
  await seal(copy);
  const { code, stdout } = await models('test', 'drifted', '--json');
  const [result] = JSON.parse(stdout) as GoldenResult[];
  assert.deepEqual([code, result?.holds, result?.provider], [1, false, 'cpu']);
  assert.deepEqual(
    result?.outputs.map(({ differing, largestDifference }) => [differing, largestDifference]),
    [[100, 3]],
  );
  const cut = copyPackage(join(folder.path, 'cut'));
  writeFileSync(join(cut, 'golden', 'chest.labels.gz'), gzipSync(labels.subarray(1)));
  await seal(cut);
  assert.match((await models('check', 'cut')).stdout, /golden\/chest\.labels\.gz does not hold 931840 bytes in gzip/);
});

test('WR-MPK-10 mistakes in the call end with 2 and name what is wrong; a refusal ends with 1', async () => {
  folder.write({ 'notes.txt': 'no model', 'bad.onnx': 'no graph' });
  const copy = copyPackage(join(folder.path, 'edited'));
  editCard(copy, (card) => Object.assign(card, { title: '' }));
  for (const [args, expected, message] of [
    [[], 2, /models needs one of list, show, check, test, pack, reference, add/],
    [['show'], 2, /models show needs the NAME of a model/],
    [['show', 'nothing'], 1, /names no model of that name/],
    [['check', 'nothing'], 2, /FOLDER does not exist/],
    [['pack', 'edited'], 2, /models pack needs --out FILE/],
    [
      ['pack', 'edited', '--out', 'edited.tar.gz'],
      1,
      /card\.json was changed; card\.json: \/title must NOT have fewer/,
    ],
    [
      ['add', 'notes.txt', '--to', 'x'],
      2,
      /takes a graph \(\.onnx\), a packed package \(\.tar\.gz\) or the folder of a MONAI bundle/,
    ],
    [['add', 'bad.onnx', '--to', 'x'], 1, /: bad\.onnx is not an ONNX file/],
    [['add', 'bad.onnx'], 2, /models add needs --to FOLDER/],
  ] as const) {
    const { code, stdout, stderr } = await models(...args);
    assert.deepEqual([code, stdout], [expected, ''], stderr);
    assert.match(stderr, message);
  }
  assert.equal(existsSync(join(folder.path, 'x')), false);
});
