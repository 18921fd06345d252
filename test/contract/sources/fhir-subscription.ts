/** A FHIR server that calls, and is searched; the calls go through Wetread's own route. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import express from 'express';
import type { ImagingStudy } from 'fhir/r4.js';
import { fhirSubscriptionSource, type SubscriptionSource } from '../../../adapters/fhir/subscription-source.ts';
import { notificationRouter } from '../../../services/wetread/http/notifications.ts';
import { startFhirServer } from '../../support/fhir-server.ts';
import { imagingStudyOf, RECORD_PATIENT_DATA } from '../../support/imaging-study.ts';
import { studyUid } from '../../support/part10.ts';
import { RestHookSender } from '../../support/rest-hook-sender.ts';
import type { SourceKind } from './source-kind.ts';

const SECRET = 'a-secret-of-the-contract-suite';

/** @param port the second one after it is taken too */
export function fhirSubscriptionKind(port: number): SourceKind {
  return { name: 'FHIR Subscription', skip: false, start: () => start(port) };
}

async function start(port: number): ReturnType<SourceKind['start']> {
  const server = await startFhirServer(port);
  const sender = new RestHookSender(server);
  const studies = new Map<string, ImagingStudy>();
  let target: SubscriptionSource | undefined;
  let broken = false;
  server.intercept = (_request, response) => {
    if (broken) response.socket?.destroy();
  };
  const wetread = await notified(port + 1, () => target);
  return {
    source: (ports) => {
      target = fhirSubscriptionSource({
        url: server.url,
        criteria: ['ImagingStudy?status=available'],
        subscription: { endpoint: `http://127.0.0.1:${port + 1}/notifications/fhir`, payload: 'full-resource' },
        secret: async () => SECRET,
        intervalMs: 50,
        lookbackMs: 3_600_000,
        naming: {},
        findByAccession: async () => [],
        archive: { findStudy: async () => undefined },
        ports,
        chance: () => 0,
      });
      return target;
    },
    announce: async (name) => {
      const uid = studyUid(name);
      const before = studies.get(name);
      const numberOfInstances = (before?.numberOfInstances ?? 0) + 1;
      studies.set(name, await sender.publish({ ...imagingStudyOf(uid), ...before, numberOfInstances }));
      return uid;
    },
    breakServer: async () => {
      broken = true;
    },
    mendServer: async () => {
      broken = false;
    },
    patientData: RECORD_PATIENT_DATA,
    async [Symbol.asyncDispose]() {
      assert.ok(sender.answers.includes(200), 'at least one call was answered');
      wetread.closeAllConnections();
      wetread.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The route of Wetread for the source that runs at the time; nobody is there while none does. */
async function notified(port: number, target: () => SubscriptionSource | undefined): Promise<Server> {
  const app = express();
  app.use('/notifications/fhir', (request, response, next) => {
    const source = target();
    if (source === undefined) response.status(503).end();
    else notificationRouter(source)(request, response, next);
  });
  app.use(((_error, _request, response, _next) => response.status(503).end()) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
