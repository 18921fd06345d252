import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import { parseConfig } from './config.ts';

const complaintOf = (raw: unknown): string => {
  try {
    parseConfig(raw, 'site.yaml');
  } catch (error) {
    assert.ok(error instanceof WetreadError && error.code === 'config-invalid');
    return error.message;
  }
  return 'accepted';
};

test('WR-RUN-04 no file is needed: every key has a default', () => {
  const config = parseConfig(undefined);
  assert.equal(config.http.host, '127.0.0.1');
  assert.equal(config.archive.kind, 'directory');
  const { enabled, intervalSeconds, windowDays, sweepDays, sweepSeconds } = config.archive.polling;
  assert.deepEqual([enabled, intervalSeconds, windowDays, sweepDays, sweepSeconds], [true, 10, 2, 14, 600]);
  assert.equal(config.healthRecord.draftStatus, 'preliminary');
  assert.deepEqual(config.inference.providers, ['cpu']);
});

test('WR-RUN-04 a mistake names its key', () => {
  assert.match(complaintOf({ http: { port: 'many' } }), /site\.yaml: http\.port must be integer/);
  assert.match(complaintOf({ archiv: {} }), /unknown key 'archiv'/);
  const rule = { name: 'r', model: 'm' };
  assert.match(
    complaintOf({ rules: [{ ...rule, priority: 'now' }] }),
    /rules\.0\.priority must be .*: stat, asap, urgent/,
  );
  assert.match(complaintOf({ rules: [{ ...rule, when: {} }] }), /site\.yaml: rules\.0\.when must NOT have fewer/);
  assert.match(complaintOf({ rules: [rule, rule] }), /site\.yaml: rules\.1\.name is the name of an earlier rule/);
  assert.match(complaintOf({ healthRecord: { draftStatus: 'final' } }), /healthRecord\.draftStatus/);
  assert.match(complaintOf({ archive: { polling: { windowDays: 0 } } }), /archive\.polling\.windowDays must be >= 1/);
  assert.match(complaintOf({ archive: { kind: 'dicomweb' } }), /archive\.url must be a URL/);
  assert.match(complaintOf({ healthRecord: { kind: 'fhir', url: 'not a url' } }), /healthRecord\.url must be a URL/);
});

test('WR-OPS-18 keys that contradict each other are named, all of them', () => {
  const url = 'http://pacs.example/dicom-web';
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ archive: { url } }, /archive\.url has no effect without archive\.kind: dicomweb/],
    [{ archive: { kind: 'dicomweb', url: 'ftp://pacs' } }, /archive\.url must be a URL with http or https/],
    [{ archive: { kind: 'dicomweb', url: 'http://me:secret@pacs' } }, /archive\.url must be a URL without user name/],
    [{ ledger: { url: 'postgresql://db/x' } }, /ledger\.url has no effect without ledger\.kind: postgres/],
    [{ ledger: { kind: 'postgres', url: 'http://db/x' } }, /ledger\.url must be a URL such as postgresql:/],
    [
      { ledger: { kind: 'postgres', url: 'postgresql://me:secret@db/x', passwordFile: 'f' } },
      /ledger\.url holds a password, and ledger\.passwordFile/,
    ],
    [{ healthRecord: { url } }, /healthRecord\.url has no effect without healthRecord\.kind: fhir/],
    [{ inference: { url: 'gpu:8000' } }, /inference\.url must be a URL/],
    [{ telemetry: { otlpUrl: 'collector' } }, /telemetry\.otlpUrl must be a URL/],
    [{ completeness: { quietSeconds: 9, longestWaitSeconds: 5 } }, /completeness\.longestWaitSeconds is shorter/],
    [{ retention: { exportDirectory: 'x' } }, /retention\.exportDirectory is set without retention\.days/],
    [{ archive: { kind: 'dicomweb', url }, retention: { days: 14 } }, /retention\.days must be more than the 14 days/],
  ];
  for (const [config, complaint] of wrong) {
    assert.match(complaintOf(config), complaint);
    assert.doesNotMatch(complaintOf(config), /secret/);
  }
  const both = complaintOf({ archive: { url }, healthRecord: { kind: 'fhir' } });
  assert.match(both, /archive\.url .*; healthRecord\.url must be a URL/);
  assert.equal(complaintOf({ archive: { kind: 'dicomweb', url }, retention: { days: 15 } }), 'accepted');
});

test('WR-LKT-02 a key whose part nothing switches on is named: it would be without effect, and nobody would know', () => {
  const secretFile = '/run/secrets/subscription';
  const wrong: readonly (readonly [object, string])[] = [
    [
      { fhirSubscription: { secretFile } },
      'fhirSubscription.secretFile has no effect without fhirSubscription.enabled',
    ],
    [{ rabbitmq: { findingsReady: true } }, 'rabbitmq.findingsReady has no effect without rabbitmq.url'],
    [{ rabbitmq: { arrivals: [{}] } }, 'rabbitmq.arrivals has no effect without rabbitmq.url'],
    [{ folderWatch: { after: 'delete' } }, 'folderWatch.after has no effect without folderWatch.folders'],
    [{ archive: { polling: { changes: 'orthanc' } } }, 'polling.changes has no effect without archive.kind: dicomweb'],
    [
      { archive: { kind: 'dicomweb', url: 'http://pacs', polling: { changesUrl: 'http://pacs' } } },
      'archive.polling.changesUrl has no effect without archive.polling.changes',
    ],
    [{ rabbitmq: { url: 'amqp://me@broker', tls: { caFile: 'a.pem' } } }, 'rabbitmq.tls has no effect without amqps'],
  ];
  for (const [config, words] of wrong) assert.ok(complaintOf(config).includes(words), complaintOf(config));
  for (const off of [
    { fhirSubscription: { enabled: false, secretFile } },
    { folderWatch: { folders: [], after: 'delete' } },
    { archive: { polling: { enabled: false } } },
  ]) {
    assert.equal(complaintOf(off), 'accepted', 'what is switched off in words keeps its keys');
  }
});

test('WR-LKT-03 a password in the address of a worklist, a FHIR server or a broker with a file is refused and not repeated', () => {
  const secretFile = '/run/secrets/subscription';
  const match = { labels: ['read'] };
  const wrong: Readonly<Record<string, object>> = {
    'ups.0.url must be a URL without': { ups: [{ url: 'http://me:hush@list.example/ups-rs', match }] },
    'ups.0.notificationUrl must be a URL without': {
      ups: [{ url: 'http://list.example/ups-rs', notificationUrl: 'ws://me:hush@list.example', match }],
    },
    'fhirSubscription.url must be a URL without': {
      fhirSubscription: { enabled: true, url: 'https://me:hush@record.example/fhir', secretFile },
    },
    'rabbitmq.url holds a password, and': { rabbitmq: { url: 'amqp://me:hush@broker', passwordFile: 'f' } },
    'rabbitmq.url names no user': { rabbitmq: { url: 'amqp://broker', passwordFile: 'f' } },
  };
  for (const [words, config] of Object.entries(wrong)) {
    assert.ok(complaintOf(config).includes(words), complaintOf(config));
    assert.doesNotMatch(complaintOf(config), /hush/);
  }
});
