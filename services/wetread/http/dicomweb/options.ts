import type { DirectoryArchive } from '../../../../adapters/directory/archive.ts';
import type { FrameDecoder, InstanceReader, Log } from '../../../../src/ports.ts';
import type { StudyInstanceUid } from '../../../../src/uid.ts';

/** A request that stored instances, whether it ended well or was cut off. */
export interface StoredEvent {
  readonly studyInstanceUids: readonly StudyInstanceUid[];
  /** Those of which an instance was new. */
  readonly changed: ReadonlySet<StudyInstanceUid>;
  /** W3C trace context of the request. */
  readonly traceparent?: string;
}

export interface DicomwebOptions {
  readonly archive: DirectoryArchive;
  readonly reader: InstanceReader;
  readonly decoder: FrameDecoder;
  readonly limits: {
    readonly maxPartBytes: number;
    readonly maxParts: number;
    /** Of one part; 16 KiB where absent. */
    readonly maxHeaderBytes?: number;
    /** Rows of one search answer; 10,000 where absent. */
    readonly maxResults?: number;
  };
  /** Awaited before the client hears that its instances are stored. */
  readonly onStored: (event: StoredEvent) => Promise<void> | void;
  readonly log: Log;
}
