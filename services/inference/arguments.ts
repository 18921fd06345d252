/** Arguments of the service; every one has a default but the models. */
import { parseArgs } from 'node:util';
import { WetreadError } from '../../src/errors.ts';
import { batchRulesFrom } from './batching.ts';
import type { BatchRules } from './packages.ts';

export const USAGE = `Usage: wetread-inference --models DIR[,DIR] [options]

  --models DIR[,DIR]      model packages, or folders that hold them
  --host ADDRESS          127.0.0.1
  --port N                0: a free one
  --grpc-port N           answers gRPC as well; 0: a free one; default none
  --providers NAME[,NAME] execution providers, best first (cpu, cuda, tensorrt, webgpu); default cpu
  --threads N             threads of one run; default 2
  --queue N               requests that may wait; default 8
  --max-request-mib N     size of one request, and of all that wait together; default 1024
  --timeout-s N           limit of one run with its wait; default 0, none: each request brings its own
  --model-control MODE    none, or explicit: clients may load and unload models; default none
  --shared-memory         clients may register shared memory of this machine (/dev/shm)
  --warm-up               load every model and run its golden case, or zeros, before the service is ready
  --batching NAME=N:MS[,…] joins up to N rows of requests that arrive within MS milliseconds, whatever the card says
  --trusted-keys FILE[,FILE] public keys (Ed25519, PEM), one of which must have signed a package
  --recycle-after N       runs after which sessions and their memory are given back; default 1000, 0 is never
  --otlp-url URL          OTLP/HTTP collector for spans
  --log-level LEVEL       debug, info, warn, error or silent; default info
  --exit-with-stdin       end when stdin closes: a process whose parent was killed leaves no orphan
`;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export interface ServiceArguments {
  readonly models: readonly string[];
  readonly host: string;
  readonly port: number;
  /** Undefined: no gRPC. */
  readonly grpcPort: number | undefined;
  readonly providers: readonly string[];
  readonly threads: number;
  readonly queue: number;
  readonly maxRequestBytes: number;
  readonly recycleAfter: number;
  readonly limitMs: number;
  /** Whether clients may load and unload models. */
  readonly modelControl: boolean;
  readonly sharedMemory: boolean;
  readonly warmUp: boolean;
  /** By the name of the model. */
  readonly batching: BatchRules;
  /** Files; none: signatures are not looked at. */
  readonly trustedKeys: readonly string[];
  readonly otlpUrl: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly exitWithStdin: boolean;
}

/** @throws WetreadError `config-invalid`, or the TypeError of parseArgs for an unknown option */
export function serviceArguments(args: readonly string[]): ServiceArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      models: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      'grpc-port': { type: 'string' },
      providers: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '2' },
      queue: { type: 'string', default: '8' },
      'max-request-mib': { type: 'string', default: '1024' },
      'recycle-after': { type: 'string', default: '1000' },
      'timeout-s': { type: 'string', default: '0' },
      'model-control': { type: 'string', default: 'none' },
      'shared-memory': { type: 'boolean', default: false },
      'warm-up': { type: 'boolean', default: false },
      batching: { type: 'string', default: '' },
      'trusted-keys': { type: 'string', default: '' },
      'otlp-url': { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      'exit-with-stdin': { type: 'boolean', default: false },
    },
  });
  return {
    models: list('--models', values.models),
    host: values.host,
    port: whole('--port', values.port, 0, 65535),
    grpcPort: values['grpc-port'] === undefined ? undefined : whole('--grpc-port', values['grpc-port'], 0, 65535),
    providers: list('--providers', values.providers),
    threads: whole('--threads', values.threads, 1, 1024),
    queue: whole('--queue', values.queue, 1, 1000),
    maxRequestBytes: whole('--max-request-mib', values['max-request-mib'], 1, 16384) * 1024 * 1024,
    recycleAfter: whole('--recycle-after', values['recycle-after'], 0, Number.MAX_SAFE_INTEGER),
    limitMs: whole('--timeout-s', values['timeout-s'], 0, 86_400) * 1000,
    modelControl: oneOf('--model-control', values['model-control'], ['none', 'explicit']) === 'explicit',
    sharedMemory: values['shared-memory'],
    warmUp: values['warm-up'],
    batching: batchRulesFrom('--batching', entriesOf(values.batching)),
    trustedKeys: entriesOf(values['trusted-keys']),
    otlpUrl: values['otlp-url'],
    logLevel: oneOf('--log-level', values['log-level'], LOG_LEVELS),
    exitWithStdin: values['exit-with-stdin'],
  };
}

function list(option: string, text: string | undefined): readonly string[] {
  const entries = entriesOf(text);
  if (entries.length === 0) throw new WetreadError('config-invalid', `${option} is empty`);
  return entries;
}

function entriesOf(text = ''): readonly string[] {
  return text.split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const chosen = choices.find((choice) => choice === text);
  if (chosen === undefined) throw new WetreadError('config-invalid', `${option} is one of ${choices.join(', ')}`);
  return chosen;
}

function whole(option: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < low || value > high) {
    throw new WetreadError('config-invalid', `${option} is not a whole number from ${low} to ${high}`);
  }
  return value;
}
