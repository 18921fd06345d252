/** What a graph says of itself where it gives boxes: the output of a card that its author goes on with. */
import type { GraphFacts, GraphValue } from './graph-facts.ts';
import { openQuestion } from './open-questions.ts';

/** Corners or centre and size, on images and in volumes. */
const BOX_COLUMNS: readonly unknown[] = [4, 6];
/** A box, a score, and up to as many classes as networks of photographs have. */
const FUSED_COLUMNS = { least: 5, most: 100 };

/** The table of boxes: four or six columns beside other outputs, or one wider table of everything. */
export function boxesOf({ outputs }: GraphFacts): GraphValue | undefined {
  return (
    outputs.find((value) => outputs.length > 1 && isTable(value) && BOX_COLUMNS.includes(value.shape?.at(-1))) ??
    outputs.find((value) => outputs.length === 1 && isFused(value))
  );
}

function isTable({ datatype, shape = [] }: GraphValue): boolean {
  const rows = shape.at(-2);
  return datatype === 'FP32' && (shape.length === 2 || shape.length === 3) && rows !== 1;
}

/** Three axes: a table of two could be the scores of a batch. */
function isFused(value: GraphValue): boolean {
  const columns = value.shape?.at(-1);
  const isWide = typeof columns === 'number' && columns >= FUSED_COLUMNS.least && columns <= FUSED_COLUMNS.most;
  return isTable(value) && value.shape?.length === 3 && isWide;
}

/** @param boxes see {@link boxesOf} */
export function draftDetection(boxes: GraphValue, { outputs }: GraphFacts): Record<string, unknown> {
  const others = outputs.filter(({ name, datatype }) => name !== boxes.name && datatype === 'FP32');
  const isAlone = outputs.length === 1;
  const [only, ...more] = others;
  const names = others.map(({ name }) => name).join(', ');
  const scores = only !== undefined && more.length === 0 ? only.name : openQuestion(`Which output: ${names}?`);
  return {
    kind: 'detection',
    places: {
      tensor: boxes.name,
      order: openQuestion(
        '"xyxy", "cxcywh", "zyxzyx", …: what the columns of a box are; x along columns, z along slices',
      ),
      unit: openQuestion('"voxel" or "normalised" (0 to 1 over the input)'),
      origin: openQuestion('"voxel-corner" or "voxel-center": where 0 lies; ask who trained it'),
    },
    scores: {
      tensor: isAlone ? boxes.name : scores,
      ...(isAlone ? { firstColumn: openQuestion('Whole number: the column of the first score, from 0') } : {}),
      columns: openQuestion('Whole number: 1, or one for each label'),
      activation: openQuestion('"none", "sigmoid" or "softmax": what makes probabilities of them'),
    },
    threshold: openQuestion('0 to 1: the probability from which a box is a detection'),
    maximumPerClass: openQuestion('Whole number: at most so many are told'),
    classes: [
      {
        key: openQuestion('A short name: lower case, digits, -'),
        category: { value: '49755003', scheme: 'SCT', meaning: 'Morphologically Abnormal Structure' },
        concept: {
          value: openQuestion('Code of what is found, such as 27925004'),
          scheme: 'SCT',
          meaning: openQuestion('Its meaning, such as Nodule'),
        },
        labels: [{ label: openQuestion('Whole number: the label of the model; 0 where it has one class') }],
      },
    ],
    gate: [],
  };
}
