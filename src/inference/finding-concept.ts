/** What a finding is about, as a card declares it. */
import type { Finding } from './findings.ts';

type Concept = Pick<Finding, 'category' | 'concept' | 'site' | 'laterality'>;

/** Of a rule of any output: what the rule does not say, the finding does not either. */
export function conceptOf({ category, concept, site, laterality }: Concept): Concept {
  return { category, concept, ...(site && { site }), ...(laterality && { laterality }) };
}
