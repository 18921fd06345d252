import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dictionary } from 'dcmjs/dictionary';
import { ATTRIBUTES, dataSet } from './data-set.ts';

test('WR-SR-12 tag and VR of every attribute are those of the data dictionary (PS3.6)', () => {
  for (const [keyword, [tag, vr]] of Object.entries(ATTRIBUTES)) {
    const entry = dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`];
    assert.equal(entry?.name.toLowerCase(), keyword.toLowerCase(), `${tag} ${keyword}`);
    assert.equal(entry?.vr, vr, keyword);
  }
});

test('WR-SR-02 undefined leaves an attribute out, an empty value leaves it empty', () => {
  assert.deepEqual(dataSet({ studyId: '', referencedStudySequence: [], patientId: undefined, rows: 0 }), {
    '00200010': { vr: 'SH' },
    '00081110': { vr: 'SQ' },
    '00280010': { vr: 'US', Value: [0] },
  });
});
