/** What a kind of source brings to the suite of all sources (`study-source.test.ts`): its server, and how it breaks. */
import type { Clock, Ledger, Log, StudySource } from '../../../src/ports.ts';
import type { StudyInstanceUid } from '../../../src/uid.ts';

export interface SourcePorts {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly clock: Clock;
}

export interface SourceKind {
  readonly name: string;
  /** False, or the sentence that says what is missing on this machine. */
  readonly skip: string | false;
  /** Starts a server that announces nothing yet; resolves when it answers. */
  readonly start: () => Promise<SourceServer>;
}

export interface SourceServer extends AsyncDisposable {
  /** A source of this server, as fast as it can be made; asked for anew after every restart of Wetread. */
  source(ports: SourcePorts): StudySource;
  /** Makes the server announce a study; one that it has announced before has changed since. Resolves when it has. */
  announce(name: string): Promise<StudyInstanceUid>;
  /** The server no longer answers, and keeps what it has. */
  breakServer(): Promise<void>;
  /** It answers again at the same address. */
  mendServer(): Promise<void>;
  /** What stands in the announced studies and must not be in a log line, a hint or a kept state. */
  readonly patientData: readonly string[];
}
