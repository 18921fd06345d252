/** The sources of studies, side by side for as long as Wetread runs. */
import { WetreadError } from '../../src/errors.ts';
import type { Log, StudySource } from '../../src/ports.ts';
import type { Intake } from './intake.ts';

/** Disposing ends every source: a hint that is being committed is, and no other comes. */
export function runSources(sources: readonly StudySource[], intake: Intake, log: Log): AsyncDisposable {
  const stopping = new AbortController();
  const running = sources.map(async (source) => {
    try {
      await source.run((hint) => intake.noticeHint(hint, source.name), stopping.signal);
    } catch (error) {
      log.write('source-fault', { source: source.name, errorCode: WetreadError.from(error).code });
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
      await Promise.all(running);
    },
  };
}
