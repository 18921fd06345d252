/** Shapes from hl7.fhir.uv.subscriptions-backport 1.1 (notification examples for R4 and R4B), FHIR R5 3.2.7 and R4 3.2.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import { imagingStudyOf } from '../../test/support/imaging-study.ts';
import { readNotification } from './subscription-notification.ts';

const BASE = 'https://record.example/fhir';
const STUDY = imagingStudyOf('1.2.3', { id: 's1' });
const FOCUS = { reference: `${BASE}/ImagingStudy/s1` };

interface Event {
  readonly number: number;
  readonly focus?: { readonly reference: string };
}

/** R4: the status is a Parameters resource. */
function r4(type: string, events: readonly Event[] = [], total: string | number = events.length): object {
  const parameter = [
    { name: 'subscription', valueReference: { reference: `${BASE}/Subscription/7` } },
    { name: 'topic', valueCanonical: 'https://record.example/topic/imaging' },
    { name: 'status', valueCode: 'active' },
    { name: 'type', valueCode: type },
    { name: 'events-since-subscription-start', valueString: `${total}` },
    ...events.map(({ number, focus }) => ({
      name: 'notification-event',
      part: [
        { name: 'event-number', valueString: `${number}` },
        ...(focus === undefined ? [] : [{ name: 'focus', valueReference: focus }]),
      ],
    })),
  ];
  return { fullUrl: 'urn:uuid:1', resource: { resourceType: 'Parameters', parameter } };
}

/** R4B and R5: the status is a resource of its own. */
function r4b(type: string, events: readonly Event[] = []): object {
  const resource = {
    resourceType: 'SubscriptionStatus',
    status: 'active',
    type,
    subscription: { reference: 'Subscription/7' },
    topic: 'https://record.example/topic/imaging',
    eventsSinceSubscriptionStart: events.length,
    notificationEvent: events.map(({ number, focus }) => ({ eventNumber: `${number}`, focus })),
  };
  return { resource };
}

function bundle(type: string, ...entry: readonly object[]): object {
  return { resourceType: 'Bundle', type, timestamp: '2026-01-01T00:00:00Z', entry };
}

test('WR-SUB-02 R4 rest-hook: a call without a body names nothing, one with a resource names that', () => {
  assert.deepEqual(readNotification(undefined, BASE), { kind: 'event', resources: [], references: [], unnamed: true });
  const { resources, unnamed } = readNotification(STUDY, BASE);
  assert.deepEqual([resources, unnamed], [[STUDY], false]);
});

test('WR-SUB-02 backport for R4: full resource, id only and empty notifications', () => {
  const event = { number: 3, focus: FOCUS };
  const full = readNotification(bundle('history', r4('event-notification', [event], 3), { resource: STUDY }), BASE);
  assert.deepEqual(full.resources, [STUDY]);
  assert.deepEqual([full.references, full.unnamed, full.firstEvent, full.events], [[], false, 3, 3]);
  assert.equal(full.subscription, `${BASE}/Subscription/7`);
  const idOnly = readNotification(
    bundle('history', r4('event-notification', [event], 3), { fullUrl: FOCUS.reference }),
    BASE,
  );
  assert.deepEqual([idOnly.resources, idOnly.references, idOnly.unnamed], [[], ['ImagingStudy/s1'], false]);
  const empty = readNotification(bundle('history', r4('event-notification', [{ number: 3 }], 3)), BASE);
  assert.deepEqual([empty.resources, empty.references, empty.unnamed], [[], [], true]);
});

test('WR-SUB-02 R4B and R5: the status as SubscriptionStatus, in a bundle of either type', () => {
  for (const type of ['history', 'subscription-notification']) {
    const events = [
      { number: 1, focus: { reference: 'ServiceRequest/o1/_history/2' } },
      { number: 2, focus: FOCUS },
    ];
    const read = readNotification(bundle(type, r4b('event-notification', events), { resource: STUDY }), BASE);
    assert.deepEqual(read.resources, [STUDY]);
    assert.deepEqual([read.references, read.firstEvent, read.events], [['ServiceRequest/o1'], 1, 2]);
  }
});

test('WR-SUB-02 handshake and heartbeat name nothing, and say how many events there were', () => {
  const handshake = readNotification(bundle('history', r4('handshake', [], 0)), BASE);
  assert.deepEqual([handshake.kind, handshake.events, handshake.unnamed], ['handshake', 0, false]);
  const heartbeat = readNotification(bundle('history', r4('heartbeat', [], 12)), BASE);
  assert.deepEqual([heartbeat.kind, heartbeat.events, heartbeat.unnamed], ['heartbeat', 12, false]);
});

test('WR-SUB-04 what is no notification of a study or an order is refused', () => {
  const foreign: readonly unknown[] = [
    { resourceType: 'Patient', id: 'p' },
    'text',
    null,
    [],
    {},
    { resourceType: 'Bundle', type: 'searchset', entry: [{ resource: STUDY }] },
    { resourceType: 'Bundle', type: 'history' },
    { resourceType: 'Bundle', type: 'history', entry: [null] },
    bundle('history', { resource: STUDY }),
    bundle('history', r4('query-status')),
    bundle('history', r4('event-notification', [{ number: 1, focus: { reference: 'Patient/p' } }])),
    bundle(
      'history',
      r4('event-notification', [{ number: 1, focus: { reference: 'https://else.example/fhir/ImagingStudy/s1' } }]),
    ),
    bundle('history', r4('event-notification', [{ number: 1, focus: { reference: 'ImagingStudy/../../x' } }])),
  ];
  for (const body of foreign) {
    assert.throws(
      () => readNotification(body, BASE),
      (error) => error instanceof WetreadError && error.code === 'request-invalid',
      JSON.stringify(body),
    );
  }
});
