/** Keys of the findings of a card: numbers join some of them, and two findings of one key would be one to whoever tracks them. */
import { declaredFindings } from './declared-findings.ts';
import type { ModelCard, OutputRule } from './model-package.ts';

/** Sentences about keys that two findings can come to have; none where every finding keeps its own. */
export function keyContradictions(card: Pick<ModelCard, 'outputs'>): string[] {
  const keys = declaredFindings(card).map(({ key }) => key);
  const stems = card.outputs.flatMap(numberedKeys);
  const taken = stems.filter((stem, at) => {
    const numbered = new RegExp(`^${stem}-[1-9]\\d*$`);
    return stems.indexOf(stem) !== at || [...keys, ...stems].some((key) => numbered.test(key));
  });
  return [
    ...(new Set(keys).size === keys.length ? [] : ['/outputs: a finding key is used twice']),
    ...taken.map((stem) => `/outputs: findings ${stem}-1 … have the key of another finding`),
  ];
}

/** Of what there can be several: detections of a class, and parts of a region. */
function numberedKeys(output: OutputRule): readonly string[] {
  switch (output.kind) {
    case 'detection':
      return output.classes.map(({ key }) => key);
    case 'label-map':
      return output.findings.flatMap(({ components }) => components?.key ?? []);
    case 'classification':
    case 'measurement':
    case 'embedding':
    case 'text':
      return [];
  }
}
