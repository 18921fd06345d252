/**
 * Two Wetreads that share a PostgreSQL, an archive and a health record. Both run in this process, each with an inference
 * process of its own, so that the test takes half a minute.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiagnosticReport, Patient } from 'fhir/r4.js';
import { readIdentity, readInstance } from '../../adapters/part10/reader.ts';
import { phantomStudy } from '../../adapters/phantom/phantom-study.ts';
import { sendByStow } from '../../services/wetread/cli/send.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type DicomwebServer, dicomwebServer } from '../support/dicomweb-server.ts';
import { type FhirServer, startFhirServer } from '../support/fhir-server.ts';
import { SMALL_CHEST } from '../support/phantom-studies.ts';
import { type Postgres, startPostgres, withoutPostgres } from '../support/postgres.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const PATIENTS = 'urn:oid:2.999.7';
const PORTS = { postgres: 25_040, archive: 25_041, fhir: 25_042 };

/** A chest of voxels as coarse as the model takes, of another patient for every seed. */
function tinyChest(seed: number): readonly Uint8Array[] {
  return [...phantomStudy({ ...SMALL_CHEST, seed, matrix: 208 })];
}

describe('two Wetreads on one ledger', { skip: withoutPostgres }, () => {
  let database: Postgres;
  let archive: DicomwebServer;
  let record: FhirServer;
  let databases = 0;
  before(async () => {
    database = await startPostgres(PORTS.postgres);
    archive = await dicomwebServer({ port: PORTS.archive });
    record = await startFhirServer(PORTS.fhir);
  });
  after(async () => {
    await record?.[Symbol.asyncDispose]();
    await archive?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function replicas(count: number): Promise<AsyncDisposable & { readonly all: readonly RunningWetread[] }> {
    databases += 1;
    const url = await database.createDatabase(`replicas-${databases}`);
    const config = {
      archive: { kind: 'dicomweb', url: archive.url },
      ledger: { kind: 'postgres', url },
      healthRecord: { kind: 'fhir', url: record.url, issuers: { 'WETREAD-PHANTOM': PATIENTS } },
    };
    const stack = new AsyncDisposableStack();
    const all = [];
    for (let number = 0; number < count; number += 1) all.push(stack.use(await runWetread(config)));
    return { all, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  /** Stores a study in the archive and its patient in the record. */
  async function bring(seed: number): Promise<StudyInstanceUid> {
    const files = tinyChest(seed);
    await sendByStow(`${archive.url}/studies`, files, () => {});
    const instance = readInstance(files[0]!);
    const identity = readIdentity(files[0]!);
    assert.ok(!isSkipped(instance) && !isSkipped(identity));
    const { patientId, patientBirthDate } = instance.study;
    const patient: Patient = { resourceType: 'Patient', identifier: [{ system: PATIENTS, value: patientId! }] };
    const birthDate = patientBirthDate?.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
    await record.create({ ...patient, ...(birthDate === undefined ? {} : { birthDate }) });
    return identity.studyInstanceUid;
  }

  async function resultsOf(study: StudyInstanceUid): Promise<number> {
    const answers = await Promise.all(
      ['SR', 'SEG'].map((modality) => fetch(`${archive.url}/studies/${study}/instances?Modality=${modality}`)),
    );
    const found = await Promise.all(answers.map(async (answer) => (answer.status === 200 ? await answer.json() : [])));
    return (found as unknown[][]).flat().length;
  }

  /** A replica hears of its own work only, so the ledger is asked. */
  async function allFinal({ wetread }: RunningWetread): Promise<void> {
    for (;;) {
      const records = await wetread.ports.ledger.list();
      if (records.every(({ state }) => isFinal(state))) return;
      await sleep(100);
    }
  }

  test('WR-LED-14 both read, no study is left out, and each is filed once', async () => {
    const studies: StudyInstanceUid[] = [];
    for (const seed of [11, 12, 13, 14]) studies.push(await bring(seed));
    await using two = await replicas(2);
    const started = two.all.map(() => new Set<string>());
    const both = Promise.withResolvers<void>();
    for (const [index, running] of two.all.entries()) {
      running.onLog = (event, attributes) => {
        if (event !== 'read-started') return;
        started[index]!.add(String(attributes.studyInstanceUid));
        if (started.every((reads) => reads.size > 0)) both.resolve();
      };
    }
    // Nobody can take everything before the other has begun.
    record.intercept = () => both.promise;
    for (const study of studies) await two.all[0]!.wetread.noticeStudy(study);
    await allFinal(two.all[1]!);
    record.intercept = undefined;

    // A fault may hand a study on to the other; what counts is that nothing is left out and nothing stands twice.
    assert.deepEqual([...new Set(started.flatMap((reads) => [...reads]))].sort(), [...studies].sort());
    for (const study of studies) {
      const entry = await two.all[1]!.wetread.ports.ledger.get(study);
      assert.equal(entry?.state, 'filed', JSON.stringify(await two.all[1]!.wetread.ports.ledger.history(study)));
      assert.equal(await resultsOf(study), 2);
    }
    assert.equal((await record.all<DiagnosticReport>('DiagnosticReport')).length, studies.length);
  });
});
