/** A ledger with a study in every state that the page tells apart, served by the real router on loopback. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express, { type ErrorRequestHandler } from 'express';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { reviewRouter } from '../../services/review/api.ts';
import type { Completeness } from '../../src/arrival/completeness.ts';
import type { StudyTransition } from '../../src/arrival/lifecycle.ts';
import type { Study } from '../../src/arrival/study.ts';
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';
import type { Attempt, DocumentName, FrameDecoder, Ledger, RecordPatch } from '../../src/ports.ts';
import { nameBasedUid, type SeriesInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import { type ChestStudy, chestStudy, TRACE_ID } from './chest-study.ts';
import { claimForReading } from './claim.ts';
import { severalModels } from './several-models.ts';

export interface ReviewFixture extends AsyncDisposable {
  readonly url: string;
  readonly chest: ChestStudy;
  readonly studies: Readonly<Record<string, StudyInstanceUid>>;
  /** Moves the study that is being read to its end. */
  finishReading(): Promise<void>;
}

interface Parts {
  readonly ledger: Ledger;
  readonly decoder: FrameDecoder;
  readonly chest: ChestStudy;
  readonly studies: Readonly<Record<string, StudyInstanceUid>>;
}

/** Made once for all fixtures of a process. */
let made: Promise<ChestStudy> | undefined;

export async function reviewFixture(
  options: {
    readonly port?: number;
    readonly only?: 'none' | 'reading' | 'filed';
    readonly slices?: number;
    readonly matrix?: number;
    /** Drafts are those of several models. */
    readonly several?: boolean;
  } = {},
): Promise<ReviewFixture> {
  const clock = { now: () => new Date(), monotonicMs: () => performance.now() };
  const ledger = sqliteLedger({ file: ':memory:', clock });
  made ??= chestStudy(options.slices, options.matrix);
  const one = await made;
  const chest = options.several === true ? { ...one, ...severalModels(one) } : one;
  const decoder = new ThreadedFrameDecoder();
  const ends = Object.entries(endsOf()).filter(([name]) => options.only === undefined || options.only === name);
  const studies: Record<string, StudyInstanceUid> = {};
  const attempts: Record<string, Attempt> = {};
  for (const [name, end] of ends) {
    studies[name] = name === 'filed' ? chest.volume.studyInstanceUid : nameBasedUid<StudyInstanceUid>('page', name);
    attempts[name] = await bring(ledger, studies[name], end, chest);
  }
  const server = createServer(app({ ledger, decoder, chest, studies })).listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chest,
    studies,
    finishReading: async () => {
      const reason = { code: 'coverage-insufficient', detail: 'lungs touch the last slice' } as const;
      await ledger.advance(attempts['reading']!, 'refuse', { reason });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await decoder.close();
      ledger[Symbol.dispose]();
    },
  };
}

function app(parts: Parts): express.Express {
  const { ledger, decoder, chest, studies } = parts;
  const faults: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const { code, message } = WetreadError.from(error);
    response.status(ERROR_CODES[code].httpStatus).json({ code, message });
  };
  const down = new WetreadError('archive-unreachable', 'The archive did not answer');
  return express()
    .use(
      reviewRouter({
        ledger,
        findStudy: async (uid) => {
          if (uid === studies['parked']) throw down;
          if (uid === studies['not-selected']) return undefined;
          return Object.values(studies).includes(uid) ? studyOf(uid, chest) : undefined;
        },
        retrieveInstance: async (_study, _series, sopInstanceUid) => chest.files.get(sopInstanceUid),
        reader: part10Reader,
        decoder,
        publicDirectory: join(import.meta.dirname, '..', '..', 'services', 'review', 'public'),
        fhirPath: '/fhir',
      }),
    )
    .get('/fhir/DiagnosticReport', (_request, response) => response.json({ resourceType: 'Bundle' }))
    .use(faults);
}

type End = readonly [StudyTransition, RecordPatch?];

const TIMINGS = { arrival: 92, assembly: 2240, inference: 3810, reporting: 64, writeback: 188 };
const SERIES_ASIDE = nameBasedUid<SeriesInstanceUid>('page', 'series aside');
const COMPLETENESS: Completeness = {
  rung: 'counts-unchanged',
  counts: { series: 2, instances: 120 },
  since: '2026-01-05T08:00:00.000Z',
  expectedInstances: 120,
};
const FILED: RecordPatch = {
  completeness: COMPLETENESS,
  timingsMs: TIMINGS,
  traceId: TRACE_ID,
  notRead: [
    { seriesInstanceUid: SERIES_ASIDE, count: 2, reason: { code: 'localizer' } },
    {
      seriesInstanceUid: nameBasedUid('page', 'thick'),
      count: 44,
      reason: { code: 'slice-too-thick', detail: '5.0 mm, the model allows 3.0 mm' },
    },
  ],
};

/** Made for each fixture: what is tried again is due some minutes after that. */
function endsOf(): Readonly<Record<string, readonly End[]>> {
  return {
    'not-selected': [['select-none', { reason: { code: 'no-model-selected' }, timingsMs: { arrival: 40 } }]],
    'not-evaluable': [
      [
        'refuse',
        {
          reason: { code: 'slices-missing', detail: 'gap of 10.0 mm after slice 41' },
          timingsMs: { arrival: 71, assembly: 1804 },
          traceId: 'a3ce929d0e0e47364bf92f3577b34da6',
          notRead: [
            {
              seriesInstanceUid: SERIES_ASIDE,
              count: 118,
              reason: { code: 'slices-missing', detail: 'gap of 10.0 mm after slice 41' },
            },
          ],
        },
      ],
    ],
    failed: [
      [
        'fail',
        {
          reason: { code: 'inference-unreachable' },
          retryAt: new Date(Date.now() + 110_000).toISOString(),
          timingsMs: TIMINGS,
        },
      ],
    ],
    parked: [['park', { reason: { code: 'archive-unreachable' } }]],
    held: [['draft'], ['hold', { reason: { code: 'patient-mismatch', detail: 'birth date differs' } }]],
    reading: [],
    filed: [['draft'], ['file', FILED]],
  };
}

/** Notices, claims and ends a study; whoever drafts leaves documents, whoever files the transaction too. */
async function bring(
  ledger: Ledger,
  studyInstanceUid: StudyInstanceUid,
  ends: readonly End[],
  chest: ChestStudy,
): Promise<Attempt> {
  const now = new Date().toISOString();
  await ledger.notice({ source: 'stow', studyInstanceUid, receivedAt: now }, now);
  const attempt = await claimForReading(ledger, 'page', 60_000);
  if (attempt === undefined) throw new Error('The study could not be claimed');
  for (const [transition, patch] of ends) {
    if (transition === 'draft') await save(ledger, attempt, chest, draftNames(chest));
    if (transition === 'file') await save(ledger, attempt, chest, ['bundle.json', 'trace.json']);
    await ledger.advance(attempt, transition, patch);
  }
  return attempt;
}

/** All but what filing leaves. */
function draftNames({ documents }: ChestStudy): readonly DocumentName[] {
  const filed: readonly string[] = ['bundle.json', 'trace.json'];
  return (Object.keys(documents) as DocumentName[]).filter((name) => !filed.includes(name));
}

async function save(
  ledger: Ledger,
  attempt: Attempt,
  chest: ChestStudy,
  names: readonly DocumentName[],
): Promise<void> {
  for (const name of names) await ledger.saveDocument(attempt, name, chest.documents[name]!);
}

/** The chest under any UID, with a second series that was set aside. */
function studyOf(studyInstanceUid: StudyInstanceUid, { study }: ChestStudy): Study {
  const topogram = { ...study.series[0]!, seriesInstanceUid: SERIES_ASIDE, seriesDescription: 'Topogram' };
  return { header: { ...study.header, studyInstanceUid }, series: [...study.series, topogram] };
}
