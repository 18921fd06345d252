/** Wetread between real servers: Orthanc, PostgreSQL, a FHIR server, an inference service, and RabbitMQ where it is asked for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { postgresLedger } from '../../adapters/postgres/ledger.ts';
import { faultyProxy } from '../support/faulty-proxy.ts';
import { type RunningService, startInferenceService } from '../support/inference-service.ts';
import { writeNullModel } from '../support/null-model.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { ask, startPostgres } from '../support/postgres.ts';
import { TINY_PATIENT, type TinyStudy } from '../support/tiny-studies.ts';
import { commonConfig, systemClock } from './embedded-site.ts';
import {
  countResults,
  emptyOrthanc,
  type FaultyServer,
  type Site,
  studiesOfInstances,
  studiesOfReports,
} from './site.ts';
import { WetreadProcess } from './wetread-process.ts';

export interface ServerSite extends Site {
  readonly replica: WetreadProcess;
}

/** Sixteen ports from this one on are used. */
const OFFSETS = { wetread: 0, replica: 1, orthanc: 2, dicom: 3, postgres: 4, fhir: 5, inference: 6, proxies: 10 };
const PATIENTS = 'urn:oid:2.999.9';

export async function serverSite(port: number): Promise<ServerSite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const model = await writeNullModel(folder.path);
  const archive = stack.use(await orthancServer(port));
  const database = stack.use(await postgresServer(port));
  const record = stack.use(await fhirServer(port, join(folder.path, 'fhir.sqlite')));
  const inference = stack.use(await inferenceServer(port, model));
  const url = (server: FaultyServer): string => `http://127.0.0.1:${server.proxy.port}`;
  const shared = {
    archive: { kind: 'dicomweb', url: `${url(archive)}/dicom-web`, polling: { intervalSeconds: 0.3 } },
    ledger: { kind: 'postgres', url: database.url, leaseSeconds: 4 },
    healthRecord: { kind: 'fhir', url: `${url(record)}/fhir`, issuers: { [TINY_PATIENT.issuer]: PATIENTS } },
    inference: { url: url(inference), timeoutSeconds: 3 },
  };
  const process = (name: 'wetread' | 'replica'): WetreadProcess => {
    const file = join(folder.path, `${name}.json`);
    const dataDirectory = join(folder.path, name);
    writeFileSync(file, JSON.stringify({ ...commonConfig(port + OFFSETS[name], [model]), dataDirectory, ...shared }));
    return stack.use(new WetreadProcess(file));
  };
  const [wetread, replica] = [process('wetread'), process('replica')];
  await wetread.start();
  const owned = stack.move();
  return {
    wetread,
    replica,
    servers: { archive, database, record, inference },
    deliver: (study) => archive.take(study),
    clear: () => emptyOrthanc(archive.dicomwebUrl.replace(/\/dicom-web$/, '')),
    entries: async () => {
      await using ledger = await postgresLedger({ url: database.ownUrl, clock: systemClock });
      return await ledger.list();
    },
    results: async () => {
      const instances = {
        sr: await studiesOfInstances(archive.dicomwebUrl, 'SR'),
        seg: await studiesOfInstances(archive.dicomwebUrl, 'SEG'),
      };
      return countResults(instances, await studiesOfReports(record.fhirUrl));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Disposing<T> = T & AsyncDisposable;

interface ArchiveServer extends FaultyServer {
  /** Past the proxy. */
  readonly dicomwebUrl: string;
  take(study: TinyStudy): Promise<void>;
}

async function orthancServer(port: number): Promise<Disposing<ArchiveServer>> {
  await using stack = new AsyncDisposableStack();
  const [httpPort, dicomPort] = [port + OFFSETS.orthanc, port + OFFSETS.dicom];
  const orthanc = stack.use(await startOrthanc({ httpPort, dicomPort }));
  const proxy = stack.use(await faultyProxy(port + OFFSETS.proxies, httpPort));
  const owned = stack.move();
  return {
    proxy,
    dicomwebUrl: `${orthanc.url}/dicom-web`,
    kill: async () => orthanc.kill(),
    start: () => orthanc.restart(),
    take: async ({ files }) => {
      for (const file of files) {
        const { ok } = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(file) });
        if (!ok) throw new Error('Orthanc took no instance');
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface DatabaseServer extends FaultyServer {
  readonly url: string;
  /** Past the proxy. */
  readonly ownUrl: string;
}

async function postgresServer(port: number): Promise<Disposing<DatabaseServer>> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres(port + OFFSETS.postgres));
  const ownUrl = await postgres.createDatabase('faults');
  const proxy = stack.use(await faultyProxy(port + OFFSETS.proxies + 1, postgres.port));
  const owned = stack.move();
  const administer = (sql: string) => ask(ownUrl.replace(/faults$/, 'postgres'), sql);
  return {
    proxy,
    ownUrl,
    url: ownUrl.replace(`:${postgres.port}/`, `:${proxy.port}/`),
    kill: () => postgres.kill(),
    start: () => postgres.start(),
    /** SQLSTATE 55000 for new connections, 57P01 for those that stand. */
    refuse: async (refuses) => {
      await administer(`ALTER DATABASE faults ALLOW_CONNECTIONS ${refuses ? 'false' : 'true'}`);
      if (refuses) await administer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'faults'`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface RecordServer extends FaultyServer {
  /** Past the proxy. */
  readonly fhirUrl: string;
}

async function fhirServer(port: number, file: string): Promise<Disposing<RecordServer>> {
  const own = port + OFFSETS.fhir;
  const fhirUrl = `http://127.0.0.1:${own}/fhir`;
  const entry = join(import.meta.dirname, '..', 'support', 'fhir-process.ts');
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, [entry, String(own), file], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    await once(createInterface({ input: started.stdout }), 'line');
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  await registerPatient(fhirUrl);
  const proxy = await faultyProxy(port + OFFSETS.proxies + 2, own);
  return {
    proxy,
    fhirUrl,
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await kill();
    },
  };
}

async function registerPatient(fhirUrl: string): Promise<void> {
  const { id: value, birthDate } = TINY_PATIENT;
  const resource = { resourceType: 'Patient', identifier: [{ system: PATIENTS, value }], birthDate, gender: 'female' };
  const entry = [{ fullUrl: `urn:uuid:${randomUUID()}`, resource, request: { method: 'POST', url: 'Patient' } }];
  const answer = await fetch(fhirUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json' },
    body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
  });
  if (!answer.ok) throw new Error(`The FHIR server answers ${answer.status}`);
}

async function inferenceServer(port: number, model: string): Promise<Disposing<FaultyServer>> {
  const own = port + OFFSETS.inference;
  const launch = (): Promise<RunningService> => startInferenceService(model, '--port', String(own), '--threads', '1');
  let service = await launch();
  const proxy = await faultyProxy(port + OFFSETS.proxies + 3, own);
  const kill = async (): Promise<void> => {
    await service[Symbol.asyncDispose]();
  };
  return {
    proxy,
    kill,
    start: async () => {
      service = await launch();
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await kill();
    },
  };
}
