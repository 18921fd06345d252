/** What JSON Schema cannot say about labels: what has a meaning in a volume has none on an image of its own, and conversely. */
import { axesOf } from '../assembly/layout.ts';
import { encodedLayout, encodingOf } from './label-encoding.ts';
import type { MeasureRule } from './measures.ts';
import type { LabelMapOutput } from './model-package.ts';

type MeasureKind = MeasureRule['kind'];

const OF_IMAGES: readonly MeasureKind[] = ['area', 'area-share', 'long-axis', 'short-axis', 'count'];
const OF_IMAGES_ONLY: readonly MeasureKind[] = ['area', 'area-share'];

/** Sentences about labels on the grid of a volume that ask for what only an image has. */
export function volumeLabelContradictions(output: LabelMapOutput, key: string): readonly string[] {
  const { findings, gate } = output;
  return [
    ...unless(hasSlices(output), `${key}/encoding/layout: no axis D, and labels of a volume have slices`),
    ...meaningless(output, key, (kind) => !OF_IMAGES_ONLY.includes(kind), 'a volume'),
    ...unless(
      findings.every(({ components }) => components === undefined || components.minimumMilliliters !== undefined),
      `${key}/findings: components of a volume have minimumMilliliters`,
    ),
    ...unless(
      findings.every(({ components }) => components?.minimumPercent === undefined),
      `${key}/findings: minimumPercent is of images on their own`,
    ),
    ...unless(
      gate.regions.every(({ milliliters, percent }) => milliliters !== undefined && percent === undefined),
      `${key}/gate/regions: a region of a volume has milliliters, and no percent`,
    ),
  ];
}

/** The same of labels on an image: it has neither depth nor sides of the patient, and its values have no unit. */
export function imageLabelContradictions(output: LabelMapOutput, key: string): readonly string[] {
  const { findings, gate, refine, segments } = output;
  const declared = segments.map(({ number }) => number);
  return [
    ...unless(!hasSlices(output), `${key}/encoding/layout: must be said, and have no axis D: an image has no slices`),
    ...meaningless(output, key, (kind) => OF_IMAGES.includes(kind), 'an image on its own'),
    ...unless(
      measuresOf(output).every(({ measure }) => isOfDeclared(measure, declared)),
      `${key}/findings: a share is of a segment that is not declared`,
    ),
    ...unless(
      findings.every(({ components }) => components === undefined || components.minimumPercent !== undefined),
      `${key}/findings: components on an image have minimumPercent`,
    ),
    ...unless(
      findings.every(({ components }) => components?.minimumMilliliters === undefined),
      `${key}/findings: minimumMilliliters is of volumes`,
    ),
    ...unless(refine.range === undefined, `${key}/refine/range: values of an image on its own have no unit`),
    ...unless(
      gate.regions.every((region) => {
        const { milliliters, mean, minimumHeightMm, percent } = region;
        return percent !== undefined && [milliliters, mean, minimumHeightMm].every((limit) => limit === undefined);
      }),
      `${key}/gate/regions: a region on an image has a percent, and nothing else`,
    ),
    ...unless(
      gate.sides === undefined && gate.complete === undefined,
      `${key}/gate: sides and complete are of volumes, which lie in the patient`,
    ),
  ];
}

function hasSlices(output: LabelMapOutput): boolean {
  return axesOf(encodedLayout(encodingOf(output))).includes('D');
}

function measuresOf({
  findings,
}: LabelMapOutput): readonly { readonly finding: string; readonly measure: MeasureRule }[] {
  return findings.flatMap(({ key: finding, measures, components }) =>
    [...measures, ...(components?.measures ?? [])].map((measure) => ({ finding, measure })),
  );
}

function meaningless(
  output: LabelMapOutput,
  key: string,
  hasMeaning: (kind: MeasureKind) => boolean,
  where: string,
): readonly string[] {
  const unfit = measuresOf(output).filter(({ measure }) => !hasMeaning(measure.kind));
  return unfit.map(
    ({ finding, measure }) => `${key}/findings/${finding}/${measure.key}: ${where} has no ${measure.kind}`,
  );
}

function isOfDeclared(measure: MeasureRule, declared: readonly number[]): boolean {
  return measure.kind !== 'area-share' || (measure.of ?? []).every((number) => declared.includes(number));
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}
