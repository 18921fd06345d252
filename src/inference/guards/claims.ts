/** Sentences that claim what nobody gave the model: earlier studies, sizes, dates, names, devices, what is to be done. */
import { type Check, matcher } from './guard.ts';

const SAYS_THAT_THERE_IS_NO_PRIOR = matcher(
  String.raw`\bno (?:relevant |other )?(?:prior|previous|earlier)s?\b.{0,40}\b(?:available|provided|given|supplied)`,
  String.raw`\bwithout (?:a |any )?(?:prior|previous|earlier) (?:stud|exam|imag|scan)`,
);
const COMPARES = matcher(
  String.raw`\b(?:un|not )changed\b`,
  String.raw`\b(?:no |without |little )(?:significant |relevant |interval )*change\b`,
  String.raw`\b(?:interval|prior|previous|previously|earlier)\b`,
  String.raw`\bcompar(?:ed|ison) (?:to|with)\b`,
  String.raw`\b(?:increased|decreased|grown|enlarged|progressed|regressed|changed|new) since\b`,
  String.raw`\bsince (?:the )?(?:last|\d{4})\b`,
  String.raw`\b(?:now|currently) (?:larger|smaller|resolved|improved|worse)\b`,
  String.raw`\b(?:enlarging|growing|shrinking|worsening|worsened|improving|improved|resolving|resolved|progressing|progression|regression|progressive)\b`,
  String.raw`(?<!\b(?:h[a]?emodynamically|clinically) )\bstable\b`,
  String.raw`\bstability\b`,
  String.raw`\b(?:again|re)[- ]?(?:seen|noted|demonstrated|identified|visuali[sz]ed)\b`,
  String.raw`\b(?:persist(?:s|ent|ing)|no longer|newly|recurren(?:t|ce))\b`,
  String.raw`\b(?:a |is |are |no )new\b`,
  String.raw`^new\b`,
);

/** (a) A comparison needs an earlier study, and none is ever sent. */
export const comparison: Check = ({ text }) => COMPARES(text) && !SAYS_THAT_THERE_IS_NO_PRIOR(text);

const NUMBER = String.raw`(?:\d+(?:[.,]\d+)?|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|half a|half an))`;
const UNIT = `(?:mm|cm|m[lL]|cc|dm|millimet(?:er|re)s?|centimet(?:er|re)s?|inch(?:es)?|millilit(?:er|re)s?|lit(?:er|re)s?|cubic|HU|hounsfield|%|percent|per cent|degrees?|°|mg|kg|grams?|units|mSv|mGy)`;

/** (b) A number with a unit, or a size in words: a picture has no scale. */
export const measurement: Check = ({ text }) => MEASURES(text);

const MEASURES = matcher(
  String.raw`${NUMBER}[\s-]*${UNIT}(?![\p{L}])`,
  String.raw`(?<![\w-])\d+(?:[.,]\d+)?\s*[x×]\s*\d`,
  String.raw`\bsub-?\s?(?:centi|milli)met(?:er|re|ric)`,
  String.raw`\b(?:measur(?:es|ing|ed)|diameter of|volume of|density of|attenuation of)\b[^.]*\d`,
);

const MONTH = `(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`;

/** (e) No date is ever sent. */
export const date: Check = ({ text }) => DATES(text);

const DATES = matcher(
  String.raw`\b\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b`,
  String.raw`\b${MONTH}\.? \d{1,4}\b`,
  String.raw`\b\d{1,2}(?:st|nd|rd|th)? (?:of )?${MONTH}\b`,
  String.raw`\b(?:19|20)\d{2}\b`,
  String.raw`\b\d{1,2}:\d{2}\b`,
  String.raw`\b(?:yesterday|today|last (?:week|month|year)|(?:days?|weeks?|months?|years?) ago)\b`,
);

/** (e) How the images were made is not sent: a scanner, a dose or an agent in the text is invented. */
export const acquisition: Check = ({ text }) => ACQUIRES(text);

const ACQUIRES = matcher(
  String.raw`\b(?:siemens|philips|toshiba|canon|hitachi|somatom|lightspeed|ge (?:healthcare|medical|revolution)|aquilion)\b`,
  String.raw`\b(?:kvp?|mas?|dlp|ctdi(?:vol)?|tesla)\b`,
  String.raw`\b(?:iv|intravenous|oral|iodinated|gadolinium)[- ](?:\w+ )?contrast\b`,
  String.raw`\bcontrast (?:material|agent|medium|media)? ?(?:was|were) (?:given|administered|injected)`,
  String.raw`\b(?:after|following|with) (?:the )?(?:administration|injection) of\b`,
  String.raw`\b(?:breath[- ]hold|scanned|acquired|reconstructed|reformat(?:s|ted)|scanner)\b`,
);

const DEVICE = `(?:pacemaker|pacing|defibrillator|icd|catheter|central (?:venous )?line|picc|port-?a-?cath|endotracheal|tracheostomy|nasogastric|ng tube|chest tube|pigtail|drain|stents?|prosthe(?:sis|tic)|implants?|sternotomy wires?|surgical (?:clips?|staples?)|screws?|sutures?|hardware|valve replacement|filter|shunt)`;

/** (e) A device that no picture is named for. */
export const device: Check = ({ text, picture }) => picture === undefined && DEVICES(text) && !DENIES_DEVICE(text);

const DEVICES = matcher(String.raw`\b${DEVICE}\b`);
const DENIES_DEVICE = matcher(String.raw`\b(?:no|without|absence of)\b[^.,;]{0,40}\b${DEVICE}\b`);

/** (f) What is to be done is for the radiologist to say. */
export const recommendation: Check = ({ text }) => RECOMMENDS(text);

const RECOMMENDS = matcher(
  String.raw`\b(?:recommend|advis|suggest(?:ed)? (?:a |an |further |clinical |repeat |follow|biops|correlat|ct|mri|pet|ultrasound))`,
  String.raw`\bfollow(?:ed)?[- ]?up\b`,
  String.raw`\b(?:should|must|needs? to|ought to) (?:be|undergo|have|get|receive|consider)\b`,
  String.raw`\bconsider(?:ation)?(?: of)? (?:a |an )?(?:further|repeat|biops|ct|mri|pet|ultrasound|bronchoscop|surg|referral|anti)`,
  String.raw`\b(?:correlat(?:e|ion) with|clinical(?:ly)? correlat)`,
  String.raw`\b(?:is|are|may be|would be|could be) (?:warranted|indicated|helpful|useful|advisable|prudent)\b`,
  String.raw`\b(?:refer(?:ral)? to|urgent (?:consult|surg|evaluat)|start (?:anti|treatment|therapy)|needs? (?:biopsy|surgery|treatment))`,
);
