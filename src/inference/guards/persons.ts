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

const ORGANS_OF_MEN = String.raw`\b(?:prostat\w*|seminal vesicles?|testic\w*|testis|testes|scrot\w*|penis|penile|epididym\w*)\b`;
const ORGANS_OF_WOMEN = String.raw`\b(?:uter(?:us|ine)|ovar(?:y|ies|ian)|adnex\w*|endometri\w*|myometri\w*|vagina\w*|fallopian|cervix)\b`;
const OF_MEN = matcher(ORGANS_OF_MEN);
const OF_WOMEN = matcher(ORGANS_OF_WOMEN, String.raw`\b(?:pregnan\w*|gravid)\b`);
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
/** Of the abdomen, what chests show as well. */
const UPPER_BELLY = String.raw`\b(?:liver|hepatic|spleen|splenic|pancrea\w+|gall ?bladder|kidneys?|renal|adrenals?|stomach|duoden\w+)\b`;
const BELLY = String.raw`\b(?:bowel|colon(?:ic)?|appendi(?:x|c(?:es|eal|itis|olith)\w*)|ileum|jejunum|sigmoid(?! (?:sinus|notch))|rectum|rectal|bladder wall|urinary bladder|hydronephrosis|ureter\w*|pelvic|pelvis)\b`;
const LIMB = String.raw`\b(?:menisc\w+|patell?a\w*|tibia\w*|fibula\w*|femur|femoral condyle|cruciate|knee|ankle|wrist|metacarp\w+|metatars\w+|calcane\w+|elbow|phalan\w+)\b`;

const NOT_IN_CHEST = matcher(HEAD, BELLY, ORGANS_OF_MEN, ORGANS_OF_WOMEN, LIMB);
const NOT_IN_ABDOMEN = matcher(HEAD, LIMB);
const NOT_IN_PELVIS = matcher(HEAD, CHEST);
const INSIDE_THE_TRUNK = [CHEST, UPPER_BELLY, BELLY, ORGANS_OF_MEN, ORGANS_OF_WOMEN];
const NOT_IN_HEAD = matcher(...INSIDE_THE_TRUNK, LIMB);
const NOT_IN_BREAST = matcher(HEAD, ...INSIDE_THE_TRUNK, LIMB);
const NOT_IN_LIMB = matcher(HEAD, ...INSIDE_THE_TRUNK);

/** By the body part that the card is for (PS3.16 CID 4031): what lies so far away that it is not in the images. */
const ELSEWHERE: Readonly<Record<string, (text: string) => boolean>> = {
  // Chest: the two codes that the list has had for it
  '816094009': NOT_IN_CHEST,
  '51185008': NOT_IN_CHEST,
  // Abdomen
  '818981001': NOT_IN_ABDOMEN,
  '113345001': NOT_IN_ABDOMEN,
  // Pelvis
  '816092008': NOT_IN_PELVIS,
  // Head, brain
  '69536005': NOT_IN_HEAD,
  '12738006': NOT_IN_HEAD,
  // Breast
  '76752008': NOT_IN_BREAST,
  // Finger, hand, wrist, forearm, elbow
  '7569003': NOT_IN_LIMB,
  '85562004': NOT_IN_LIMB,
  '74670003': NOT_IN_LIMB,
  '14975008': NOT_IN_LIMB,
  '16953009': NOT_IN_LIMB,
  // Toe, foot, ankle, lower leg, knee
  '29707007': NOT_IN_LIMB,
  '56459004': NOT_IN_LIMB,
  '70258002': NOT_IN_LIMB,
  '30021000': NOT_IN_LIMB,
  '72696002': NOT_IN_LIMB,
};

/** (d) Anatomy that the images cannot show; body parts that are not in the table contradict nothing. */
export const anatomy: Check = ({ text }, { bodyPart = '' }) => ELSEWHERE[bodyPart]?.(text) ?? false;
