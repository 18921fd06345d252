import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATES, type StudyState } from '../../src/arrival/lifecycle.ts';
import { prometheusMetrics } from './metrics.ts';

/** Samples by series, such as `wetread_studies{state="filed"}`. */
function samples(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      assert.match(line, /^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? \S+$/);
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

test('WR-TEL-05 studies by state, as the ledger has them now; a state that empties goes to 0', async () => {
  let states = new Map<StudyState, number>([
    ['filed', 2],
    ['parked', 1],
  ]);
  const metrics = prometheusMetrics({ studies: async () => states });
  const first = samples(await metrics.text());
  assert.equal(first.get('wetread_studies{state="filed"}'), 2);
  assert.equal(first.get('wetread_studies{state="parked"}'), 1);
  assert.equal(
    [...first.keys()].filter((name) => name.startsWith('wetread_studies')).length,
    Object.keys(STATES).length,
  );
  states = new Map([['filed', 1]]);
  const second = samples(await metrics.text());
  assert.equal(second.get('wetread_studies{state="filed"}'), 1);
  assert.equal(second.get('wetread_studies{state="parked"}'), 0);
});

test('WR-TEL-05 stage durations and what was not read are counted from the log events', async () => {
  const metrics = prometheusMetrics({ studies: async () => new Map() });
  metrics.observe('stage-ended', { stage: 'assembly', durationMs: 70, studyInstanceUid: '1.2.3' });
  metrics.observe('stage-ended', { stage: 'assembly', durationMs: 7000, studyInstanceUid: '1.2.3' });
  metrics.observe('stage-started', { stage: 'assembly' });
  metrics.observe('read-ended', { state: 'filed' });
  metrics.observe('read-ended', { state: 'not-evaluable', reason: 'coverage-insufficient' });
  metrics.observe('not-read', { seriesInstanceUid: '1.2', reason: 'localizer' });
  metrics.observe('not-read', { seriesInstanceUid: '1.2', reason: 'duplicate-slice', instances: 3 });
  metrics.observe('instance-refused', { reason: 'truncated-file' });
  metrics.observe('read-fault', { errorCode: 'archive-unreachable', studyInstanceUid: '1.2.3' });
  const text = await metrics.text();
  const seen = samples(text);
  const expected = {
    'wetread_stage_duration_seconds_bucket{stage="assembly",le="0.05"}': 0,
    'wetread_stage_duration_seconds_bucket{stage="assembly",le="0.1"}': 1,
    'wetread_stage_duration_seconds_bucket{stage="assembly",le="+Inf"}': 2,
    'wetread_stage_duration_seconds_count{stage="assembly"}': 2,
    'wetread_stage_duration_seconds_sum{stage="assembly"}': 7.07,
    'wetread_not_read_total{what="study",reason="coverage-insufficient"}': 1,
    'wetread_not_read_total{what="series",reason="localizer"}': 1,
    'wetread_not_read_total{what="instance",reason="duplicate-slice"}': 3,
    'wetread_not_read_total{what="instance",reason="truncated-file"}': 1,
    'wetread_faults_total{code="archive-unreachable"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(seen.get(name), value, name);
  assert.ok(seen.get('process_resident_memory_bytes')! > 10_000_000);
  assert.ok(seen.get('process_cpu_seconds_total')! > 0);
  assert.doesNotMatch(text, /1\.2/);
});

test('WR-TEL-05 a ledger that cannot be read does not take the other metrics with it', async () => {
  const metrics = prometheusMetrics({ studies: () => Promise.reject(new Error('ledger closed')) });
  metrics.observe('stage-ended', { stage: 'arrival', durationMs: 1 });
  const seen = samples(await metrics.text());
  assert.equal(seen.get('wetread_stage_duration_seconds_count{stage="arrival"}'), 1);
});

test('WR-LKM-02 drafts that go out without a model are counted by model and reason', async () => {
  const metrics = prometheusMetrics({ studies: async () => new Map() });
  for (const reason of ['inference-failed', 'inference-failed', 'too-few-slices'])
    metrics.observe('model-unavailable', { model: 'lungs', modelVersion: '1.0.0', reason, studyInstanceUid: '1.2.3' });
  const seen = samples(await metrics.text());
  const total = 'wetread_models_unavailable_total';
  assert.equal(seen.get(`${total}{model="lungs",reason="inference-failed"}`), 2);
  assert.equal(seen.get(`${total}{model="lungs",reason="too-few-slices"}`), 1);
});

test('WR-FEED-11 faults of sources and rows that name no study are counted by source and code', async () => {
  const metrics = prometheusMetrics({ studies: async () => new Map() });
  metrics.observe('source-fault', { source: 'qido:second', errorCode: 'archive-unreachable', attempt: 1 });
  metrics.observe('source-row-refused', { source: 'qido', errorCode: 'uid-invalid', instances: 3 });
  metrics.observe('source-recovered', { source: 'qido' });
  const seen = samples(await metrics.text());
  assert.equal(seen.get('wetread_source_faults_total{source="qido:second",code="archive-unreachable"}'), 1);
  assert.equal(seen.get('wetread_source_rows_refused_total{source="qido",code="uid-invalid"}'), 3);
});

test('WR-OPS-10 studies that were removed from the ledger are counted', async () => {
  const metrics = prometheusMetrics({ studies: async () => new Map() });
  metrics.observe('studies-pruned', { studies: 205 });
  metrics.observe('studies-pruned', { studies: 3 });
  assert.equal(samples(await metrics.text()).get('wetread_pruned_studies_total'), 208);
});

test('WR-VLM-28 answers and tokens of language models are counted by model, and nothing else of them', async () => {
  const metrics = prometheusMetrics({ studies: async () => new Map() });
  const about = { studyInstanceUid: '1.2.3', provider: 'pictures', model: 'dx-chest-text', modelVersion: '1.0.0' };
  metrics.observe('text-answered', { ...about, promptTokens: 356, completionTokens: 42 });
  metrics.observe('text-answered', { ...about, promptTokens: 100 });
  metrics.observe('text-answered', about);
  const text = await metrics.text();
  const seen = samples(text);
  const model = 'model="dx-chest-text",version="1.0.0"';
  assert.equal(seen.get(`wetread_text_answers_total{${model}}`), 3);
  assert.equal(seen.get(`wetread_text_tokens_total{${model},kind="prompt"}`), 456);
  assert.equal(seen.get(`wetread_text_tokens_total{${model},kind="completion"}`), 42);
  assert.doesNotMatch(text, /1\.2\.3|pictures"/);
});
