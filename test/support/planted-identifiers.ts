/**
 * Identifiers that occur nowhere else, written into every place of a data set where a patient, a person or a site can be
 * named; and a search that finds them again in any text, however it is written there.
 */
import dcmjs from 'dcmjs';

const PN = 'PN';
const LO = 'LO';

/** Tag, VR and value. Values are invented; where a value has parts that identify alone, each is listed in PARTS. */
const PLANTED: readonly (readonly [tag: string, vr: string, value: string])[] = [
  ['00080050', 'SH', 'ACC-77X1948'],
  ['00080080', LO, 'Hospital Kliebenstein am Zwirn'],
  ['00080081', 'ST', 'Quellgassl 7714, 99817 Oberhupfing'],
  ['00080090', PN, 'Quacksalberova^Oda^^Prof.'],
  ['00081010', 'SH', 'STATION-QZ41'],
  ['00081030', LO, 'Thorax nativ fuer Zwirbelgruber'],
  ['0008103E', LO, 'Lunge Sorgenkind 1mm'],
  ['00081040', LO, 'Abteilung Nebelhorn'],
  ['00081050', PN, 'Performstein^Wendelin'],
  ['00081060', PN, 'Befundheimer^Notburga'],
  ['00081070', PN, 'Knoepfchendruecker^Ulf'],
  ['00081080', LO, 'Verdacht auf Hupfelsyndrom'],
  ['00084000', 'LT', 'Comment: neighbour of Frau Plappermaul'],
  ['00100010', PN, 'Zwirbelgruber^Ägidia^Mechthild^Freifrau=霧島^雪乃=きりしま^ゆきの'],
  ['00100020', LO, 'PID-7QX4431'],
  ['00100021', LO, 'ISSUER-KLIEBENSTEIN-X'],
  ['00100030', 'DA', '19310417'],
  ['00100032', 'TM', '041752.318'],
  ['00101000', LO, 'OTHER-ID-88213V'],
  ['00101001', PN, 'Vormalsky^Aegidia'],
  ['00101005', PN, 'Geburtsnam^Ägidia'],
  ['00101040', LO, 'Distelweg 5519, 98765 Niederzopf'],
  ['00101060', PN, 'Muttersname^Eulalia'],
  ['00101080', LO, 'Oberstfeldwebel-Q'],
  ['00101090', LO, 'MRN-LOCATOR-5512'],
  ['00102154', 'SH', '+49 5550 918273'],
  ['00102180', 'SH', 'Glockengiess'],
  ['001021B0', 'LT', 'History: twin of Theodolinde'],
  ['001021F0', LO, 'Kirche der Quasten'],
  ['00104000', 'LT', 'Patient comment: VIP-Zauselbart'],
  ['00181000', LO, 'SERIAL-ZZ90817'],
  ['00181030', LO, 'Protokoll Dr. Wunderlichst'],
  ['00200010', 'SH', 'STUDYID-X991'],
  ['00204000', 'LT', 'Image comment: see Krummhoernchen'],
  ['00321032', PN, 'Anforderer^Balduin'],
  ['00321060', LO, 'Request for Zimmer 4711Q'],
  ['00321070', LO, 'Kontrast wie bei Onkel Schorsch'],
  ['00380010', LO, 'ADMISSION-3391K'],
  ['00380300', LO, 'Bett Hinterm-Ofen 3'],
  ['00400254', LO, 'Schritt mit Rumpelstein'],
  ['00402016', LO, 'PLACER-6610W'],
  ['00402017', LO, 'FILLER-6611W'],
  ['00090010', LO, 'GEHEIMKRAEMER'],
  ['00091001', LO, 'private-Schnurrbartl'],
];

/** Parts by which a person is still known, and other ways to write a value. */
const PARTS = [
  ...['Zwirbelgruber', 'Ägidia', 'Mechthild', '霧島', '雪乃', 'きりしま', 'ゆきの', '1931-04-17', '17.04.1931'],
  ...['Quacksalberova', 'Performstein', 'Befundheimer', 'Knoepfchendruecker', 'Plappermaul', 'Vormalsky'],
  ...['Geburtsnam', 'Muttersname', 'Eulalia', 'Theodolinde', 'Zauselbart', 'Krummhoernchen', 'Anforderer'],
  ...['Kliebenstein', 'Oberhupfing', 'Niederzopf', 'Quellgassl', 'Distelweg', 'Wunderlichst', 'Rumpelstein', '4711Q'],
];

/** What a caller may say beside the images: credentials, names of files and folders, what is searched for. */
export const SAID = {
  token: 'tok-Geheimniskraemerei-5533',
  folder: 'Akte_Zwirbelgruber_Ägidia',
  file: 'Befund-Zimperlich.dcm',
  asked: 'Sonnenblumenwiese',
} as const;

export const IDENTIFIERS: readonly string[] = [
  ...new Set([...PLANTED.map(([, , value]) => value), ...PARTS, ...Object.values(SAID)]),
];

interface ReadAndWritten {
  readonly dict: Record<string, unknown>;
  write(options: { readonly fragmentMultiframe: boolean }): ArrayBuffer;
}
/** The part of dcmjs that is used here; it has no types of its own. */
const { DicomMessage } = dcmjs.data as unknown as {
  readonly DicomMessage: { readFile(bytes: ArrayBuffer): ReadAndWritten };
};

/** The same image with every identifier in it, in UTF-8. */
export function withIdentifiers(bytes: Uint8Array, changes: Readonly<Record<string, string>> = {}): Uint8Array {
  const file = DicomMessage.readFile(bytes.slice().buffer);
  for (const [tag, vr, planted] of PLANTED) {
    file.dict[tag] = { vr, Value: [vr === PN ? nameOf(planted) : (changes[tag] ?? planted)] };
  }
  return new Uint8Array(file.write({ fragmentMultiframe: false }));
}

function nameOf(text: string): object {
  const [Alphabetic, Ideographic, Phonetic] = text.split('=');
  return { Alphabetic, Ideographic, Phonetic };
}

/** @returns the identifiers that the text holds, in any case, encoding or escape that is looked for. */
export function identifiersIn(text: string): string[] {
  const lower = fold(text);
  return IDENTIFIERS.filter((identifier) => {
    const folded = writtenForms(identifier).map((form) => fold(form));
    return folded.some((form) => lower.includes(form)) || base64Cores(identifier).some((core) => text.includes(core));
  });
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

export function writtenForms(text: string): string[] {
  const bytes = Buffer.from(text);
  const plain = [text, text.normalize('NFD'), text.replaceAll('^', ' '), text.replaceAll('^', ', ')];
  const percent = encodeURIComponent(text);
  const escaped = text.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return [
    ...plain,
    percent,
    percent.replaceAll('%20', '+'),
    encodeURI(text),
    escaped,
    bytes.toString('latin1'),
    bytes.toString('hex'),
    ...(/^[ -ÿ]+$/.test(text) ? [Buffer.from(text, 'latin1').toString('hex')] : []),
  ];
}

/** What stays the same of a text in base64, wherever it begins in the encoded bytes. */
export function base64Cores(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).toString('base64');
    const whole = encoded.replace(/=+$/, '').length;
    return encoded.slice(shift === 0 ? 0 : shift + 1, whole - (encoded.endsWith('=') ? 1 : 0));
  });
}
