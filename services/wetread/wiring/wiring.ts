/** From configuration to running parts: this folder alone names concrete adapters. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { dicomwebArchive } from '../../../adapters/dicomweb/archive.ts';
import { type DirectoryArchive, directoryArchive } from '../../../adapters/directory/archive.ts';
import { fhirHealthRecord } from '../../../adapters/fhir/health-record.ts';
import { localHealthRecord } from '../../../adapters/local-fhir/health-record.ts';
import { type LocalFhirStore, localFhirStore } from '../../../adapters/local-fhir/store.ts';
import type { FolderModelShelf } from '../../../adapters/model-folder/model-shelf.ts';
import { jsonLog } from '../../../adapters/opentelemetry/log.ts';
import { prometheusMetrics } from '../../../adapters/opentelemetry/metrics.ts';
import { startTracing, type Tracing } from '../../../adapters/opentelemetry/tracing.ts';
import { part10Reader, readDataSet, readIdentity } from '../../../adapters/part10/reader.ts';
import { instanceWriter } from '../../../adapters/part10/writer.ts';
import { voxelWorkers } from '../../../adapters/voxel-workers/voxel-workers.ts';
import { parseRules, requireModels } from '../../../src/inference/rules/parse-rules.ts';
import type { LogEvent, SafeAttributes } from '../../../src/log-events.ts';
import type { EventPublisher, HealthRecord, ImageArchive, Log, Ports } from '../../../src/ports.ts';
import { isSkipped } from '../../../src/reasons.ts';
import type { StudyInstanceUid } from '../../../src/uid.ts';
import type { Site } from '../../../src/work.ts';
import type { RecordNaming } from '../../../src/writeback/fhir-match.ts';
import type { ReviewOptions } from '../../review/api.ts';
import { Archives } from '../archives.ts';
import type { Config } from '../config.ts';
import { systemClock } from '../system-clock.ts';
import { software } from '../version.ts';
import { type ServerAccess, wireAccess } from './access.ts';
import { furtherArchives } from './archives.ts';
import { type OwnService, wireInference } from './inference.ts';
import { wireLedger } from './ledger.ts';
import { openSiteShelf } from './models.ts';
import { wirePublisher } from './rabbitmq.ts';
import { type WiredSources, wireSources } from './sources.ts';
import { wireTextGenerator } from './text.ts';

export interface Wired extends AsyncDisposable, WiredSources {
  readonly ports: Ports;
  /** `ports.archive`, and those that have a name. */
  readonly archives: Archives;
  readonly site: Site;
  /** Who is told of filed drafts; undefined where nobody is. */
  readonly publisher?: EventPublisher;
  /** Parts that only the embedded defaults have. */
  readonly embedded: { readonly archive?: DirectoryArchive; readonly fhirStore?: LocalFhirStore };
  readonly review: ReviewOptions;
  /** Host names that requests may use; undefined where all may. */
  readonly hosts: ReadonlySet<string> | undefined;
  readonly limits: { readonly maxPartBytes: number; readonly maxParts: number };
  /** Prometheus text. */
  metrics(): Promise<string>;
}

export type LogListener = (event: LogEvent, attributes: SafeAttributes) => void;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1', '[::1]']);

export async function wire(config: Config, onLog?: LogListener): Promise<Wired> {
  const site = siteOf(config);
  await using stack = new AsyncDisposableStack();
  const { telemetry } = config;
  const ledger = stack.use(await wireLedger(config));
  const metrics = prometheusMetrics({ studies: () => ledger.countByState() });
  const counted: LogListener = (event, attributes) => metrics.observe(event, attributes);
  const log = tee(jsonLog({ level: telemetry.logLevel, service: 'wetread' }), counted, onLog);
  const tracing = startTracing({
    service: 'wetread',
    ...(telemetry.otlpUrl === undefined ? {} : { otlpUrl: telemetry.otlpUrl }),
    onFault: () => log.write('telemetry-fault', {}),
  });
  stack.defer(() => tracing.shutdown());

  const access = await wireAccess(config);
  const archive = await wireArchive(config, access.archive, log, stack);
  const archives = new Archives(archive.port, furtherArchives(config, access.archives));
  const health = wireHealthRecord(config, access.healthRecord, stack);
  const models = await openSiteShelf(config);
  for (const { error } of models.refused) log.write('model-refused', { errorCode: error.code });
  // A rule may mean a package that was refused: the studies that it would read are parked.
  if (models.refused.length === 0) requireModels(site.rules, models.packages());
  const cards = models.packages().map(({ card }) => card);
  const inference = await wireInference(config, cards, ownService(telemetry, models, log, tracing), stack);
  const ports: Ports = {
    archive: archive.port,
    reader: part10Reader,
    decoder: stack.use(new ThreadedFrameDecoder()),
    voxels: stack.adopt(voxelWorkers(), (workers) => workers.close()),
    models,
    inference,
    text: stack.adopt(await wireTextGenerator(config), (generator) => generator.close()),
    writer: instanceWriter(),
    healthRecord: health.port,
    ledger,
    tracer: tracing.tracer,
    log,
    clock: systemClock,
  };
  const sources = await wireSources(config, ports, access, archive.embedded);
  const publisher = stack.use(wirePublisher(config));
  const owned = stack.move();
  return {
    ports,
    archives,
    site,
    ...sources,
    ...(publisher && { publisher }),
    embedded: {
      ...(archive.embedded && { archive: archive.embedded }),
      ...(health.store && { fhirStore: health.store }),
    },
    review: reviewOptions(ports, archives, archive.embedded, health.store !== undefined),
    hosts: LOOPBACK.has(config.http.host) ? LOOPBACK : undefined,
    limits: { maxPartBytes: config.archive.maxPartBytes, maxParts: config.archive.maxParts },
    metrics: () => metrics.text(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function ownService(
  { logLevel, otlpUrl }: Config['telemetry'],
  { shelved }: FolderModelShelf,
  log: Log,
  tracing: Tracing,
): OwnService {
  return {
    // A package that was refused is not even offered to the process that loads graphs.
    folders: shelved.map(({ folder }) => folder),
    log,
    logLevel,
    ...(otlpUrl !== undefined && { otlpUrl }),
    onSpans: (document) => tracing.addSpans(document),
  };
}

async function wireArchive(
  config: Config,
  access: ServerAccess,
  log: Log,
  stack: AsyncDisposableStack,
): Promise<{ readonly port: ImageArchive; readonly embedded?: DirectoryArchive }> {
  const { kind, url } = config.archive;
  if (kind === 'dicomweb') return { port: dicomwebArchive({ url: url!, ...access, identify: readIdentity }) };
  const archive = stack.use(
    await directoryArchive({
      folder: join(config.dataDirectory, 'archive'),
      identify: readIdentity,
      describe: describeInstance,
      onRefused: ({ reason }) => log.write('instance-refused', { reason: reason.code }),
    }),
  );
  return { port: archive, embedded: archive };
}

const describeInstance: Parameters<typeof directoryArchive>[0]['describe'] = (bytes) => {
  const read = readDataSet(bytes);
  return isSkipped(read) ? read : read.dataSet;
};

function wireHealthRecord(
  config: Config,
  access: ServerAccess,
  stack: AsyncDisposableStack,
): { readonly port: HealthRecord; readonly store?: LocalFhirStore } {
  const { kind, url } = config.healthRecord;
  const naming = namingOf(config);
  if (kind === 'fhir') return { port: fhirHealthRecord({ url: url!, ...access, naming }) };
  const store = stack.adopt(
    localFhirStore({ file: join(config.dataDirectory, 'fhir.sqlite'), clock: systemClock }),
    (opened) => opened.close(),
  );
  return { port: localHealthRecord(store, naming), store };
}

function namingOf({ healthRecord }: Config): RecordNaming {
  const { issuers, patientIdentifierSystem, accessionIdentifierSystem } = healthRecord;
  return {
    issuers,
    ...(patientIdentifierSystem === undefined ? {} : { patientIdentifierSystem }),
    ...(accessionIdentifierSystem === undefined ? {} : { accessionIdentifierSystem }),
  };
}

function siteOf(config: Config): Site {
  const { draftStatus } = config.healthRecord;
  const configDigest = createHash('sha256').update(JSON.stringify({ draftStatus })).digest('hex');
  const { quietSeconds, longestWaitSeconds, largestStudy } = config.completeness;
  return {
    software,
    draftStatus,
    naming: namingOf(config),
    configDigest,
    patience: { quietMs: quietSeconds * 1000, longestWaitMs: longestWaitSeconds * 1000 },
    rules: parseRules(config.rules),
    maximumRetries: config.retries.maximum,
    largestStudy,
  };
}

function reviewOptions(
  ports: Ports,
  archives: Archives,
  embedded: DirectoryArchive | undefined,
  localRecord: boolean,
): ReviewOptions {
  const { reader, decoder, ledger } = ports;
  const archiveOf = async (uid: StudyInstanceUid): Promise<ImageArchive> =>
    archives.named((await ledger.get(uid))?.archive);
  return {
    ledger,
    reader,
    decoder,
    findStudy: async (uid, signal) => (await archiveOf(uid)).findStudy(uid, signal),
    retrieveInstance: async (study, series, instance, signal) =>
      (await archiveOf(study)).retrieveInstance(study, series, instance, signal),
    publicDirectory: join(import.meta.dirname, '..', '..', 'review', 'public'),
    ...(embedded && { refusals: () => embedded.refusals() }),
    ...(localRecord && { fhirPath: '/fhir' }),
  };
}

function tee(log: Log, ...listeners: (LogListener | undefined)[]): Log {
  return {
    write: (event, attributes) => {
      log.write(event, attributes);
      for (const listener of listeners) listener?.(event, attributes);
    },
  };
}
