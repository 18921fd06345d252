/** Rules of a site in a running Wetread: the embedded archive's own DICOMweb server plays the PACS and tells what it was asked. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseConfig } from '../../services/wetread/config.ts';
import { WetreadError } from '../../src/errors.ts';
import { ATTRIBUTE_NAMES } from '../../src/inference/rules/attributes.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { smallHead } from '../support/phantom-studies.ts';
import { RULE_STUDY, threeReconstructions } from '../support/rule-study.ts';
import { runWetread } from '../support/running-wetread.ts';

const files = threeReconstructions();
const model = 'ct-lung-density';
const thorax = { attribute: 'StudyDescription', matches: 'CT*THORAX*' };

const SCANNED: readonly string[] = [RULE_STUDY.localizer, RULE_STUDY.soft, RULE_STUDY.lung];

interface Asked extends AsyncDisposable {
  readonly pacs: DicomwebServer;
  /** Series of the scanner of which a request has fetched an image, or all. */
  readonly fetched: readonly string[];
  readonly described: readonly string[];
}

async function pacsWithStudy(): Promise<Asked> {
  const paths: string[] = [];
  const pacs = await dicomwebServer({ onRequest: (path) => paths.push(path) });
  assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
  paths.length = 0;
  return {
    pacs,
    get fetched() {
      const series = paths.flatMap((path) => /\/series\/([\d.]+)(\/instances\/[\d.]+)?$/.exec(path)?.[1] ?? []);
      return [...new Set(series)].filter((uid) => SCANNED.includes(uid));
    },
    get described() {
      return paths.filter((path) => path.endsWith('/metadata'));
    },
    [Symbol.asyncDispose]: () => pacs[Symbol.asyncDispose](),
  };
}

/** Reads the study from the PACS by these rules. */
async function readBy(pacs: DicomwebServer, rules: readonly object[]): Promise<StudyRecord> {
  await using running = await runWetread({
    archive: { kind: 'dicomweb', url: pacs.url, polling: { enabled: false } },
    rules,
  });
  await running.wetread.noticeStudy(RULE_STUDY.study);
  await running.wetread.whenFinal();
  const record = await running.wetread.ports.ledger.get(RULE_STUDY.study);
  assert.ok(record !== undefined);
  return record;
}

const reasons = ({ notRead }: StudyRecord): unknown =>
  Object.fromEntries(notRead.map(({ seriesInstanceUid, reason }) => [seriesInstanceUid, reason.detail ?? reason.code]));

test('WR-RUL-05 only the series that the rule selects is fetched; the others are told by metadata, and why they are left', async () => {
  await using asked = await pacsWithStudy();
  const series = { plane: 'axial', kernel: 'soft', prefer: 'thinnest', atMost: 1 };
  const rules = [
    { name: 'heads', when: { attribute: 'BodyPartExamined', equals: 'HEAD' }, model },
    { name: 'thorax-soft', when: thorax, series, model, priority: 'asap' },
  ];
  const record = await readBy(asked.pacs, rules);
  assert.deepEqual(
    [record.state, record.rule, record.priority],
    ['filed', 'thorax-soft', 'asap'],
    JSON.stringify(record),
  );
  assert.deepEqual(asked.fetched, [RULE_STUDY.soft]);
  assert.deepEqual(reasons(record), {
    [RULE_STUDY.localizer]: 'it is a localizer',
    [RULE_STUDY.lung]: 'ConvolutionKernel is not known as one for soft tissue',
  });
});

test('WR-RUL-05 without rules the series of most instances is read, and no other is fetched to say what it is', async () => {
  await using asked = await pacsWithStudy();
  const record = await readBy(asked.pacs, []);
  assert.deepEqual(
    [record.state, record.rule, record.priority],
    ['filed', 'every-model', 'routine'],
    JSON.stringify(record),
  );
  assert.deepEqual(asked.fetched, [RULE_STUDY.lung]);
  assert.deepEqual(reasons(record), {
    [RULE_STUDY.localizer]: 'LOCALIZER',
    [RULE_STUDY.soft]: 'another-series-read',
  });
});

test('WR-RUL-03 a study that no rule wants ends not-selected, says why, and no image of it was fetched', async () => {
  await using asked = await pacsWithStudy();
  const record = await readBy(asked.pacs, [
    { name: 'knees', when: { attribute: 'StudyDescription', contains: 'knee' }, model },
    { name: 'sharp', when: thorax, series: { sliceThickness: { maximum: 1 } }, model },
  ]);
  assert.deepEqual(
    [record.state, record.reason],
    [
      'not-selected',
      {
        code: 'no-rule-holds',
        detail:
          "knees: StudyDescription does not contain 'knee'. sharp: no series is as the rule wants it: it is a localizer; SliceThickness is not at most 1 mm",
      },
    ],
  );
  assert.deepEqual(asked.fetched, []);
  assert.ok(asked.described.length > 0);
});

test('WR-RUL-09 a rule that wants more quiet than the site has its studies settle once more', async () => {
  const rule = { name: 'patient', model, completeness: { quietSeconds: 1.2 } };
  await using running = await runWetread({ completeness: { quietSeconds: 0.1 }, rules: [rule] });
  await running.send(smallHead());
  const { studyInstanceUid } = await running.reached('not-evaluable');
  const history = await running.wetread.ports.ledger.history(studyInstanceUid);
  const transitions = history.map(({ transition }) => transition).join(' ');
  assert.match(transitions, /^notice (arrive )*wait (arrive )*complete triage accept claim/);
});

test('WR-RUL-06 a rule for a model that is not loaded: no start, and the key is named', async () => {
  await assert.rejects(runWetread({ rules: [{ name: 'heads', model: 'ct-head' }] }), (error) => {
    assert.ok(error instanceof WetreadError && error.code === 'config-invalid');
    assert.match(error.message, /^rules\.0\.model 'ct-head' is not loaded; loaded: .*ct-lung-density/);
    return true;
  });
});

test('WR-RUL-07 docs/rules.md names every attribute, and its example is a configuration', () => {
  const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, '..', '..', ...path), 'utf8');
  const document = read('docs', 'rules.md');
  const rows = document.split('\n## Attributes\n')[1]!.split('\n## ')[0]!;
  const named = new Set(
    rows
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .join(' ')
      .match(/\w+/g),
  );
  assert.deepEqual(
    ATTRIBUTE_NAMES.filter((name) => !named.has(name)),
    [],
  );
  const [, example] = /```yaml\n(rules:\n[\s\S]*?)```/.exec(document)!;
  assert.equal(parseConfig(parse(example!)).rules.length, 2);
});
