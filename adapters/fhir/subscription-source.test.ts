import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FhirResource, Subscription } from 'fhir/r4.js';
import { patientDigest } from '../../src/arrival/patient-digest.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import { imagingStudyOf, RECORD_PATIENT_DATA, serviceRequestOf } from '../../test/support/imaging-study.ts';
import { studyUid } from '../../test/support/part10.ts';
import { SECRET, type SubscribedRecord, subscribedRecord } from '../../test/support/subscribed-record.ts';

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

function subscriptions({ server }: SubscribedRecord): Promise<Subscription[]> {
  return server.all<Subscription>('Subscription');
}

function requested(record: SubscribedRecord, state: string): Promise<void> {
  return record.until(() =>
    record.logged.some(([event, about]) => event === 'subscription-requested' && about.state === state),
  );
}

/** A notification of the backport for R4 without contents. */
function emptyEvent(number: number): object {
  return status('event-notification', number, [
    { name: 'notification-event', part: [{ name: 'event-number', valueString: `${number}` }] },
  ]);
}

function status(type: string, events: number, further: readonly object[] = []): object {
  const parameter = [
    { name: 'subscription', valueReference: { reference: 'Subscription/7' } },
    { name: 'type', valueCode: type },
    { name: 'events-since-subscription-start', valueString: `${events}` },
    ...further,
  ];
  return { resourceType: 'Bundle', type: 'history', entry: [{ resource: { resourceType: 'Parameters', parameter } }] };
}

function hintOf(hints: readonly StudyHint[], name: string): StudyHint | undefined {
  return hints.find(({ studyInstanceUid }) => studyInstanceUid === studyUid(name));
}

test('WR-SUB-01 the Subscription is made once, with its secret, and left alone while it is as it should be', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  await record.restart();
  await record.searched();
  const [made, ...others] = await subscriptions(record);
  assert.deepEqual(others, []);
  assert.equal(made?.criteria, 'ImagingStudy?status=available');
  assert.deepEqual(made.channel.header, [`Authorization: Bearer ${SECRET}`]);
  assert.equal(made.channel.payload, undefined);
  assert.equal(record.logged.filter(([event]) => event === 'subscription-requested').length, 1);
});

test('WR-SUB-01 one that is in error or off, ends soon or has another secret is asked for anew', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  const change = async (changes: Partial<Subscription>, state: string): Promise<void> => {
    const [before] = await subscriptions(record);
    await record.server.update<Subscription>({ ...before!, ...changes });
    await record.restart();
    await requested(record, state);
    const [after, ...others] = await subscriptions(record);
    assert.deepEqual([after?.status, after?.id, others], ['requested', before!.id, []]);
  };
  await change({ status: 'error', error: 'the endpoint did not answer' }, 'error');
  await change({ status: 'off' }, 'off');
  await change({ status: 'active', end: new Date(Date.now() + 60_000).toISOString() }, 'ending');
  const secret = 'another-secret-of-the-tests';
  await record.restart({ secret: async () => secret });
  await requested(record, 'changed');
  const [after] = await subscriptions(record);
  assert.deepEqual(after?.channel.header, [`Authorization: Bearer ${secret}`]);
});

test('WR-SUB-01 with a topic it is a Subscription of the backport, and the criteria are its filter', async () => {
  const topic = 'https://record.example/topic/imaging';
  await using record = await subscribedRecord({
    subscription: { endpoint: 'http://127.0.0.1:25009/notifications/fhir', topic, payload: 'id-only' },
  });
  await requested(record, 'missing');
  await record.restart();
  await record.searched();
  const [made, ...others] = await subscriptions(record);
  assert.deepEqual(others, []);
  assert.equal(made?.criteria, topic);
  assert.deepEqual(made.meta?.profile, [`${BACKPORT}/backport-subscription`]);
  assert.equal(made._criteria?.extension?.[0]?.valueString, 'ImagingStudy?status=available');
  const payload = made.channel as unknown as { _payload: { extension: { valueCode: string }[] } };
  assert.equal(payload._payload.extension[0]?.valueCode, 'id-only');
});

test('WR-SUB-01 a server that takes no Subscription is searched all the same, and the log tells', async () => {
  await using record = await subscribedRecord({ intervalMs: 20 });
  const { intercept } = record.server;
  record.server.intercept = (request, response) => {
    if (request.path === '/fhir/Subscription/_search') response.status(404).json({ resourceType: 'OperationOutcome' });
    return intercept?.(request, response);
  };
  await record.restart();
  await record.server.create(imagingStudyOf(studyUid('searched')));
  await record.until(() => hintOf(record.hints, 'searched') !== undefined);
  await record.until(() => record.logged.some(([, { errorCode }]) => errorCode === 'health-record-refused'));
});

test('WR-SUB-03 the hint has what the resource says: the UID, and how many instances to expect', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  await record.source.receive(imagingStudyOf(studyUid('told'), { id: 's1', numberOfInstances: 66 }));
  assert.deepEqual(record.hints, [{ studyInstanceUid: studyUid('told'), expectedInstances: 66 }]);
  await record.source.receive(imagingStudyOf(studyUid('not yet'), { id: 's2', status: 'registered' }));
  await record.source.receive(imagingStudyOf(studyUid('by mistake'), { id: 's3', status: 'entered-in-error' }));
  assert.equal(record.hints.length, 1);
  await assert.rejects(record.source.receive(imagingStudyOf('no UID', { id: 's4' })), { code: 'uid-invalid' });
});

test('WR-SUB-03 a call without contents resolves after a search that began later and committed what it found', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  await record.server.create(imagingStudyOf(studyUid('unnamed')));
  await record.source.receive(undefined);
  assert.ok(hintOf(record.hints, 'unnamed'));
  record.commit = async () => {
    throw new WetreadError('ledger-unreachable', 'The ledger is gone');
  };
  await record.server.create(imagingStudyOf(studyUid('refused')));
  await assert.rejects(record.source.receive(undefined), { code: 'ledger-unreachable' });
  record.commit = async () => {};
  await record.source.receive(undefined);
  assert.ok(hintOf(record.hints, 'refused'));
});

test('WR-SUB-03 what is named by reference is fetched, and what is gone since is no fault', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  const { id } = await record.server.create(imagingStudyOf(studyUid('by reference')));
  const focus = (reference: string): object => ({
    name: 'notification-event',
    part: [
      { name: 'event-number', valueString: '1' },
      { name: 'focus', valueReference: { reference } },
    ],
  });
  await record.source.receive(status('event-notification', 1, [focus(`ImagingStudy/${id}`)]));
  assert.deepEqual(
    record.hints.map(({ studyInstanceUid }) => studyInstanceUid),
    [studyUid('by reference')],
  );
  await record.source.receive(status('event-notification', 1, [focus('ImagingStudy/gone')]));
  assert.equal(record.hints.length, 1);
});

test('WR-SUB-05 a gap in the event numbers, or a heartbeat that counts more, starts a search', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  await record.source.receive(emptyEvent(1));
  await record.server.create(imagingStudyOf(studyUid('lost')));
  await record.source.receive(status('heartbeat', 1));
  assert.equal(hintOf(record.hints, 'lost'), undefined);
  await record.source.receive(status('heartbeat', 2));
  await record.until(() => hintOf(record.hints, 'lost') !== undefined);
});

test('WR-SUB-05 a search goes through every page of the server, and to no other server', async () => {
  await using record = await subscribedRecord();
  await requested(record, 'missing');
  const { server } = record;
  const { intercept } = server;
  const page = (name: string, next?: string): object => ({
    resourceType: 'Bundle',
    type: 'searchset',
    ...(next !== undefined && { link: [{ relation: 'next', url: next }] }),
    entry: [{ resource: imagingStudyOf(studyUid(name), { id: name.replace(' ', '-') }) satisfies FhirResource }],
  });
  let next = `${server.url}?_getpages=2`;
  server.intercept = (request, response) => {
    if (request.path === '/fhir/ImagingStudy/_search') response.json(page('page one', next));
    else if (request.url === '/fhir?_getpages=2') response.json(page('page two'));
    return intercept?.(request, response);
  };
  await record.source.receive(undefined);
  assert.ok(hintOf(record.hints, 'page one') && hintOf(record.hints, 'page two'));
  next = 'http://127.0.0.1:25008/fhir?_getpages=2';
  await assert.rejects(record.source.receive(undefined), { code: 'health-record-refused' });
});

test('WR-SUB-05 a resource without a valid UID is told once, and holds up no other', async () => {
  await using record = await subscribedRecord({ intervalMs: 20 });
  await record.server.create(imagingStudyOf('no UID'));
  await record.server.create(imagingStudyOf(studyUid('beside it')));
  await record.until(() => hintOf(record.hints, 'beside it') !== undefined);
  await record.searched(3);
  const refused = record.logged.filter(([event]) => event === 'source-row-refused');
  assert.deepEqual(
    refused.map(([, { errorCode }]) => errorCode),
    ['uid-invalid'],
  );
});

test('WR-SUB-06 an order leads to the study that is based on it, with its priority', async () => {
  await using record = await subscribedRecord({
    criteria: ['ServiceRequest?status=active'],
    naming: { patientIdentifierSystem: 'urn:oid:1.2.3.9' },
  });
  await requested(record, 'missing');
  const order = await record.server.create(serviceRequestOf('ACC-0815', { priority: 'stat' }));
  const basedOn = [{ reference: `ServiceRequest/${order.id}` }];
  await record.server.create(imagingStudyOf(studyUid('ordered'), { basedOn, numberOfInstances: 3 }));
  await record.source.receive(order);
  const digest = patientDigest('PAT-4711');
  const expected = {
    studyInstanceUid: studyUid('ordered'),
    expectedInstances: 3,
    priority: 'stat',
    patientDigest: digest,
  };
  assert.deepEqual(record.hints, [expected]);
});

test('WR-SUB-06 an order that comes before its images waits for them, by its reference alone, over a restart too', async () => {
  const archive = new Set<string>();
  const findByAccession = async (accession: string): Promise<ReturnType<typeof studyUid>[]> =>
    archive.has(accession) ? [studyUid('later')] : [];
  await using record = await subscribedRecord({
    criteria: ['ServiceRequest?status=active'],
    findByAccession,
    intervalMs: 20,
  });
  const order = await record.server.create(serviceRequestOf('ACC-0815', { priority: 'urgent' }));
  await record.source.receive(order);
  await record.searched(2);
  assert.deepEqual(record.hints, []);
  await record.restart();
  archive.add('ACC-0815');
  await record.until(() => record.hints.length > 0);
  assert.deepEqual(record.hints, [{ studyInstanceUid: studyUid('later'), priority: 'urgent' }]);
  await record.searched(2);
  assert.equal(record.hints.length, 1);
  await record.restart();
  const kept = await record.ledger.sourceState(`fhir-subscription ${record.server.url}`);
  const said = JSON.stringify([kept, record.logged, record.hints]);
  for (const word of RECORD_PATIENT_DATA) assert.ok(!said.includes(word), word);
});
