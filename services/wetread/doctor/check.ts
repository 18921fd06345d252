/** What `wetread doctor` finds out, check by check: a state, a sentence, and what to mend. */
import { WetreadError } from '../../../src/errors.ts';
import { remedyOf } from '../../review/advice.ts';

export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface CheckResult {
  readonly status: CheckStatus;
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly fix?: string;
}

export interface Finding extends CheckResult {
  /** Key of the configuration that the part stands for, such as `archive`. */
  readonly part: string;
  readonly check: string;
}

/**
 * Runs one check and tells its result; a fault that it throws is a result as well.
 * @returns whether what builds upon it can be tried
 */
export type Step = (check: string, work: (signal: AbortSignal) => Promise<CheckResult>) => Promise<boolean>;

/** A server, or another thing that Wetread needs. */
export interface Part {
  readonly name: string;
  /** Where it is, for a person; no credentials. */
  readonly place: string;
  examine(step: Step): Promise<void>;
}

export function ok(message: string): CheckResult {
  return { status: 'ok', message };
}

export function warn(message: string, fix: string): CheckResult {
  return { status: 'warn', message, fix };
}

export function fail(message: string, fix: string): CheckResult {
  return { status: 'fail', message, fix };
}

/** A server that hangs must not hold up the doctor. */
const LIMIT_MS = 20_000;

export async function examine(part: Part, tell: (finding: Finding) => void, limitMs = LIMIT_MS): Promise<void> {
  await part.examine(async (check, work) => {
    const result = await attempt(work, AbortSignal.timeout(limitMs), limitMs);
    tell({ part: part.name, check, ...result });
    return result.status !== 'fail';
  });
}

async function attempt(
  work: (signal: AbortSignal) => Promise<CheckResult>,
  signal: AbortSignal,
  limitMs: number,
): Promise<CheckResult> {
  try {
    return await work(signal);
  } catch (cause) {
    if (signal.aborted)
      return fail(
        `No answer within ${limitMs / 1000} s`,
        'Look whether the server hangs, or whether a firewall swallows what it says.',
      );
    const { code, message } = WetreadError.from(cause);
    return fail(message, remedyOf(code));
  }
}
