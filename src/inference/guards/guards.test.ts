import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GUARD_CORPUS } from '../../../test/support/guard-corpus.ts';
import type { AnsweredSentence } from '../text-answer.ts';
import type { Guard, GuardContext } from './guard.ts';
import { flagsOf, guarded } from './guards.ts';

const WOMAN: GuardContext = {
  patientSex: 'F',
  bodyPart: '816094009',
  identifiers: ['Zwirbelgruber^Ägidia', 'ACC-77X1948', 'PID-7QX4431'],
  recommendations: 'flagged',
};

function sentence(text: string, more: Partial<AnsweredSentence> = {}): AnsweredSentence {
  return { section: 'findings', text, ...more };
}

function flags(text: string, context: Partial<GuardContext> = {}, more: Partial<AnsweredSentence> = {}): Guard[] {
  return [...flagsOf(sentence(text, more), { ...WOMAN, ...context })];
}

test('WR-GRD-01 a corpus of more than a hundred sentences: every guard finds what it must, and nothing else', () => {
  assert.ok(GUARD_CORPUS.length >= 100, `${GUARD_CORPUS.length}`);
  const wrong = GUARD_CORPUS.flatMap(([text, ...expected]) => {
    const found = flags(text);
    return found.join() === expected.join() ? [] : [`${text} ${found.join('+')} instead of ${expected.join('+')}`];
  });
  assert.deepEqual(wrong, []);
});

test('WR-GRD-02 sex, side and body part contradict only where they are known', () => {
  assert.deepEqual(flags('The uterus is enlarged.', { patientSex: 'M', bodyPart: '113345001' }), ['sex']);
  assert.deepEqual(flags('She has emphysema.', { patientSex: 'M' }), ['sex']);
  for (const patientSex of [undefined, 'O', 'F']) assert.deepEqual(flags('She has emphysema.', { patientSex }), []);
  assert.deepEqual(flags('The prostate is enlarged.', { patientSex: undefined, bodyPart: '113345001' }), []);
  assert.deepEqual(flags('Fracture of the left hand.', { laterality: 'R', bodyPart: undefined }), ['laterality']);
  assert.deepEqual(flags('Fracture of the right hand.', { laterality: 'R', bodyPart: undefined }), []);
  assert.deepEqual(flags('The lungs are clear.', { bodyPart: '69536005' }), ['anatomy']);
  assert.deepEqual(flags('The brain is normal.', { bodyPart: '69536005' }), []);
  assert.deepEqual(flags('The brain is normal.', { bodyPart: '000' }), [], 'a body part that is not in the table');
});

test('WR-MND-08 organs that the body part of the card cannot show are withheld, neighbours and namesakes are not', () => {
  const [CHEST, ABDOMEN, PELVIS, HEAD, BREAST] = ['816094009', '818981001', '816092008', '69536005', '76752008'];
  const [HAND, WRIST, KNEE, HIP] = ['85562004', '74670003', '72696002', '29836001'];
  const table: readonly [text: string, elsewhere: readonly (string | undefined)[]][] = [
    ['The uterus is normal.', [CHEST, HEAD, BREAST, HAND, WRIST, KNEE]],
    ['The liver is normal.', [HEAD, BREAST, HAND, WRIST, KNEE]],
    ['The bowel is normal.', [CHEST, HEAD, BREAST, HAND, WRIST, KNEE]],
    ['The lungs are normal.', [PELVIS, HEAD, BREAST, HAND, WRIST, KNEE]],
    ['The brain is normal.', [CHEST, ABDOMEN, PELVIS, BREAST, HAND, WRIST, KNEE]],
    ['The knee is normal.', [CHEST, ABDOMEN, HEAD, BREAST]],
    ['The sigmoid sinus is patent.', []],
    ['The sigmoid notch of the radius is intact.', []],
    ['The appendicular skeleton is normal.', []],
  ];
  for (const [text, elsewhere] of table)
    for (const bodyPart of [CHEST, ABDOMEN, PELVIS, HEAD, BREAST, HAND, WRIST, KNEE, HIP])
      assert.deepEqual(
        flags(text, { bodyPart }),
        elsewhere.includes(bodyPart) ? ['anatomy'] : [],
        `${text} ${bodyPart}`,
      );
});

test('WR-GRD-03 words of the patient are found in any case, with and without accents, as whole words', () => {
  const named = { identifiers: ['Müßiggang^Ägidius', 'A-4711', 'Li'] };
  for (const text of ['MUSSIGGANG has clear lungs.', 'Clear lungs of aegidius.', 'The lungs of Muessiggang are clear.'])
    assert.deepEqual(flags(text, named), ['identity'], text);
  assert.deepEqual(flags('The lungs of AGIDIUS are clear.', named), ['identity']);
  assert.deepEqual(flags('Case 4711 has clear lungs.', named), ['identity']);
  assert.deepEqual(flags('Li has clear lungs.', named), [], 'too short to mean anything');
  assert.deepEqual(flags('The ägidiusx of the lungs is clear.', named), []);
});

test('WR-GRD-04 a device is flagged where no picture is named for it', () => {
  assert.deepEqual(flags('A pacemaker is in place.', {}, { picture: 3 }), []);
  assert.deepEqual(flags('A pacemaker is in place.'), ['device']);
});

test('WR-GRD-05 what must not be read is withheld and counted, what can be checked is flagged', () => {
  const said = [
    sentence('The lungs are clear.'),
    sentence('A nodule of 8 mm.'),
    sentence('The prostate is enlarged.'),
    sentence('His brain is normal.'),
    sentence('Biopsy should be considered.'),
    sentence('The lungs are  clear!'),
    sentence('The lungs are clear.', { section: 'impression' }),
  ];
  const flagged = guarded(said, WOMAN);
  assert.deepEqual(
    flagged.sentences.map(({ text, flags: found }) => [text, ...found]),
    [
      ['The lungs are clear.'],
      ['A nodule of 8 mm.', 'measurement'],
      ['Biopsy should be considered.', 'recommendation'],
      ['The lungs are clear.'],
    ],
  );
  assert.deepEqual(
    [...flagged.withheld],
    [
      ['sex', 2],
      ['repetition', 1],
    ],
  );
  const withheld = guarded(said, { ...WOMAN, recommendations: 'withheld' });
  assert.equal(withheld.withheld.get('recommendation'), 1);
});

test('WR-GRD-06 what is present here and absent there, or denied in its own words, is a contradiction', () => {
  const effusion = (text: string, presence: 'present' | 'absent'): AnsweredSentence =>
    sentence(text, { label: 'effusion', presence });
  const flagsIn = (...said: AnsweredSentence[]): Guard[][] =>
    guarded(said, WOMAN).sentences.map(({ flags: found }) => [...found]);
  assert.deepEqual(flagsIn(effusion('Small pleural effusion.', 'present'), effusion('No effusion.', 'absent')), [
    ['contradiction'],
    ['contradiction'],
  ]);
  assert.deepEqual(flagsIn(effusion('There is no pleural effusion.', 'present')), [['contradiction']]);
  assert.deepEqual(flagsIn(effusion('No effusion.', 'absent'), effusion('Without any effusion.', 'absent')), [[], []]);
});
