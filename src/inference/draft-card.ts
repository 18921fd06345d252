/** A card begun from a graph: what the graph says is filled in, everything else is a question that its author answers. */
import { boxesOf, draftDetection } from './draft-detection-card.ts';
import {
  draftClassification,
  draftImageEncoding,
  draftImageInput,
  imageInputOf,
  isClassScores,
} from './draft-image-card.ts';
import { draftEncoding, draftLayout } from './draft-volume-card.ts';
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import type { ModelCard } from './model-package.ts';
import { openQuestion } from './open-questions.ts';

export type FactName = keyof ModelCard['facts'];

export interface DraftFacts {
  readonly name: string;
  /** Of the graph, in the package's folder. */
  readonly file: string;
  readonly sha256: string;
}

/** In the order of the schema; not a `ModelCard` before every question is answered. */
export function draftCard({ name, file, sha256 }: DraftFacts, graph: GraphFacts): Record<string, unknown> {
  const image = imageInputOf(graph);
  const output = draftOutput(graph);
  return {
    schemaVersion: 1,
    name,
    version: '0.1.0',
    title: openQuestion('What is it called, for a reader of drafts?'),
    description: openQuestion('What does it do, in two sentences?'),
    intendedUse: [image === undefined ? { ...INTENDED_USE, sliceThicknessMm: SLICE_THICKNESS } : INTENDED_USE],
    runtime: {
      kind: 'onnx',
      file,
      sha256,
      opset: graph.opset,
      deterministic: openQuestion('true or false: does the same input always give the same bytes?'),
    },
    input: image === undefined ? draftVolumeInput(graph) : draftImageInput(image, output['kind']),
    outputs: [output],
    report: REPORT,
    caveats: [openQuestion('What must stand beside every result?')],
    licence: {
      id: openQuestion('SPDX identifier of the licence of the graph and its weights'),
      clinicalUse: openQuestion('"allowed", "research" or "forbidden"'),
      note: openQuestion('Clearance, or that there is none; conditions of the licence'),
    },
    resources: { memoryMib: openQuestion('Number: peak of the process at the largest input') },
    facts: Object.fromEntries(Object.entries(FACTS).map(([key, text]) => [key, openQuestion(text)])),
  };
}

function draftOutput(graph: GraphFacts): Record<string, unknown> {
  const boxes = boxesOf(graph);
  if (boxes !== undefined) return draftDetection(boxes, graph);
  const scores = graph.outputs.find(isClassScores);
  if (scores !== undefined) return draftClassification(scores);
  return imageInputOf(graph) === undefined ? draftLabelMap(graph) : draftImageLabelMap(graph);
}

function draftVolumeInput(graph: GraphFacts): Record<string, unknown> {
  return {
    kind: 'volume',
    tensor: nameOf(graph.inputs, 'input'),
    orientation: 'LPS',
    spacingMm: openQuestion('Number or [slice, row, column]: spacing of the grid that the graph expects, in mm'),
    ...draftLayout(graph.inputs),
    units: openQuestion('HU for CT; "none" where values have no unit'),
    intensity: intensityOf(graph.inputs),
    fill: openQuestion('Number: value outside the image, in units; -1024 for CT'),
    maximumShape: openQuestion('[slices, rows, columns]: the largest input, which bounds memory'),
    gate: VOLUME_GATE,
  };
}

function draftLabelMap(graph: GraphFacts): Record<string, unknown> {
  return {
    kind: 'label-map',
    tensor: nameOf(graph.outputs, 'output'),
    ...draftEncoding(graph.outputs),
    segments: [draftSegment(undefined, 1, undefined)],
    otherLabels: [],
    refine: {
      range: {
        low: openQuestion('Whole number: the lowest value of a voxel that can belong to a segment, in units'),
        high: openQuestion('Whole number: the highest'),
      },
    },
    gate: { regions: [] },
    findings: [draftFinding(1, undefined)],
  };
}

/** On an image no value decides what belongs to a segment, and there is an area in place of a volume. */
function draftImageLabelMap(graph: GraphFacts): Record<string, unknown> {
  return {
    ...draftLabelMap(graph),
    ...draftImageEncoding(graph.outputs),
    refine: {},
    findings: [draftFinding(1, undefined, AREA_SHARE)],
  };
}

/** The only one there is, or a question that names them. */
function nameOf(values: readonly GraphValue[], kind: string): string {
  const [only, ...others] = values;
  if (only !== undefined && others.length === 0) return only.name;
  return openQuestion(`Which ${kind} of the graph: ${values.map(({ name }) => name).join(', ')}?`);
}

function intensityOf([first]: readonly GraphValue[]): Record<string, unknown> {
  if (first?.datatype === 'INT16') return { datatype: 'INT16' };
  return {
    datatype: 'FP32',
    low: openQuestion('Number: value that becomes 0, in units'),
    high: openQuestion('Number: value that becomes 1, in units'),
  };
}

function codeQuestion(what: string): Record<string, unknown> {
  return {
    value: openQuestion(`Code of ${what}, such as 39607008`),
    scheme: 'SCT',
    meaning: openQuestion(`Its meaning, such as Lung`),
  };
}

const ANATOMICAL_STRUCTURE = { value: '91723000', scheme: 'SCT', meaning: 'Anatomical structure' } as const;

const INTENDED_USE = {
  task: openQuestion('What is measured or found, in which study?'),
  modality: openQuestion('CT, MR, DX, …'),
  bodyPart: codeQuestion('the body part'),
  bodyParts: {
    allowed: openQuestion(
      'List of Body Part Examined (0018,0015) that are read, such as ["CHEST*", "THORAX"]; leave bodyParts out where any is',
    ),
    unknown: 'accepted',
  },
  contrast: openQuestion('"any", "without" or "with"'),
  patients: openQuestion('Whom may it read: age, and what must be there?'),
} as const;

const SLICE_THICKNESS = { minimum: openQuestion('Number, in mm'), maximum: openQuestion('Number, in mm') } as const;

/** sRGB, told apart by most who do not see all colours. */
const COLORS = [
  [230, 120, 40],
  [40, 120, 230],
  [0, 158, 115],
  [204, 121, 167],
  [240, 228, 66],
] as const;

/** @param meaning of the label in plain words; undefined where nobody says */
export function draftSegment(label: number | undefined, number: number, meaning: string | undefined): object {
  return {
    label:
      label ?? openQuestion('Whole number: the label in the output; one entry for each label that becomes a segment'),
    number,
    key: keyOf(meaning),
    title: meaning ?? openQuestion('What the outline is called'),
    category: ANATOMICAL_STRUCTURE,
    type: codeQuestion(`${meaning ?? 'the structure'} (PS3.16 CID 7151)`),
    color: COLORS[(number - 1) % COLORS.length],
  };
}

const VOLUME = {
  key: 'volume',
  kind: 'volume',
  concept: { value: '118565006', scheme: 'SCT', meaning: 'Volume' },
  unit: { value: 'ml', scheme: 'UCUM', meaning: 'milliliter' },
  decimals: 1,
} as const;

/** It needs no pixel spacing, which images may lack; no standard code says it. */
const AREA_SHARE = {
  key: 'share',
  kind: 'area-share',
  concept: { value: 'AREASHARE', scheme: '99WETREAD', meaning: 'Share of the area' },
  unit: { value: '%', scheme: 'UCUM', meaning: 'percent' },
  decimals: 1,
} as const;

export function draftFinding(segment: number, meaning: string | undefined, measure: object = VOLUME): object {
  return {
    key: keyOf(meaning),
    segments: [segment],
    category: ANATOMICAL_STRUCTURE,
    concept: codeQuestion(meaning ?? 'what is measured'),
    measures: [measure],
  };
}

function keyOf(meaning: string | undefined): string {
  const key = shortName(meaning ?? '');
  return key === '' ? openQuestion('A short name: lower case, digits, -') : key;
}

/** Lower case letters, digits and hyphens: as names and keys of cards are written. */
export function shortName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

const VOLUME_GATE = {
  minimumSlices: openQuestion('Whole number: fewer slices are refused'),
  minimumExtentMm: openQuestion('[slice, row, column] in mm: a smaller image is refused'),
  maximumSpacingMm: openQuestion('[slice, row, column] in mm: a coarser image is refused'),
  refusedBodyParts: openQuestion(
    'List of Body Part Examined (0018,0015) that are refused, such as ["HEAD", "KNEE"]; [] for none',
  ),
  values: [],
} as const;

const REPORT = {
  title: openQuestion('What a draft of it is called, such as "CT chest"'),
  procedure: {
    value: openQuestion('Code of the procedure (LOINC, PS3.16 CID 100), such as 24627-2'),
    scheme: 'LN',
    meaning: openQuestion('Its meaning, such as CT Chest'),
  },
  impression: openQuestion(
    'List of sentences for the impression, each {"finding", "text"} and, where it depends on one, "measure" with "minimum" or "below", or "presence"; [] for none',
  ),
  scope: openQuestion('One sentence: what was assessed, and that nothing else was'),
} as const;

/** Each may instead be `{"unknown": true, "reason": "…"}`. */
const FACTS = {
  developer: 'Who made it?',
  contact: 'Whom does one ask?',
  funding: 'Who paid for it?',
  outputValue: 'What does it give out, in which units?',
  role: 'Does it inform, augment or replace?',
  patients: 'For which patients?',
  users: 'For which users?',
  outOfScope: 'For what must it not be used?',
  knownRisks: 'Which errors are known?',
  method: 'How does it work?',
  trainingData: 'What was it trained on, with what provenance?',
  inclusionCriteria: 'Who was in the training data, and who was not?',
  demographics: 'Age, sex, origin of the patients in the training data?',
  fairness: 'How was bias looked for, and what was found?',
  validationInternal: 'How was it tested by its makers?',
  validationExternal: 'Who else tested it, where?',
  performance: 'Measured how well, on what?',
  performanceBySubgroup: 'And by subgroup?',
  localValidity: 'Measured how well at this site?',
  monitoring: 'Who watches it, and how?',
  updates: 'How is it changed and corrected?',
  regulatoryStatus: 'Cleared where, as what?',
  energy: 'What does a run cost?',
  representativeness: 'Whom do the training data stand for, and whom not?',
  externalTesters: 'Who tested it elsewhere, in what setting, on whom, how?',
  fairnessExternal: 'And how equal was it there?',
  outcomeEvaluation: 'What did its use change for patients?',
  fairnessMonitoring: 'How is fairness watched in use?',
  localFairness: 'How equal is it at this site?',
  trainingScanners: 'Which scanners and protocols are in the training data?',
  labelSource: 'Who made the labels: experts, reports, another model?',
  leakageCheck: 'How was it made sure that no test case was trained on?',
  readerStudy: 'How did readers do with it and without?',
  hallucination: 'How often does it say what is not there?',
  changeLog: 'What changed from version to version?',
} as const satisfies Record<FactName, string>;

/** In the order in which a person asks. */
export const FACT_NAMES = Object.keys(FACTS) as readonly FactName[];
