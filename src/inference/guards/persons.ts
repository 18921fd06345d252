/** Sentences that name somebody, or contradict what is known of the patient and the images. */
import { type Check, matcher } from './guard.ts';

/** Words so short are in every text. */
const SHORTEST_IDENTIFIER = 3;

/** (e) Names and numbers of persons: none is ever sent, so each is invented, or remembered from elsewhere (safety R19). */
export const identity: Check = ({ text }, { identifiers }) =>
  NAMES_SOMEBODY(text) || TITLES(text) || identifiers.some((identifier) => holdsWord(text, identifier));

const NAMES_SOMEBODY = matcher(
  String.raw`\b(?:discussed|communicated|reviewed|reported|dictated|signed|verified|read) (?:with|to|by)\b`,
  String.raw`\b(?:mrn|accession|patient (?:id|name|number)|date of birth|dob|ssn|record number|insurance)\b`,
  String.raw`\b\d{6,}\b`,
  String.raw`\b\p{L}{1,4}-?\d{5,}\b`,
  String.raw`[\w.+-]+@[\w-]+\.\w+`,
  String.raw`\+?\d{2,4}[ -]\d{3,4}[ -]\d{3,}`,
  String.raw`\b(?:referring|attending|treating) (?:physician|doctor|radiologist)\b`,
);
/** With regard to case: a name begins with a capital. */
const TITLE = /\b(?:Dr|Mr|Mrs|Ms|Prof|Professor|Doctor|Sir|Frau|Herr)\.?\s+\p{Lu}/u;
const TITLES = (text: string): boolean => TITLE.test(text);

function holdsWord(text: string, identifier: string): boolean {
  const words = spellings(text).flatMap(wordsOf);
  const parts = spellings(identifier).flatMap(wordsOf);
  return parts.some((part) => part.length >= SHORTEST_IDENTIFIER && words.includes(part));
}

function wordsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u);
}

/** `Müller`, `MULLER` and `Mueller` are one. */
function spellings(text: string): readonly string[] {
  const lower = text.normalize('NFC').toLowerCase().replaceAll('ß', 'ss');
  const withoutMarks = (spelt: string): string => spelt.normalize('NFD').replaceAll(/\p{M}/gu, '');
  const spelt = lower.replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue').replaceAll('ø', 'oe');
  return [withoutMarks(lower), withoutMarks(spelt)];
}

const OF_MEN = matcher(
  String.raw`\b(?:prostat\w*|seminal vesicles?|testic\w*|testis|testes|scrot\w*|penis|penile|epididym\w*)\b`,
);
const OF_WOMEN = matcher(
  String.raw`\b(?:uter(?:us|ine)|ovar(?:y|ies|ian)|adnex\w*|endometri\w*|myometri\w*|vagina\w*|fallopian|pregnan\w*|gravid|cervix)\b`,
);
const MALE_WORDS = matcher(String.raw`\b(?:he|his|him|male|man|gentleman)\b`);
const FEMALE_WORDS = matcher(String.raw`\b(?:she|her|hers|female|woman|lady)\b`);

/** (d) Organs or words of the other sex; what is not recorded contradicts nothing. */
export const sex: Check = ({ text }, { patientSex }) => {
  if (patientSex === 'F') return OF_MEN(text) || MALE_WORDS(text);
  return patientSex === 'M' && (OF_WOMEN(text) || FEMALE_WORDS(text));
};

const RIGHT = matcher(String.raw`\bright\b`);
const LEFT = matcher(String.raw`\bleft\b`);
const NOBODY_HAS = matcher(
  String.raw`\bleft middle lobe\b`,
  String.raw`\bright(?:-sided)? lingula`,
  String.raw`\blingula of the right\b`,
  String.raw`\bright (?:(?:upper|lower|middle) lobe|lung) of the left\b`,
  String.raw`\bleft (?:(?:upper|lower) lobe|lung) of the right\b`,
);

/** (d) The side that the images do not show, or a side that no body has. */
export const laterality: Check = ({ text, picture }, { laterality: ofAll, pictureLateralities }) => {
  const side = picture === undefined ? ofAll : (pictureLateralities?.[picture - 1] ?? ofAll);
  const other = side === 'R' ? LEFT : RIGHT;
  const isOneSided = side === 'R' || side === 'L';
  return NOBODY_HAS(text) || (isOneSided && other(text));
};

const HEAD = String.raw`\b(?:brain|cerebr\w+|cerebell\w+|intracranial|basal ganglia|midline shift|subdural|subarachnoid|skull|orbits?|paranasal|gyri|sulci|white matter|thalam\w+|hippocamp\w+|pituitary)\b`;
const CHEST = String.raw`\b(?:lungs?|pulmonary|pleura\w*|bronch\w*|pneumo(?:nia|thorax)|emphysema\w*|mediastin\w*|cardiomegaly)\b`;
const BELLY = String.raw`\b(?:bowel|colon\w*|appendi\w+|ileum|jejunum|sigmoid|rectum|rectal|bladder wall|hydronephrosis|ureter\w*|pelvic|pelvis)\b`;
const LIMB = String.raw`\b(?:menisc\w+|patell?a\w*|tibia\w*|fibula\w*|femur|femoral condyle|cruciate|knee|ankle|wrist|metacarp\w+|metatars\w+|calcane\w+|elbow|phalan\w+)\b`;

/** By the body part that the card is for: what lies so far away that it is not in the images. */
const ELSEWHERE: Readonly<Record<string, (text: string) => boolean>> = {
  // Chest: the two codes that PS3.16 CID 4031 has had for it
  '816094009': matcher(HEAD, BELLY, LIMB),
  '51185008': matcher(HEAD, BELLY, LIMB),
  // Abdomen
  '818981001': matcher(HEAD, LIMB),
  '113345001': matcher(HEAD, LIMB),
  // Head, brain
  '69536005': matcher(CHEST, BELLY, LIMB),
  '12738006': matcher(CHEST, BELLY, LIMB),
};

/** (d) Anatomy that the images cannot show; body parts that are not in the table contradict nothing. */
export const anatomy: Check = ({ text }, { bodyPart = '' }) => ELSEWHERE[bodyPart]?.(text) ?? false;
