import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateMessageMapping } from '../../contracts/generated/validators.js';
import {
  hintOfArrival,
  hintsOfForeign,
  type MessageMapping,
  parseTraceparent,
  READY_MADE_MAPPINGS,
} from './message-mapping.ts';
import { patientDigest } from './patient-digest.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A workflow request as the gateway of release 0.4 writes it. */
function workflowRequest(...paths: readonly string[]): object {
  return {
    payload_id: 'ff35dc57-5b3a-4b0c-b8a5-2c1b9a1a8b1c',
    workflows: [],
    file_count: 40,
    correlation_id: '8b3c3b0a-6d5e-4a75-a1d5-5d0f0f6b7a11',
    bucket: 'monaideploy',
    trigger: { dataService: 'DIMSE', source: 'PACS', destination: 'GATEWAY' },
    data_origins: [],
    timestamp: '2024-05-02T09:31:07Z',
    payload: paths.map((path) => ({ path, metadata: `${path}.json` })),
  };
}

test('WR-AMQ-07 a workflow request of the MONAI gateway names its studies, each once, and counts nothing for them', () => {
  const mapping = READY_MADE_MAPPINGS['monai-informatics-gateway'];
  const message = workflowRequest(
    'dcm/1.2.3/1.2.3.1/1.2.3.1.1.dcm',
    'ehr/patient.json',
    'ff35/dcm/1.2.3/1.2.3.1/1.2.3.1.2.dcm',
  );
  assert.deepEqual(hintsOfForeign(message, mapping), [{ studyInstanceUid: '1.2.3' }]);
  const two = workflowRequest('p/dcm/1.2.3/1.2.3.1/1.2.3.1.1.dcm', 'p/dcm/1.2.4/1.2.4.1/1.2.4.1.1.dcm');
  assert.deepEqual(hintsOfForeign(two, mapping), [{ studyInstanceUid: '1.2.3' }, { studyInstanceUid: '1.2.4' }]);
});

test('WR-AMQ-07 a study as Orthanc describes it gives a digest of the patient and nothing else of it', () => {
  const message = {
    ID: '6b9e19d9-62094390-5f9ddb01-4a191ae7-9766b715',
    IsStable: true,
    MainDicomTags: { StudyInstanceUID: '1.2.840.1', StudyDescription: 'CT Thorax' },
    PatientMainDicomTags: { PatientID: ' 4711 ', PatientName: 'DOE^JANE' },
    Series: ['a', 'b'],
    Type: 'Study',
  };
  const hints = hintsOfForeign(message, READY_MADE_MAPPINGS.orthanc);
  assert.deepEqual(hints, [{ studyInstanceUid: '1.2.840.1', patientDigest: patientDigest('4711') }]);
});

test('WR-AMQ-07 a mapping of a site: pointers, escapes, constants, meanings of values', () => {
  const mapping: MessageMapping = {
    only: [{ pointer: '/event/type', equals: ['verified', 'complete'] }],
    studyInstanceUid: { pointer: '/event/0020~1000D' },
    archive: { constant: 'main' },
    expectedInstances: { pointer: '/counts/0' },
    complete: { pointer: '/event/type', values: { complete: true } },
    priority: { pointer: '/urgency', values: { '1': 'stat', '2': 'urgent' } },
    traceparent: { pointer: '/trace' },
  };
  assert.ok(validateMessageMapping(structuredClone(mapping)));
  const message = (type: string, urgency: number): object => ({
    event: { type, '0020/000D': '1.2.3' },
    counts: ['120'],
    urgency,
    trace: TRACEPARENT,
  });
  assert.deepEqual(hintsOfForeign(message('complete', 1), mapping), [
    {
      studyInstanceUid: '1.2.3',
      rung: 'source-says',
      archive: 'main',
      priority: 'stat',
      traceparent: TRACEPARENT,
      expectedInstances: 120,
    },
  ]);
  const verified = hintsOfForeign(message('verified', 9), mapping);
  assert.deepEqual(verified, [
    { studyInstanceUid: '1.2.3', archive: 'main', traceparent: TRACEPARENT, expectedInstances: 120 },
  ]);
  assert.deepEqual(hintsOfForeign(message('cancelled', 1), mapping), []);
});

test('WR-AMQ-07 a message without a study is refused, whatever it holds instead', () => {
  const mapping = READY_MADE_MAPPINGS.orthanc;
  const uids = [undefined, null, '', 'not a uid', '1.02.3', 7, {}, ['1.2.3'], '1.'.repeat(40)];
  for (const StudyInstanceUID of uids) {
    const hints = hintsOfForeign({ MainDicomTags: { StudyInstanceUID } }, mapping);
    assert.ok('skipped' in hints && hints.skipped.code === 'uid-missing', JSON.stringify(StudyInstanceUID));
  }
  for (const message of [null, 1, 'text', [], { MainDicomTags: null }, JSON.parse('{"__proto__": {}}')]) {
    assert.ok('skipped' in hintsOfForeign(message, mapping));
  }
});

test('WR-AMQ-07 what holds for one patient is not said of several studies', () => {
  const mapping: MessageMapping = {
    studyInstanceUid: { pointer: '/studies/*/uid' },
    patientId: { pointer: '/studies/*/patient' },
    expectedInstances: { constant: 7 },
    priority: { constant: 'URGENT' },
  };
  const studies = [
    { uid: '1.2.3', patient: 'A' },
    { uid: '1.2.4', patient: 'B' },
  ];
  assert.deepEqual(hintsOfForeign({ studies }, mapping), [
    { studyInstanceUid: '1.2.3', priority: 'urgent' },
    { studyInstanceUid: '1.2.4', priority: 'urgent' },
  ]);
});

test('WR-AMQ-01 every field of the own contract reaches the hint', () => {
  const digest = patientDigest('4711');
  const said = { archive: 'main', expectedInstances: 3, priority: 'asap', traceparent: TRACEPARENT } as const;
  assert.deepEqual(hintOfArrival({ studyInstanceUid: '1.2.3', complete: true, patientDigest: digest, ...said }), {
    studyInstanceUid: '1.2.3',
    rung: 'source-says',
    patientDigest: digest,
    ...said,
  });
  assert.deepEqual(hintOfArrival({ studyInstanceUid: '1.2.3', complete: false }), { studyInstanceUid: '1.2.3' });
});

test('WR-AMQ-09 a trace context that breaks W3C Trace Context is left out', () => {
  assert.equal(parseTraceparent(TRACEPARENT), TRACEPARENT);
  const wrong = [
    undefined,
    1,
    '',
    TRACEPARENT.toUpperCase(),
    `ff${TRACEPARENT.slice(2)}`,
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
  ];
  assert.deepEqual(
    wrong.map(parseTraceparent),
    wrong.map(() => undefined),
  );
});
