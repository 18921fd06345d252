import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import { Conditions } from '../../test/support/conditions.ts';
import { type TestArchive, testArchive } from '../../test/support/directory-archive.ts';
import { part10File, sopUid, studyUid } from '../../test/support/part10.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { type FolderWatchOptions, folderWatch } from './folder-watch.ts';
import { Changed, contentOf } from './taken-file.ts';

/** A folder, an archive and a watch between them, which may be stopped and started again. */
class Watched implements AsyncDisposable {
  readonly folder = new TemporaryFolder();
  readonly root = join(this.folder.path, 'in');
  readonly hints: StudyHint[] = [];
  readonly logged: [LogEvent, SafeAttributes][] = [];
  /** Called at the end of every look, before studies are named. */
  onLook: () => void = () => {};
  #looks = 0;
  #archive: TestArchive | undefined;
  #stop: () => Promise<void> = async () => {};
  readonly #conditions = new Conditions();

  static async start(options: Partial<FolderWatchOptions> = {}): Promise<Watched> {
    const watched = new Watched();
    mkdirSync(watched.root);
    watched.#archive = await testArchive();
    await watched.restart(options);
    return watched;
  }

  get archive(): TestArchive {
    return this.#archive!;
  }

  async restart(options: Partial<FolderWatchOptions> = {}): Promise<void> {
    await this.#stop();
    const { archive } = this.archive;
    const stopping = new AbortController();
    const source = folderWatch({
      folder: this.root,
      archive: {
        batch: () => archive.batch(),
        noticed: (arrival) => archive.noticed(arrival),
        hold: (uid) => archive.hold(uid),
        letGo: (uid) => archive.letGo(uid),
        arrivals: () => {
          this.#looks += 1;
          this.onLook();
          this.#conditions.changed();
          return archive.arrivals();
        },
      },
      intervalMs: 15,
      quietMs: 30,
      after: 'keep',
      maxFileBytes: 100_000,
      ports: {
        clock: { now: () => new Date(), monotonicMs: () => performance.now() },
        log: {
          write: (event, about) => {
            this.logged.push([event, about]);
            this.#conditions.changed();
          },
        },
      },
      ...options,
    });
    const notice = async (hint: StudyHint): Promise<void> => {
      this.hints.push(hint);
      this.#conditions.changed();
    };
    const running = source.run(notice, stopping.signal);
    this.#stop = () => {
      stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
      return running;
    };
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, content: Uint8Array | string): void {
    this.folder.write({ [`in/${name}`]: content });
  }

  has(instance: string): boolean {
    const { archive } = this.archive;
    const sopInstanceUid = sopUid(instance);
    return archive
      .studies()
      .some((studyInstanceUid) => archive.instances({ studyInstanceUid, sopInstanceUid }).length > 0);
  }

  /** Resolves when the folder has been looked through so many times more. */
  looks(times = 4): Promise<void> {
    const until = this.#looks + times;
    return this.until(() => this.#looks >= until);
  }

  until(condition: () => boolean): Promise<void> {
    return this.#conditions.until(condition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.archive[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}

function file(instance: string, study = 'study'): Uint8Array {
  return part10File({ study, instance }).bytes;
}

test('WR-WATCH-01 a file that grows is not taken before two looks found it the same', async () => {
  await using watched = await Watched.start();
  const bytes = Buffer.from(file('growing'));
  watched.write('growing.dcm', bytes.subarray(0, 400));
  let at = 400;
  watched.onLook = () => {
    if (at >= bytes.length) return;
    appendFileSync(watched.path('growing.dcm'), bytes.subarray(at, at + 40));
    at += 40;
    assert.equal(watched.has('growing'), false);
  };
  await watched.until(() => at >= bytes.length);
  await watched.until(() => watched.has('growing'));
  assert.deepEqual(watched.archive.refusals, []);
});

test('WR-WATCH-01 a file that is written under another name is taken at the first look after it was renamed, and not before', async () => {
  await using watched = await Watched.start();
  watched.write('.writing.part', file('renamed'));
  watched.write('writing.dcm.tmp', file('temporary'));
  await watched.looks();
  assert.equal(watched.has('renamed'), false);
  assert.equal(watched.has('temporary'), false);
  const seen: boolean[] = [];
  watched.onLook = () => seen.push(watched.has('renamed'));
  renameSync(watched.path('.writing.part'), watched.path('whole.dcm'));
  await watched.until(() => watched.has('renamed') && seen.includes(true));
  assert.ok(seen.indexOf(true) <= 1, seen.join());
});

test('WR-WATCH-01 a file of the same size that is written anew is not taken while its time changes', async () => {
  await using watched = await Watched.start();
  const bytes = file('changing');
  watched.write('changing.dcm', bytes);
  let touched = 0;
  watched.onLook = () => {
    touched += 1;
    if (touched <= 5) utimesSync(watched.path('changing.dcm'), 1000 + touched, 1000 + touched);
    if (touched <= 5) assert.equal(watched.has('changing'), false);
  };
  await watched.until(() => watched.has('changing'));
  assert.ok(touched > 5);
});

test('WR-WATCH-01 a file that changes while it is read is given up, and nothing of it stays in the archive', async () => {
  await using watched = await Watched.start();
  const { archive } = watched.archive;
  const bytes = file('changing');
  watched.folder.write({ 'beside/changing.dcm': bytes });
  const root = join(watched.folder.path, 'beside');
  const { size, mtimeMs, ino } = statSync(join(root, 'changing.dcm'));
  const look = { path: 'changing.dcm', bytes: size, modifiedMs: mtimeMs, inode: ino };
  const changes = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of contentOf(root, look)) {
      yield chunk;
      appendFileSync(join(root, 'changing.dcm'), 'more');
    }
  };
  const batch = archive.batch();
  await assert.rejects(batch.add(changes()), Changed);
  assert.deepEqual(await batch.finish(), []);
  await assert.rejects(batch.add(contentOf(root, look)), Changed);
});

test('WR-WATCH-02 a restart takes what came meanwhile, and names nothing again', async () => {
  await using watched = await Watched.start();
  watched.write('deep/deeper/one.dcm', file('one', 'first'));
  await watched.until(() => watched.hints.length === 1);
  await watched.restart();
  watched.write('two.dcm', file('two', 'second'));
  await watched.until(() => watched.hints.length === 2);
  await watched.looks();
  assert.deepEqual(
    watched.hints.map(({ studyInstanceUid }) => studyInstanceUid),
    [studyUid('first'), studyUid('second')],
  );
});

test('WR-WATCH-02 files stored before a stop, their study not yet named, are named after it', async () => {
  await using watched = await Watched.start({ quietMs: 3_600_000 });
  watched.write('one.dcm', file('one'));
  await watched.until(() => watched.has('one'));
  await watched.restart({ quietMs: 30 });
  await watched.until(() => watched.hints.length === 1);
  await watched.looks();
  assert.equal(watched.hints.length, 1);
});

test('WR-WATCH-03 kept, deleted or moved: only what the archive holds, and what lies there already stays', async () => {
  await using watched = await Watched.start({ after: 'delete' });
  watched.write('a/one.dcm', file('one'));
  watched.write('notes.txt', 'not an image');
  await watched.until(() => !existsSync(watched.path('a/one.dcm')));
  assert.ok(watched.has('one'));
  assert.ok(existsSync(watched.path('notes.txt')));
  const storedFolder = join(watched.folder.path, 'stored');
  watched.folder.write({ 'stored/a/two.dcm': 'something else' });
  await watched.restart({ after: 'move', storedFolder });
  watched.write('a/two.dcm', file('two'));
  await watched.until(() => !existsSync(watched.path('a/two.dcm')));
  await watched.looks(1);
  assert.ok(watched.has('two'));
  assert.equal(statSync(join(storedFolder, 'a/two.dcm')).size, 'something else'.length);
  assert.equal(statSync(join(storedFolder, 'a/two-1.dcm')).size, file('two').length);
});

test('WR-WATCH-03 nothing is deleted that the archive could not store', async () => {
  await using watched = await Watched.start({ after: 'delete' });
  await watched.restart({
    after: 'delete',
    archive: {
      batch: () =>
        ({
          add: async () => {},
          finish: async () => [{ kind: 'failed', error: new WetreadError('disk-full', 'No space is left') }],
        }) as never,
      arrivals: () => [],
      noticed: () => {},
      hold: () => {},
      letGo: () => {},
    },
  });
  watched.write('one.dcm', file('one'));
  await watched.until(() => watched.logged.some(([, { errorCode }]) => errorCode === 'disk-full'));
  assert.ok(existsSync(watched.path('one.dcm')));
  await watched.restart({ after: 'delete' });
  await watched.until(() => !existsSync(watched.path('one.dcm')));
  assert.ok(watched.has('one'));
});

test('WR-WATCH-04 files that are not stored are told once and stay, or go where the configuration wants them', async () => {
  await using watched = await Watched.start();
  watched.write('notes.txt', 'not an image');
  watched.write('large.dcm', Buffer.alloc(100_001));
  watched.write('empty.dcm', '');
  watched.write('one.dcm', file('one'));
  await watched.until(() => watched.has('one'));
  await watched.looks(8);
  assert.deepEqual(
    watched.archive.refusals.map(({ reason }) => reason.code),
    ['not-dicom'],
  );
  assert.deepEqual(
    watched.logged.map(([event, { errorCode }]) => [event, errorCode]),
    [['source-fault', 'too-large']],
  );
  for (const name of ['notes.txt', 'large.dcm', 'empty.dcm', 'one.dcm'])
    assert.ok(existsSync(watched.path(name)), name);
  const refusedFolder = join(watched.folder.path, 'refused');
  await watched.restart({ refusedFolder });
  await watched.until(() => !existsSync(watched.path('notes.txt')) && !existsSync(watched.path('large.dcm')));
  assert.ok(existsSync(join(refusedFolder, 'notes.txt')));
  assert.ok(existsSync(watched.path('one.dcm')));
});

test('WR-WATCH-05 links are not followed, and hidden folders are not entered', async () => {
  await using watched = await Watched.start();
  watched.folder.write({ 'outside/secret.dcm': file('outside'), 'in/.snapshot/old.dcm': file('snapshot') });
  symlinkSync(join(watched.folder.path, 'outside'), watched.path('linked'));
  symlinkSync(join(watched.folder.path, 'outside', 'secret.dcm'), watched.path('linked.dcm'));
  symlinkSync(watched.root, watched.path('loop'));
  watched.write('one.dcm', file('one'));
  await watched.until(() => watched.has('one'));
  await watched.looks();
  assert.equal(watched.has('outside'), false);
  assert.equal(watched.has('snapshot'), false);
});

test('WR-WATCH-06 a folder that goes is told and waited for; the rest is taken', async () => {
  await using watched = await Watched.start();
  renameSync(watched.root, `${watched.root}-unmounted`);
  await watched.until(() => watched.logged.some(([, { errorCode }]) => errorCode === 'folder-unreachable'));
  writeFileSync(join(`${watched.root}-unmounted`, 'one.dcm'), file('one'));
  renameSync(`${watched.root}-unmounted`, watched.root);
  await watched.until(() => watched.logged.some(([event]) => event === 'source-recovered'));
  await watched.until(() => watched.has('one'));
});

const asRoot = process.getuid?.() === 0;

test('WR-WATCH-06 files and folders that may not be read are told once, and taken when they may', {
  skip: asRoot && 'root may read everything',
}, async () => {
  await using watched = await Watched.start();
  watched.write('closed/one.dcm', file('one'));
  watched.write('closed.dcm', file('two'));
  await chmod(watched.path('closed'), 0);
  await chmod(watched.path('closed.dcm'), 0);
  watched.write('open.dcm', file('three'));
  await watched.until(() => watched.has('three'));
  await watched.looks(8);
  const faults = watched.logged.filter(([event]) => event === 'source-fault');
  assert.equal(faults.length, 1);
  await chmod(watched.path('closed'), 0o700);
  await chmod(watched.path('closed.dcm'), 0o600);
  await watched.until(() => watched.has('one') && watched.has('two'));
  await watched.until(() => watched.logged.some(([event]) => event === 'source-recovered'));
});

test('WR-WATCH-08 a study is named once, when no file was added for the quiet period and none is being written', async () => {
  await using watched = await Watched.start({ quietMs: 200 });
  for (let image = 1; image <= 3; image += 1) {
    watched.write(`${image}.dcm`, file(`image ${image}`));
    await watched.until(() => watched.has(`image ${image}`));
    assert.deepEqual(watched.hints, []);
  }
  await watched.until(() => watched.hints.length > 0);
  await watched.looks();
  assert.deepEqual(watched.hints, [{ studyInstanceUid: studyUid('study'), rung: 'counts-unchanged' }]);
});

test('WR-WATCH-08 a folder into which files come all the time does not keep a study back for good', async () => {
  await using watched = await Watched.start({ quietMs: 30 });
  watched.write('one.dcm', file('one'));
  let written = 0;
  watched.onLook = () => {
    written += 1;
    watched.write('endless.log', `${written}`);
  };
  await watched.until(() => watched.hints.length > 0);
  assert.ok(written > 3);
  // A second name of a file that is there is one more file, whose bytes the archive knows.
  linkSync(watched.path('one.dcm'), watched.path('again.dcm'));
  await watched.looks(8);
  assert.equal(watched.hints.length, 1);
});
