import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import dicomParser from 'dicom-parser';
import { isSkipped } from '../../src/reasons.ts';
import { element, encapsulated, identityElements, part10 } from '../../test/support/part10-bytes.ts';
import { dataPath, truth, withoutTestData } from '../../test/support/test-data.ts';
import { PIXEL_DATA, readElements } from './elements.ts';
import { readFileMeta } from './file-meta.ts';

/** `tag offset length` of every element at the top level, by our walker. */
function walked(bytes: Uint8Array): string[] {
  const meta = readFileMeta(bytes);
  if (isSkipped(meta)) return assert.fail('no meta');
  const set = readElements(bytes, meta.dataSetStart, meta.encoding);
  if (isSkipped(set)) return assert.fail('no elements');
  return [...set.elements.values()].map(({ tag, offset, length }) => line(tag, offset, length)).toSorted();
}

/** The same by dicom-parser, an independent reader. */
function parsed(bytes: Uint8Array): string[] {
  const { elements } = dicomParser.parseDicom(bytes);
  return (
    Object.values(elements)
      // Zero bytes behind the last element are padding for us, an element (0000,0000) for dicom-parser.
      .filter(({ tag }) => !tag.startsWith('x0002') && tag !== 'x00000000')
      .map(({ tag, dataOffset, length, hadUndefinedLength }) =>
        line(Number.parseInt(tag.slice(1), 16), dataOffset, length + (hadUndefinedLength === true ? DELIMITER : 0)),
      )
      .toSorted()
  );
}

/** Of an item without length: we count it, dicom-parser does not, except that of encapsulated pixel data. */
const DELIMITER = 8;

function line(tag: number, offset: number, length: number): string {
  return `${tag.toString(16)} ${offset} ${tag === PIXEL_DATA ? '' : length}`;
}

test('WR-PIX-14 elements lie where dicom-parser finds them, in every image', { skip: withoutTestData }, () => {
  let compared = 0;
  for (const [folder, { series }] of Object.entries(truth().folders)) {
    for (const fact of (series ?? []).flatMap(({ instances }) => instances).slice(0, 12)) {
      const isComparable = fact.opens && !folder.startsWith('malformed') && !fact.transferSyntax.endsWith('.1.99');
      // SC_rgb_jpeg.dcm says explicit VR and is implicit: dicom-parser takes it at its word.
      if (!isComparable || fact.file === 'SC_rgb_jpeg.dcm') continue;
      const bytes = readFileSync(dataPath(folder, fact.file));
      assert.deepEqual(walked(bytes), parsed(bytes), `${folder}/${fact.file}`);
      compared += 1;
    }
  }
  assert.ok(compared > 150, `${compared} compared`);
});

test('WR-PIX-14 an Extended Offset Table is read, which dicom-parser cannot: its VR has a length of 32 bits', () => {
  const table = element(0x7fe00001, 'OV', new Uint8Array(16));
  const bytes = part10('1.2.840.10008.1.2.4.80', ...identityElements(), table, encapsulated([], [new Uint8Array(2)]));
  assert.ok(walked(bytes).some((one) => one.startsWith('7fe00010 ')));
  assert.throws(() => parsed(bytes));
});
