/** The test peer keeps to PS3.4 annex CC and PS3.18 section 11: its table of transitions, case by case, over HTTP. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import { FILTERED, GLOBAL } from '../support/ups-server/subscribers.ts';
import { type Dialect, type UpsServer, upsServer } from '../support/ups-server/ups-server.ts';
import { codeItem, scheduledWorkitem, send, stateChange } from '../support/ups-server/workitems.ts';

const PORT = 23_000;
const [OURS, THEIRS] = ['2.25.1', '2.25.2'];
let items = 0;

const performed: DicomDataSet = {
  '00741216': {
    vr: 'SQ',
    Value: [
      {
        '00404028': { vr: 'SQ', Value: [codeItem('STATION')] },
        '00404019': { vr: 'SQ', Value: [codeItem('READ')] },
        '00404050': { vr: 'DT', Value: ['20261121120000'] },
        '00404051': { vr: 'DT', Value: ['20261121120100'] },
      },
    ],
  },
};

class Requester {
  readonly root: string;
  readonly #suffix: string;
  readonly #updateKey: string;

  constructor({ url }: UpsServer, dialect: Dialect) {
    this.root = `${url}/workitems`;
    this.#suffix = dialect === 'dcm4chee' ? '/TESTER' : '';
    this.#updateKey = dialect === 'dcm4chee' ? 'Transaction-uid=' : '';
  }

  async create(item = scheduledWorkitem()): Promise<string> {
    items += 1;
    const uid = `2.999.1.${items}`;
    assert.equal((await send('POST', `${this.root}?${uid}`, item)).status, 201);
    return uid;
  }

  change(uid: string, state: string, transactionUid?: string): Promise<Response> {
    return send('PUT', `${this.root}/${uid}/state${this.#suffix}`, stateChange(state, transactionUid));
  }

  update(uid: string, transactionUid: string | undefined, changes = performed): Promise<Response> {
    const query = transactionUid === undefined ? '' : `?${this.#updateKey}${transactionUid}`;
    return send('POST', `${this.root}/${uid}${query}`, changes);
  }

  cancel(uid: string): Promise<Response> {
    return send('POST', `${this.root}/${uid}/cancelrequest${this.#suffix}`, {});
  }

  async get(uid: string): Promise<DicomDataSet> {
    const [dataSet] = (await (await send('GET', `${this.root}/${uid}`)).json()) as DicomDataSet[];
    return dataSet!;
  }

  async state(uid: string): Promise<string | undefined> {
    return stringOf(await this.get(uid), '00741000');
  }

  /** An item in the state. */
  async item(state: string): Promise<string> {
    const uid = await this.create();
    if (state !== 'SCHEDULED') assert.equal((await this.change(uid, 'IN PROGRESS', OURS)).status, 200);
    if (state === 'COMPLETED') assert.equal((await this.update(uid, OURS)).status, 200);
    if (state === 'COMPLETED' || state === 'CANCELED') {
      assert.equal((await this.change(uid, state, OURS)).status, 200);
    }
    return uid;
  }
}

const INCONSISTENT = 'The submitted request is inconsistent with the state of the UPS Instance.';
const INCORRECT = 'The Transaction UID is incorrect.';
const MISSING = 'The Transaction UID is missing.';

/** Table CC.1.1-2: event, lock, state before, status of the standard, state after, warning. */
const TRANSITIONS: readonly (readonly [string, string | undefined, string, number, string, string?])[] = [
  ['IN PROGRESS', OURS, 'SCHEDULED', 200, 'IN PROGRESS'],
  ['IN PROGRESS', OURS, 'IN PROGRESS', 409, 'IN PROGRESS', INCONSISTENT],
  ['IN PROGRESS', OURS, 'COMPLETED', 400, 'COMPLETED', INCONSISTENT],
  ['IN PROGRESS', OURS, 'CANCELED', 400, 'CANCELED', INCONSISTENT],
  ['IN PROGRESS', undefined, 'SCHEDULED', 400, 'SCHEDULED', MISSING],
  ['IN PROGRESS', THEIRS, 'IN PROGRESS', 400, 'IN PROGRESS', INCORRECT],
  ['IN PROGRESS', THEIRS, 'COMPLETED', 400, 'COMPLETED', INCORRECT],
  ['IN PROGRESS', THEIRS, 'CANCELED', 400, 'CANCELED', INCORRECT],
  ['SCHEDULED', OURS, 'SCHEDULED', 409, 'SCHEDULED', INCONSISTENT],
  ['SCHEDULED', OURS, 'IN PROGRESS', 409, 'IN PROGRESS', INCONSISTENT],
  ['SCHEDULED', OURS, 'COMPLETED', 409, 'COMPLETED', INCONSISTENT],
  ['SCHEDULED', OURS, 'CANCELED', 409, 'CANCELED', INCONSISTENT],
  ['COMPLETED', OURS, 'SCHEDULED', 409, 'SCHEDULED', INCONSISTENT],
  ['COMPLETED', OURS, 'IN PROGRESS', 409, 'IN PROGRESS', INCONSISTENT],
  ['COMPLETED', OURS, 'COMPLETED', 200, 'COMPLETED', 'The UPS is already in the requested state of COMPLETED.'],
  ['COMPLETED', OURS, 'CANCELED', 400, 'CANCELED', INCONSISTENT],
  ['COMPLETED', THEIRS, 'IN PROGRESS', 400, 'IN PROGRESS', INCORRECT],
  ['COMPLETED', undefined, 'IN PROGRESS', 400, 'IN PROGRESS', MISSING],
  ['CANCELED', OURS, 'SCHEDULED', 409, 'SCHEDULED', INCONSISTENT],
  ['CANCELED', OURS, 'IN PROGRESS', 200, 'CANCELED'],
  ['CANCELED', OURS, 'COMPLETED', 400, 'COMPLETED', INCONSISTENT],
  ['CANCELED', OURS, 'CANCELED', 200, 'CANCELED', 'The UPS is already in the requested state of CANCELED.'],
  ['CANCELED', THEIRS, 'IN PROGRESS', 400, 'IN PROGRESS', INCORRECT],
  ['CANCELED', undefined, 'IN PROGRESS', 400, 'IN PROGRESS', MISSING],
];

for (const dialect of ['standard', 'dcm4chee'] as const) {
  describe(`UPS-RS origin server, ${dialect}`, () => {
    let server: UpsServer;
    let requester: Requester;
    before(async () => {
      server = await upsServer({ port: PORT, dialect });
    });
    beforeEach(() => {
      requester = new Requester(server, dialect);
    });
    after(async () => server[Symbol.asyncDispose]());

    for (const [to, lock, from, status, state, warning] of TRANSITIONS) {
      const named = lock === undefined ? 'no lock' : lock === OURS ? 'the lock' : 'another lock';
      test(`WR-UPS-16 Change State from ${from} to ${to} with ${named}: ${status}, then ${state}`, async () => {
        const uid = await requester.item(from);
        const answer = await requester.change(uid, to, lock);
        assert.equal(answer.status, dialect === 'dcm4chee' && status === 400 ? 409 : status);
        assert.equal(await requester.state(uid), state);
        const expected = warning === undefined ? null : `299 ${requester.root}: ${warning}`;
        assert.equal(answer.headers.get('warning'), expected);
      });
    }

    test('WR-UPS-16 COMPLETED needs station, work item code, start and end; a completed item has them', async () => {
      const uid = await requester.item('IN PROGRESS');
      assert.equal((await requester.change(uid, 'COMPLETED', OURS)).status, 409);
      assert.equal((await requester.update(uid, OURS)).status, 200);
      assert.equal((await requester.change(uid, 'COMPLETED', OURS)).status, 200);
    });

    test('WR-UPS-16 an update needs the lock of an item in progress, none before, and comes too late after', async () => {
      const refused = dialect === 'dcm4chee' ? 409 : 400;
      const uid = await requester.create();
      assert.equal((await requester.update(uid, undefined)).status, 200);
      assert.equal((await requester.update(uid, OURS)).status, 409);
      await requester.change(uid, 'IN PROGRESS', OURS);
      assert.equal((await requester.update(uid, undefined)).status, refused);
      assert.equal((await requester.update(uid, THEIRS)).status, refused);
      assert.equal((await requester.update(uid, OURS)).status, 200);
      await requester.change(uid, 'COMPLETED', OURS);
      assert.equal((await requester.update(uid, OURS)).status, refused);
    });

    test('WR-UPS-16 the lock is never shown, nor set by an update', async () => {
      const uid = await requester.item('IN PROGRESS');
      await requester.update(uid, OURS, { '00081195': { vr: 'UI', Value: [THEIRS] } });
      const searched = await (await send('GET', `${requester.root}?00741000=IN%20PROGRESS`)).text();
      assert.ok(!JSON.stringify(await requester.get(uid)).includes('00081195'));
      assert.ok(!searched.includes('00081195') && searched.includes(uid));
      assert.equal((await requester.update(uid, OURS)).status, 200);
    });

    test('WR-UPS-16 creating: twice, not SCHEDULED, without priority, without UID; items that are not there', async () => {
      const uid = await requester.create();
      assert.equal((await send('POST', `${requester.root}?${uid}`, scheduledWorkitem())).status, 409);
      const started = { ...scheduledWorkitem(), ...stateChange('IN PROGRESS') };
      assert.equal((await send('POST', `${requester.root}?2.999.2`, started)).status, 400);
      const { '00741200': _, ...without } = scheduledWorkitem();
      assert.equal((await send('POST', `${requester.root}?2.999.2`, without)).status, 400);
      assert.equal((await send('POST', requester.root, scheduledWorkitem())).status, 400);
      assert.equal((await send('GET', `${requester.root}/2.999.2`)).status, 404);
      assert.equal((await requester.change('2.999.2', 'IN PROGRESS', OURS)).status, 404);
      assert.equal((await requester.cancel('2.999.2')).status, 404);
      assert.equal((await send('POST', `${requester.root}/2.999.2/subscribers/AE`)).status, 404);
    });

    test('WR-UPS-16 search: by attributes and codes, by pages, 204 where nothing is found', async () => {
      const uid = await requester.create(scheduledWorkitem({ station: 'SEARCHED', workitemCode: 'SEARCH' }));
      const found = async (query: string): Promise<readonly (string | undefined)[]> => {
        const answer = await send('GET', `${requester.root}?${query}`);
        if (answer.status === 204) return [];
        return ((await answer.json()) as DicomDataSet[]).map((item) => stringOf(item, '00080018'));
      };
      assert.deepEqual(await found('00404018.00080100=SEARCH&00404025.00080100=SEARCHED&00741000=SCHEDULED'), [uid]);
      assert.deepEqual(await found('00404018.00080100=NOTHING'), []);
      const [first, second] = [await found('limit=1'), await found('limit=1&offset=1')];
      assert.ok(first.length === 1 && second.length === 1 && first[0] !== second[0]);
    });

    test('WR-UPS-16 who asks to cancel: at once before a claim, by an event after, too late at the end', async () => {
      const scheduled = await requester.create();
      assert.equal((await requester.cancel(scheduled)).status, 202);
      assert.equal(await requester.state(scheduled), 'CANCELED');
      const again = await requester.cancel(scheduled);
      assert.match(again.headers.get('warning') ?? '', /already in the requested state of CANCELED/);
      const unheard = await requester.cancel(await requester.item('IN PROGRESS'));
      assert.equal(unheard.status, 409);
      assert.match(unheard.headers.get('warning') ?? '', /cannot be contacted/);
      assert.equal((await requester.cancel(await requester.item('COMPLETED'))).status, 409);
    });

    test('WR-UPS-16 events: initial state after the socket is open, changes, cancel requests, progress; filter, suspend, end', async () => {
      const subscribed = async (uid: string, subscriber: string, query = ''): Promise<string> => {
        const answer = await send('POST', `${requester.root}/${uid}/subscribers/${subscriber}${query}`);
        assert.equal(answer.status, 201);
        return answer.headers.get(dialect === 'dcm4chee' ? 'location' : 'content-location')!;
      };
      const socket = new WebSocket(await subscribed(GLOBAL, 'TESTER'));
      const heard: DicomDataSet[] = [];
      let listener = (): void => {};
      socket.addEventListener('message', ({ data }) => {
        heard.push(JSON.parse(String(data)) as DicomDataSet);
        listener();
      });
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      const told = async (uid: string, type: string, state?: string): Promise<void> => {
        const isThere = (event: DicomDataSet): boolean =>
          stringOf(event, '00001000') === uid &&
          stringOf(event, '00001002') === type &&
          (state === undefined || stringOf(event, '00741000') === state);
        while (!heard.some(isThere)) await new Promise<void>((resolve) => (listener = resolve));
      };
      const uid = await requester.create();
      await told(uid, '1', 'SCHEDULED');
      await requester.change(uid, 'IN PROGRESS', OURS);
      await told(uid, '1', 'IN PROGRESS');
      await requester.update(uid, OURS, { '00741002': { vr: 'SQ', Value: [{}] } });
      await told(uid, '3');
      assert.equal((await requester.cancel(uid)).status, 202);
      await told(uid, '2');
      assert.equal(await requester.state(uid), 'IN PROGRESS');

      const suspend = await send('POST', `${requester.root}/${GLOBAL}/subscribers/TESTER/suspend`);
      assert.equal(suspend.status, 200);
      const unheard = await requester.create();
      const one = await requester.create();
      await subscribed(one, 'TESTER');
      await told(one, '1', 'SCHEDULED');
      assert.ok(!heard.some((event) => stringOf(event, '00001000') === unheard));

      const keys = '00404018.00080100=OTHER';
      await subscribed(FILTERED, 'TESTER', dialect === 'dcm4chee' ? `?${keys}` : `?filter=${keys}`);
      const filteredOut = await requester.create();
      const passes = await requester.create(scheduledWorkitem({ workitemCode: 'OTHER' }));
      await told(passes, '1', 'SCHEDULED');
      assert.ok(!heard.some((event) => stringOf(event, '00001000') === filteredOut));

      assert.equal((await send('DELETE', `${requester.root}/${GLOBAL}/subscribers/TESTER`)).status, 200);
      await requester.cancel(passes);
      await subscribed(filteredOut, 'TESTER');
      await told(filteredOut, '1');
      assert.ok(!heard.some((event) => stringOf(event, '00741000') === 'CANCELED'));
      socket.close();
    });

    test('WR-UPS-16 dcm4chee wants to know who asks; the standard does not', async () => {
      const uid = await requester.create();
      const answer = await send('PUT', `${requester.root}/${uid}/state`, stateChange('IN PROGRESS', OURS));
      assert.equal(answer.status, dialect === 'dcm4chee' ? 400 : 200);
      const named = await send('PUT', `${requester.root}/${uid}/state?requester=AE`, stateChange('IN PROGRESS', OURS));
      assert.equal(named.status, dialect === 'dcm4chee' ? 200 : 409);
      if (dialect === 'dcm4chee') assert.match(answer.headers.get('warning') ?? '', /Missing Requester AE Title/);
    });
  });
}
