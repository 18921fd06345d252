/** Packages without a graph: slices of a chest CT, or radiographs, go to a chat completions server, which writes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, LUNG } from '../../src/codes.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import { CHAT_MODEL } from './chat-server.ts';
import { lungCard } from './model-card.ts';
import { seal } from './model-package.ts';

export const TEXT_MODEL = 'ct-chest-text';

export const RADIOGRAPH_MODEL = 'dx-chest-text';

export const PROMPT = `You are shown {{pictures}}.
They are {{modality}} of the {{bodyPart}} of a patient; age {{ageBand}}, sex {{sex}}.
Indication: {{indication}}
Describe the lungs. Do not compare with earlier studies, do not measure, do not recommend.
`;

/** Writes the package below the folder. @returns its own folder. */
export async function writeTextPackage(
  folder: string,
  edit: (card: ModelCard) => void = () => {},
  prompt = PROMPT,
): Promise<string> {
  const card = textCard();
  edit(card);
  return await writePackage(folder, card, prompt);
}

/** The same of radiographs. */
export async function writeRadiographPackage(
  folder: string,
  edit: (card: ModelCard) => void = () => {},
): Promise<string> {
  const card = radiographCard();
  edit(card);
  return await writePackage(folder, card, PROMPT);
}

async function writePackage(folder: string, card: ModelCard, prompt: string): Promise<string> {
  const home = join(folder, card.name);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'card.json'), JSON.stringify(card, null, 2));
  writeFileSync(join(home, 'prompt.txt'), prompt);
  await seal(home);
  return home;
}

export function textCard(): ModelCard {
  const { intendedUse, licence, facts } = lungCard();
  const [use] = intendedUse;
  return {
    schemaVersion: 1,
    name: TEXT_MODEL,
    version: '1.0.0',
    title: 'Text on the lungs in CT of the chest',
    description: 'An example: a language model looks at slices and describes the lungs.',
    intendedUse: [{ ...use, sliceThicknessMm: { minimum: 0.1, maximum: 10 } }],
    runtime: {
      kind: 'chat-completions',
      server: 'pictures',
      model: CHAT_MODEL,
      prompt: 'prompt.txt',
      maximumTokens: 512,
      temperature: 0,
      seed: 7,
      deterministic: false,
    },
    input: {
      kind: 'slices',
      orientation: 'axial',
      units: 'HU',
      windows: [
        { meaning: 'lung', low: -1024, high: 1024 },
        { meaning: 'soft tissue', low: -135, high: 215 },
        { meaning: 'brain', low: 0, high: 80 },
      ],
      sampling: { kind: 'uniform', count: 9 },
      size: 96,
      gate: {
        minimumSlices: 3,
        minimumExtentMm: [10, 10, 10],
        maximumSpacingMm: [50, 50, 50],
        refusedBodyParts: ['HEAD', 'KNEE'],
        values: [],
      },
    },
    outputs: [
      {
        kind: 'text',
        sections: ['findings', 'impression'],
        maximumSentences: 10,
        labels: [
          {
            key: 'low-attenuation',
            category: code('49755003', 'SCT', 'Morphologically abnormal structure'),
            concept: code('87433001', 'SCT', 'Pulmonary emphysema'),
            site: LUNG,
          },
        ],
        recommendations: 'flagged',
      },
    ],
    caveats: ['Written by a language model from nine pictures.'],
    licence,
    resources: { memoryMib: 1 },
    facts,
  };
}

/** Frontal and lateral radiographs in one question. */
export function radiographCard(): ModelCard {
  const card = textCard();
  const [{ sliceThicknessMm: _, ...use }] = card.intendedUse;
  return {
    ...card,
    name: RADIOGRAPH_MODEL,
    title: 'Text on a radiograph of the chest',
    description: 'An example: a language model looks at radiographs and describes the lungs.',
    intendedUse: [
      { ...use, task: 'Describe a radiograph of the chest', modality: 'DX' },
      { ...use, task: 'Describe an ultrasound of the chest', modality: 'US' },
    ],
    input: {
      kind: 'pictures',
      window: { kind: 'voi' },
      views: [
        { meaning: 'frontal', positions: ['PA', 'AP'], required: true },
        { meaning: 'lateral', positions: ['LL', 'RL'], required: false },
      ],
      size: 256,
      gate: {
        minimumRows: 64,
        minimumColumns: 64,
        maximumImages: 4,
        refusedBodyParts: ['ABDOMEN', 'KNEE'],
        minimumCorrelation: 0.5,
        values: [],
      },
    },
    caveats: ['Written by a language model from pictures.'],
  };
}
