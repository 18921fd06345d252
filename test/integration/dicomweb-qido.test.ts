import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { type DicomDataSet, numberOf, stringOf } from '../../src/dicom-json.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { part10File, seriesUid, sopUid, studyUid, text } from '../support/part10.ts';

let server: DicomwebServer;

before(async () => {
  server = await dicomwebServer({ limits: { maxResults: 20 } });
  const files = ['one', 'two', 'three'].flatMap((study, day) =>
    ['a', 'b'].flatMap((series) =>
      ['1', '2', '3', '4'].map((number) =>
        part10File({
          study,
          series: `${study}/${series}`,
          instance: `${study}/${series}/${number}`,
          columns: 4,
          modality: series === 'a' ? 'CT' : 'MR',
          attributes: {
            '00080020': text('DA', `2026010${day + 1}`),
            '00081030': text('LO', 'Müllerstraße'),
            '00100010': { vr: 'PN', Value: [{ Alphabetic: `Müller^${study}`, Ideographic: '山田' }] },
            '00200013': text('IS', Number(number)),
            '00400275': { vr: 'SQ', Value: [{ '00401001': text('SH', `RP ${study}`) }] },
          },
        }),
      ),
    ),
  );
  assert.equal((await stow(server.url, stowBody(...files.map(({ bytes }) => bytes)))).status, 200);
});
after(() => server[Symbol.asyncDispose]());

interface Found {
  readonly status: number;
  readonly type: string;
  readonly warning: string;
  readonly text: string;
  readonly results: readonly DicomDataSet[];
}

async function get(path: string, accept = 'application/dicom+json'): Promise<Found> {
  const answer = await request(server.app)
    .get(`/dicom-web${path}`)
    .set('Accept', accept)
    .buffer(true)
    .parse((response, done) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => done(null, body));
    });
  const body = answer.body as string;
  return {
    status: answer.status,
    type: String(answer.headers['content-type']),
    warning: String(answer.headers['warning'] ?? ''),
    text: body,
    results: answer.status === 200 ? (JSON.parse(body) as DicomDataSet[]) : [],
  };
}

test('WR-ARC-33 every search resource answers with its own results', async () => {
  const [study, series] = [studyUid('two'), seriesUid('two/a')];
  const counts: readonly [path: string, expected: number][] = [
    ['/studies', 3],
    ['/series', 6],
    ['/instances?limit=24', 20],
    [`/studies/${study}/series`, 2],
    [`/studies/${study}/instances`, 8],
    [`/studies/${study}/series/${series}/instances`, 4],
  ];
  for (const [path, expected] of counts) {
    const found = await get(path);
    assert.equal(found.status, 200, path);
    assert.match(found.type, /^application\/dicom\+json/);
    assert.equal(found.results.length, expected, path);
  }
});

test('WR-ARC-34 results carry their address, which answers', async () => {
  for (const [path, address] of [
    ['/studies?AccessionNumber=', ''],
    [`/studies/${studyUid('one')}/series`, '/series/'],
    [`/series/?`, '/series/'],
    [`/studies/${studyUid('one')}/instances`, '/instances/'],
  ] as const) {
    const [first] = (await get(path)).results;
    const url = stringOf(first!, '00081190')!;
    assert.ok(url.includes(`/dicom-web/studies/${stringOf(first!, '0020000D')}`) && url.includes(address), url);
    const { pathname } = new URL(url);
    const answer = await request(server.app).get(pathname).set('Accept', 'multipart/related; type="application/dicom"');
    assert.equal(answer.status, 200);
  }
});

test('WR-ARC-30 match keys: keyword, tag, nested, wildcard, range, list, names in every script', async () => {
  const counts: readonly [query: string, expected: number][] = [
    ['StudyInstanceUID=', 3],
    [`StudyInstanceUID=${studyUid('one')},${studyUid('two')}`, 2],
    [`0020000D=${studyUid('one')}`, 1],
    ['StudyDate=20260102', 1],
    ['StudyDate=20260102-', 2],
    ['StudyDate=-20260102', 2],
    ['StudyDate=20260101-20260102&StudyTime=100000-110000', 2],
    [`PatientName=${encodeURIComponent('müller*')}`, 3],
    [`PatientName=${encodeURIComponent('MÜLLER^ONE')}`, 1],
    [`PatientName=${encodeURIComponent('山田')}`, 3],
    ['PatientName=Mu*', 0],
    ['PatientID=patient+of+one', 1],
    ['PatientID=patient%20of%20t*', 2],
    ['00100020=patient?of?one', 1],
    ['ModalitiesInStudy=MR', 3],
    ['ModalitiesInStudy=US%5CMR', 3],
    ['ModalitiesInStudy=US', 0],
    [`StudyDescription=${encodeURIComponent('Müllerstraße')}`, 3],
    ['NumberOfStudyRelatedInstances=8', 3],
    ['fuzzymatching=true&PatientSex=F', 3],
    ['emptyvaluematching=true&AccessionNumber=%22%22', 3],
    ['multiplevaluematching=true', 3],
  ];
  for (const [query, expected] of counts) {
    const found = await get(`/studies?${query}`);
    assert.equal(found.results.length, expected, query);
    assert.equal(found.status, expected === 0 ? 204 : 200, query);
  }
  const nested = await get('/series?RequestAttributesSequence.RequestedProcedureID=RP%20two&Modality=MR');
  assert.deepEqual(
    nested.results.map((result) => stringOf(result, '0020000E')),
    [seriesUid('two/b')],
  );
  const byTag = await get('/series?00400275.00401001=RP%20two');
  assert.equal(byTag.results.length, 2);
  const instance = await get(`/instances?SOPInstanceUID=${sopUid('one/a/2')}&InstanceNumber=2&Modality=CT`);
  assert.deepEqual(
    instance.results.map((result) => numberOf(result, '00200013')),
    [2],
  );
});

test('no match: 204 with an empty body', async () => {
  const found = await get('/studies?PatientID=nobody');
  assert.deepEqual([found.status, found.text], [204, '']);
  assert.equal((await get(`/studies/${studyUid('absent')}/series`)).status, 204);
  assert.equal((await get('/studies?offset=3')).status, 204);
});

test('WR-ARC-36 limit, offset and the warning of further results', async () => {
  const first = await get('/studies?limit=2');
  assert.match(first.warning, /299 wetread "There are 1 additional results that can be requested"/);
  const second = await get('/studies?limit=2&offset=2');
  assert.equal(second.warning, '');
  const uids = [...first.results, ...second.results].map((result) => stringOf(result, '0020000D'));
  assert.deepEqual(new Set(uids), new Set(['one', 'two', 'three'].map(studyUid)));
  const capped = await get('/instances');
  assert.equal(capped.results.length, 20);
  assert.match(capped.warning, /There are 4 additional results/);
  assert.equal((await get('/studies?limit=0')).text, '[]');
});

test('fuzzy matching is not done, and that is said', async () => {
  assert.match(
    (await get('/studies?fuzzymatching=true')).warning,
    /^299 wetread "The fuzzymatching parameter is not supported/,
  );
  assert.equal((await get('/studies?fuzzymatching=false')).warning, '');
});

test('WR-ARC-35 includefield: keyword, tag, list, all, repeated', async () => {
  const has = async (query: string, tag: string): Promise<boolean> => tag in (await get(query)).results[0]!;
  assert.ok(!(await has('/studies', '00081030')));
  assert.ok(await has('/studies?includefield=StudyDescription', '00081030'));
  assert.ok(await has('/studies?includefield=00081030', '00081030'));
  assert.ok(await has('/studies?includefield=PatientID,StudyDescription', '00081030'));
  assert.ok(await has('/studies?includefield=PatientID&includefield=StudyDescription', '00081030'));
  assert.ok(await has('/studies?includefield=all', '00081030'));
  assert.ok(!(await has('/studies?includefield=Modality', '00080060')));
  const instances = `/studies/${studyUid('one')}/instances`;
  assert.ok(!(await has(instances, '00280102')));
  assert.ok(await has(`${instances}?includefield=HighBit`, '00280102'));
  assert.ok(await has(`${instances}?includefield=all`, '00280102'));
});

test('WR-ARC-32 unknown, repeated and malformed parameters: 400', async () => {
  const bad = [
    'PatientNam=x',
    'patientid=x',
    'PatientID=a&PatientID=b',
    'PatientID=a&00100020=b',
    'limit=-1',
    'limit=x',
    'limit=1&limit=2',
    'offset=1.5',
    'StudyDate=yesterday',
    'StudyDate=20260101-20260102-20260103',
    'StudyInstanceUID=1.2.x',
    'fuzzymatching=yes',
    'includefield=Nonsense',
    'Modality=CT',
    'InstanceNumber=1',
    '0010002=x',
    'RequestAttributesSequence=x',
  ];
  for (const query of bad) {
    const found = await get(`/studies?${query}`);
    assert.equal(found.status, 400, query);
    assert.equal((JSON.parse(found.text) as { code: string }).code, 'request-invalid');
  }
  assert.equal((await get('/studies/1.2.x/series')).status, 400);
  assert.equal(
    (await get('/instances?EchoTime=5')).status,
    400,
    'what the index does not hold is not silently ignored',
  );
});

test('WR-ARC-37 JSON only: 406 for anything else, everything for a client that does not say', async () => {
  for (const accept of [
    'application/dicom+json',
    'application/json',
    '*/*',
    'application/*',
    'text/html;q=0.9, application/dicom+json;q=0.1',
  ]) {
    assert.equal((await get('/studies', accept)).status, 200, accept);
  }
  assert.match((await get('/studies', 'application/json')).type, /^application\/json/);
  for (const accept of ['multipart/related; type="application/dicom+xml"', 'text/html', 'application/dicom+json;q=0']) {
    assert.equal((await get('/studies', accept)).status, 406, accept);
  }
  assert.equal((await get('/studies?accept=text/html')).status, 406);
  assert.equal((await get('/studies?accept=application/dicom%2Bjson', 'text/html')).status, 200);
  assert.equal((await get('/studies', 'nonsense')).status, 400);
  assert.equal((await request(server.app).get('/dicom-web/studies').unset('Accept')).status, 200);
});

test('nothing was logged: searches of clients are no events, and their paths may hold identifiers', () => {
  assert.deepEqual(server.logged, []);
});
