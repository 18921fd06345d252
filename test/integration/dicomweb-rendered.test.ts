import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readInstance } from '../../adapters/part10/reader.ts';
import { isSkipped } from '../../src/reasons.ts';
import { type Answer, type DicomwebServer, dicomwebServer, send, stow, stowBody } from '../support/dicomweb-server.ts';
import { part10File, text } from '../support/part10.ts';
import { readJpeg, readPng } from '../support/pictures.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';

/** Stores one file and gives the path of its instance. */
async function store(server: DicomwebServer, bytes: Uint8Array): Promise<string> {
  assert.equal((await stow(server.url, stowBody(bytes))).status, 200);
  const { archive } = server.use;
  const [stored] = archive.studies().flatMap((studyInstanceUid) => archive.instances({ studyInstanceUid }));
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = stored!;
  return `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}

const get = (server: DicomwebServer, path: string, accept?: string): Promise<Answer> =>
  send(`${server.url}${path}`, accept === undefined ? {} : { headers: { Accept: accept } });

test('WR-ARC-54 an instance and a frame come as PNG and JPEG, in the window that is asked for', async () => {
  await using server = await dicomwebServer();
  // Values 0 to 1023 row by row; the image's own window spans them all.
  const attributes = { '00281052': text('DS', 0), '00281050': text('DS', 512), '00281051': text('DS', 1024) };
  const path = await store(server, part10File({ columns: 32, attributes }).bytes);
  const png = await get(server, `${path}/rendered`, 'image/png');
  assert.deepEqual([png.status, png.headers['content-type']], [200, 'image/png']);
  const picture = readPng(png.body);
  assert.deepEqual([picture.width, picture.height, picture.channels], [32, 32, 1]);
  assert.deepEqual([picture.data[0], picture.data[512], picture.data[1023]], [0, 128, 255]);
  const windowed = readPng(
    (await get(server, `${path}/frames/1/rendered?window=100,2,linear-exact`, 'image/png')).body,
  );
  assert.deepEqual([windowed.data[99], windowed.data[100], windowed.data[101]], [0, 128, 255]);
  const jpeg = await get(server, `${path}/rendered`);
  assert.equal(jpeg.headers['content-type'], 'image/jpeg', 'JPEG is the default');
  assert.equal((await readJpeg(jpeg.body)).width, 32);
  const scaled = readPng((await get(server, `${path}/rendered?viewport=16,16&accept=image/png`)).body);
  assert.deepEqual([scaled.width, scaled.height], [16, 16]);
  const part = readPng((await get(server, `${path}/rendered?viewport=8,8,0,0,8,8`, 'image/png')).body);
  assert.deepEqual([part.width, part.height, part.data[9]], [8, 8, picture.data[33]]);
});

test('WR-ARC-54 what is malformed or cannot be shown: 400, 404, 406', async () => {
  await using server = await dicomwebServer();
  const path = await store(server, part10File({ columns: 8 }).bytes);
  const cases: readonly [status: number, query: string, accept?: string][] = [
    [400, '/rendered?window=40,400'],
    [400, '/rendered?window=40,0.5,linear'],
    [400, '/rendered?window=40,0,sigmoid'],
    [400, '/rendered?window=a,b,linear'],
    [400, '/rendered?window=40,400,cubic'],
    [400, '/rendered?viewport=0,10'],
    [400, '/rendered?viewport=10,10,0,0'],
    [400, '/rendered?viewport=10,10,4,4,8,8'],
    [400, '/rendered?viewport=99999,10'],
    [400, '/rendered?quality=0'],
    [400, '/rendered?quality=50&quality=60'],
    [400, '/rendered?annotation=patient'],
    [406, '/rendered', 'image/gif'],
    [406, '/rendered', 'application/dicom'],
    [404, '/frames/2/rendered'],
    [406, '/frames/1,1/rendered'],
  ];
  for (const [status, query, accept] of cases) {
    assert.equal((await get(server, `${path}${query}`, accept)).status, status, `${query} ${accept}`);
  }
});

test('WR-ARC-55 real images of every kind become pictures that are neither black nor white', {
  skip: withoutTestData,
}, async () => {
  const shown: string[] = [];
  const folders =
    `cr-chest-mono1 dx-chest-dog ct-14-syntaxes htj2k ct-head-philips-study us-echo-multiframe us-palette-cine
    mg-screening mr-9-syntaxes mr-enhanced-siemens signed-and-overlays`.split(/\s+/);
  for (const folder of folders) {
    for (const name of (await readdir(dataPath(folder))).sort().slice(0, 3)) {
      const bytes = await readFile(dataPath(folder, name)).catch(() => undefined);
      const instance = bytes && readInstance(bytes);
      if (bytes === undefined || instance === undefined || isSkipped(instance)) continue;
      await using server = await dicomwebServer();
      const answer = await get(server, `${await store(server, bytes)}/rendered`, 'image/png');
      assert.equal(answer.status, 200, `${folder}/${name}: ${answer.body.toString().slice(0, 200)}`);
      const { data, width, height } = readPng(answer.body);
      assert.deepEqual([width, height], [instance.header.columns, instance.header.rows]);
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      assert.ok(mean > 1 && mean < 254, `${folder}/${name}: ${mean}`);
      shown.push(name);
    }
  }
  assert.ok(shown.length > 10, String(shown.length));
});
