/** The address that a FHIR server calls, in a Wetread that runs, and with a ledger that does not take hints. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import express from 'express';
import supertest from 'supertest';
import { WetreadError } from '../../../src/errors.ts';
import { startFhirServer } from '../../../test/support/fhir-server.ts';
import { imagingStudyOf } from '../../../test/support/imaging-study.ts';
import { studyUid } from '../../../test/support/part10.ts';
import { TemporaryFolder } from '../../../test/support/phantom-studies.ts';
import { RestHookSender } from '../../../test/support/rest-hook-sender.ts';
import { runWetread } from '../../../test/support/running-wetread.ts';
import { SECRET, subscribedRecord } from '../../../test/support/subscribed-record.ts';
import { notificationRouter } from './notifications.ts';

const BEARER = `Bearer ${SECRET}`;
const PATH = '/notifications/fhir';
const FHIR = 'application/fhir+json';

test('WR-SUB-03 what a server tells in a call is a row of the ledger when the call is answered', async () => {
  await using server = await startFhirServer();
  await using folder = new TemporaryFolder();
  const secretFile = join(folder.path, 'secret');
  writeFileSync(secretFile, `${SECRET}\n`);
  const fhirSubscription = { enabled: true, url: server.url, secretFile };
  await using running = await runWetread({ fhirSubscription, bundledModels: false });
  const { wetread } = running;
  const sender = new RestHookSender(server);
  for (const payload of [undefined, FHIR]) {
    const channel = {
      type: 'rest-hook' as const,
      endpoint: `${wetread.url}${PATH}`,
      header: [`Authorization: ${BEARER}`],
      ...(payload !== undefined && { payload }),
    };
    const made = await server.create({
      resourceType: 'Subscription' as const,
      status: 'requested' as const,
      reason: 'made by an administrator',
      criteria: 'ImagingStudy?status=available',
      channel,
    });
    const uid = studyUid(`with payload ${payload}`);
    await sender.publish(imagingStudyOf(uid));
    assert.equal((await wetread.ports.ledger.get(uid))?.source, 'fhir-subscription');
    await server.update({ ...made, status: 'off' as const });
  }
  assert.deepEqual(sender.answers, [200, 200]);
});

test('WR-SUB-03 a hint that is not committed is answered 503, and the server that repeats it is answered 200', async () => {
  await using record = await subscribedRecord();
  const app = express().use(PATH, notificationRouter(record.source), answerFault);
  let commits = 0;
  record.commit = async () => {
    commits += 1;
    if (commits < 3) throw new WetreadError('ledger-unreachable', 'The ledger is gone');
  };
  const tell = (): supertest.Test =>
    supertest(app)
      .post(PATH)
      .set('authorization', BEARER)
      .type(FHIR)
      .send(imagingStudyOf(studyUid('repeated'), { id: 's' }));
  await tell().expect(503);
  await tell().expect(503);
  await tell().expect(200);
  await tell().expect(200);
  assert.equal(record.hints.length, 1);
});

test('WR-SUB-04 without the secret nothing is read; what is foreign is refused, and the log tells both', async () => {
  await using record = await subscribedRecord();
  await record.until(() => record.logged.some(([event]) => event === 'subscription-requested'));
  const app = express().use(PATH, notificationRouter(record.source), answerFault);
  const study = imagingStudyOf(studyUid('foreign'), { id: 's' });
  const codes = async (request: supertest.Test): Promise<[number, string]> => {
    const { status, body } = await request;
    return [status, (body as { code: string }).code];
  };
  const post = (): supertest.Test => supertest(app).post(PATH).set('authorization', BEARER);
  assert.deepEqual(await codes(supertest(app).post(PATH).send(study)), [401, 'not-authenticated']);
  assert.deepEqual(await codes(post().set('authorization', `${BEARER}x`).send(study)), [401, 'not-authenticated']);
  assert.deepEqual(await codes(supertest(app).put(`${PATH}/ImagingStudy/s`).send(study)), [401, 'not-authenticated']);
  assert.deepEqual(await codes(post().type(FHIR).send({ resourceType: 'Patient' })), [400, 'request-invalid']);
  assert.deepEqual(await codes(post().type(FHIR).send('{')), [400, 'request-invalid']);
  assert.deepEqual(await codes(post().type('application/fhir+xml').send('<ImagingStudy/>')), [
    415,
    'media-type-unsupported',
  ]);
  assert.deepEqual(
    await codes(
      post()
        .type(FHIR)
        .send(imagingStudyOf('none', { id: 's' })),
    ),
    [422, 'uid-invalid'],
  );
  assert.deepEqual(record.hints, []);
  const told = record.logged.flatMap(([event, { errorCode }]) => (event === 'source-fault' ? [errorCode] : []));
  assert.deepEqual(told.slice(0, 3), Array<string>(3).fill('not-authenticated'));
  assert.deepEqual(told.slice(3), ['request-invalid', 'request-invalid', 'media-type-unsupported', 'uid-invalid']);
  await supertest(app).delete(`${PATH}/ImagingStudy/s`).set('authorization', BEARER).expect(204);
});

/** As the whole server answers a fault. */
const answerFault: express.ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const { code } = WetreadError.from(error);
  const status = {
    'not-authenticated': 401,
    'request-invalid': 400,
    'media-type-unsupported': 415,
    'uid-invalid': 422,
  };
  response.status(code in status ? status[code as keyof typeof status] : 503).json({ code });
};
