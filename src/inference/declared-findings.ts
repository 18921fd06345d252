/** The findings that a card declares, whatever the kind of output: what its report may speak of. */
import type { ModelCard, OutputRule } from './model-package.ts';

export interface DeclaredFinding {
  readonly key: string;
  /** Keys of what is measured of it. */
  readonly measures: readonly string[];
  /** Whether there may be several, each at a place of its own. */
  readonly located?: true;
}

export function declaredFindings({ outputs }: Pick<ModelCard, 'outputs'>): readonly DeclaredFinding[] {
  return outputs.flatMap(declaredBy);
}

function declaredBy(output: OutputRule): readonly DeclaredFinding[] {
  switch (output.kind) {
    case 'label-map':
    case 'measurement':
      return output.findings.map(({ key, measures }) => ({ key, measures: measures.map((measure) => measure.key) }));
    case 'embedding':
      return output.findings.map(({ key }) => ({ key, measures: [SIMILARITY_KEY] }));
    case 'classification':
      return output.labels.map(({ key }) => ({ key, measures: [] }));
    case 'detection':
      return output.classes.map(({ key }) => ({ key, measures: [REGION_SIZE_KEY], located: true }));
    case 'text':
      return output.labels.map(({ key }) => ({ key, measures: [] }));
  }
}

/** What is measured of a vector and its reference. */
export const SIMILARITY_KEY = 'similarity';
/** What is measured of every detection. */
export const REGION_SIZE_KEY = 'region-size';
