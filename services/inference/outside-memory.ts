/**
 * Imported first. Where 64 MiB were allocated outside V8's heap, V8 goes through the whole heap; the streams of a volume
 * allocate that within a few requests, and a look at the heap then costs more than the copies. Counted with the heap's
 * own growth, such looks are rare, and the process is no larger (V8 13.6).
 */
import { setFlagsFromString } from 'node:v8';

// V8 complains of a flag that it does not know.
if (process.versions.v8.startsWith('13.')) setFlagsFromString('--external-memory-accounted-in-global-limit');
