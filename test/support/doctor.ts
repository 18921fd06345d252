/** What the doctor finds, without a terminal. */
import { parseConfig } from '../../services/wetread/config.ts';
import { examine, type Finding } from '../../services/wetread/doctor/check.ts';
import { wireParts } from '../../services/wetread/doctor/wire-parts.ts';

export interface Findings {
  /** `part.check status`, in their order. */
  readonly lines: readonly string[];
  readonly failed: readonly Finding[];
  find(this: void, part: string, check: string): Finding | undefined;
}

/** @param parts names of the parts to examine; all where absent */
export async function findingsOf(
  raw: object,
  parts?: readonly string[],
  store = false,
  limitMs?: number,
): Promise<Findings> {
  const findings: Finding[] = [];
  await using stack = new AsyncDisposableStack();
  for (const part of await wireParts(parseConfig(raw), { store }, stack)) {
    if (parts?.includes(part.name) !== false) await examine(part, (finding) => findings.push(finding), limitMs);
  }
  return {
    lines: findings.map(({ part, check, status }) => `${part}.${check} ${status}`),
    failed: findings.filter(({ status }) => status === 'fail'),
    find: (part, check) => findings.find((finding) => finding.part === part && finding.check === check),
  };
}
