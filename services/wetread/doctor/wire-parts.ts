/** From configuration to what the doctor examines; the only file of this folder that makes adapters. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dicomwebArchive } from '../../../adapters/dicomweb/archive.ts';
import type { HttpAccess } from '../../../adapters/dicomweb/http.ts';
import { directoryArchive } from '../../../adapters/directory/archive.ts';
import { FhirClient } from '../../../adapters/fhir/client.ts';
import { readDataSet, readIdentity } from '../../../adapters/part10/reader.ts';
import { instanceWriter } from '../../../adapters/part10/writer.ts';
import { COMMIT_RETRY_DELAYS_MS } from '../../../adapters/rabbitmq/study-arrived-source.ts';
import { EVENTS_EXCHANGE, queuesOf } from '../../../adapters/rabbitmq/topology.ts';
import { WorklistClient } from '../../../adapters/ups-rs/worklist-client.ts';
import type { ModelCard } from '../../../src/inference/model-package.ts';
import { parseRules } from '../../../src/inference/rules/parse-rules.ts';
import { isSkipped } from '../../../src/reasons.ts';
import type { DicomFile } from '../../../src/writeback/artifact.ts';
import type { Config } from '../config.ts';
import { openAccess, type ServerAccess, wireAccess } from '../wiring/access.ts';
import { openServer, wireInference } from '../wiring/inference.ts';
import { ledgerFile, wireLedger } from '../wiring/ledger.ts';
import { openSiteShelf } from '../wiring/models.ts';
import { brokerOf } from '../wiring/rabbitmq.ts';
import { readSecret } from '../wiring/subscription.ts';
import { wireTextGenerator } from '../wiring/text.ts';
import { archivePart, storeAndRead } from './archive.ts';
import { brokerPart } from './broker.ts';
import type { Part } from './check.ts';
import { healthRecordPart } from './health-record.ts';
import { inferenceServerPart } from './inference-server.ts';
import { ledgerPart } from './ledger.ts';
import { inferencePart } from './models.ts';
import { httpAddress, reach } from './reach.ts';
import { foldersPart, subscriptionPart, worklistPart } from './sources.ts';
import { storagePart } from './storage.ts';
import { testObject } from './test-object.ts';
import { textServerPart } from './text-server.ts';

export interface DoctorOptions {
  /** Whether a test object is stored in archives that are servers of their own. */
  readonly store: boolean;
}

/**
 * @param stack closes what the parts have opened
 * @throws WetreadError `config-invalid`, naming the key of a file that cannot be used
 */
export async function wireParts(
  config: Config,
  { store }: DoctorOptions,
  stack: AsyncDisposableStack,
): Promise<readonly Part[]> {
  const { archive, archives } = config;
  const access = await wireAccess(config);
  const shelf = onFirstUse(() => openSiteShelf(config));
  return [
    storagePart(config.dataDirectory),
    ledgerOf(config),
    archive.kind === 'dicomweb'
      ? remoteArchive('archive', { url: archive.url!, ...access.archive }, store)
      : embeddedArchive(config),
    ...archives.map(({ name, url }, index) =>
      remoteArchive(`archives.${index}`, { url, ...access.archives.get(name) }, store),
    ),
    ...(config.healthRecord.kind === 'fhir' ? [healthRecordOf(config, access.healthRecord)] : []),
    inferenceOf(config, shelf, stack),
    ...(await inferenceServers(config, shelf, stack)),
    ...brokerParts(config),
    ...(await Promise.all(config.ups.map(worklist))),
    ...(await subscriptionParts(config, access.fhirSubscription)),
    ...folderParts(config),
    ...telemetryOf(config),
  ];
}

function ledgerOf(config: Config): Part {
  const { kind, url } = config.ledger;
  const open = (): ReturnType<typeof wireLedger> => wireLedger(config);
  if (kind === 'sqlite') {
    const file = ledgerFile(config);
    return ledgerPart({ place: file, open: existsSync(file) ? open : undefined });
  }
  const parsed = new URL(url!);
  const address = { url: parsed, key: 'ledger.url', defaultPort: 5432 };
  return ledgerPart({ place: `${parsed.protocol}//${parsed.host}${parsed.pathname}`, address, open });
}

function testFile(): DicomFile {
  const object = testObject();
  return { object, bytes: instanceWriter().write(object) };
}

function remoteArchive(key: string, access: HttpAccess, store: boolean): Part {
  const port = dicomwebArchive({ ...access, identify: readIdentity });
  return archivePart({ key, access, ...(store && { store: { archive: port, file: testFile() } }) });
}

/** The test object goes into a folder beside the archive: a running server keeps its own for itself. */
function embeddedArchive({ dataDirectory }: Config): Part {
  return {
    name: 'archive',
    place: 'embedded',
    async examine(step) {
      if (!existsSync(dataDirectory)) return;
      await step('store', async (signal) => {
        const folder = mkdtempSync(join(dataDirectory, 'doctor-'));
        try {
          await using archive = await directoryArchive({
            folder,
            identify: readIdentity,
            describe: (bytes) => {
              const read = readDataSet(bytes);
              return isSkipped(read) ? read : read.dataSet;
            },
          });
          return await storeAndRead(archive, testFile(), signal);
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      });
    },
  };
}

function healthRecordOf({ healthRecord }: Config, access: ServerAccess): Part {
  const { issuers, patientIdentifierSystem } = healthRecord;
  const url = healthRecord.url!;
  const namesPatients = patientIdentifierSystem !== undefined || Object.keys(issuers).length > 0;
  const address = httpAddress(url, 'healthRecord.url', access.tls);
  return healthRecordPart(address, new FhirClient({ url, ...access }), namesPatients);
}

type Shelf = () => ReturnType<typeof openSiteShelf>;

/** Every part asks for the packages; to open them is to check every byte of them. */
function onFirstUse(open: Shelf): Shelf {
  let opened: ReturnType<Shelf> | undefined;
  return () => (opened ??= open());
}

function inferenceOf(config: Config, shelf: Shelf, stack: AsyncDisposableStack): Part {
  const { url } = config.inference;
  const service = { log: { write: () => {} }, logLevel: 'silent' };
  return inferencePart({
    shelf,
    rules: parseRules(config.rules),
    engine: async (cards) => {
      const folders = (await shelf()).shelved.map(({ folder }) => folder);
      return wireInference(config, cards, { ...service, folders }, stack);
    },
    ...(url === undefined ? {} : { address: httpAddress(url, 'inference.url') }),
  });
}

async function inferenceServers(config: Config, shelf: Shelf, stack: AsyncDisposableStack): Promise<readonly Part[]> {
  const cards = async (): Promise<readonly ModelCard[]> => (await shelf()).packages().map(({ card }) => card);
  const generator = stack.adopt(await wireTextGenerator(config), (opened) => opened.close());
  const parts = Object.entries(config.inference.servers).map(async ([name, server]) => {
    const key = `inference.servers.${name}`;
    const access = await openAccess(server, key);
    const address = httpAddress(server.url, `${key}.url`, access.tls);
    if (server.kind === 'openai') return [textServerPart({ name, server, address, generator, cards })];
    const engine = stack.adopt(await openServer(server, access), (opened) => opened.close());
    const spoken = server.protocol === 'grpc' ? { ...address, protocol: server.protocol } : address;
    return [inferenceServerPart({ name, server, address: spoken, engine, cards })];
  });
  return (await Promise.all(parts)).flat();
}

/** Of what Wetread makes itself nothing needs to be there. */
function brokerParts({ rabbitmq }: Config): readonly Part[] {
  const broker = brokerOf(rabbitmq);
  if (broker === undefined) return [];
  const { topology, arrivals } = rabbitmq;
  const isOthers = (exchange: string): boolean => topology === 'check' || exchange !== EVENTS_EXCHANGE;
  const exchanges = [EVENTS_EXCHANGE, ...arrivals.map(({ exchange }) => exchange)].filter(isOthers);
  const queues = topology === 'check' ? arrivals.flatMap((one) => queuesOf(one, COMMIT_RETRY_DELAYS_MS)) : [];
  return [brokerPart({ broker, exchanges: [...new Set(exchanges)], queues: [...new Set(queues)] })];
}

async function worklist(one: Config['ups'][number], index: number): Promise<Part> {
  const { url, dialect, aeTitle, timeoutSeconds } = one;
  const access = await openAccess(one, `ups.${index}`);
  const client = new WorklistClient({ url, dialect, aeTitle, timeoutMs: timeoutSeconds * 1000, ...access });
  return worklistPart(`ups.${index}`, httpAddress(url, `ups.${index}.url`, access.tls), client);
}

async function subscriptionParts(
  { fhirSubscription, healthRecord }: Config,
  access: ServerAccess,
): Promise<readonly Part[]> {
  const { enabled, url: own, criteria, secretFile } = fhirSubscription;
  if (!enabled) return [];
  await readSecret(secretFile!);
  const url = own ?? healthRecord.url!;
  const resourceTypes = [...new Set(criteria.map((criterion) => criterion.split('?', 1)[0]!))];
  const client = new FhirClient({ url, ...access });
  return [subscriptionPart(httpAddress(url, 'fhirSubscription.url', access.tls), client, resourceTypes)];
}

function folderParts({ folderWatch }: Config): readonly Part[] {
  const { folders, after, storedFolder, refusedFolder } = folderWatch;
  if (folders.length === 0) return [];
  const watched = folders.map((folder, index) => ({ key: `folders.${index}`, folder, isTarget: after !== 'keep' }));
  const targets = Object.entries({ storedFolder, refusedFolder }).flatMap(([key, folder]) =>
    folder === undefined ? [] : [{ key, folder, isTarget: true }],
  );
  return [foldersPart([...watched, ...targets])];
}

function telemetryOf({ telemetry: { otlpUrl } }: Config): readonly Part[] {
  if (otlpUrl === undefined) return [];
  const address = httpAddress(otlpUrl, 'telemetry.otlpUrl');
  return [{ name: 'telemetry', place: otlpUrl, examine: async (step) => void (await reach(address, step)) }];
}
