/**
 * The inference service: models over HTTP, Open Inference Protocol v2, in a process of its own that may be killed at any
 * time without harm to the rest. Prints one line `{"listening":PORT,…}` on stdout when it is ready.
 */
import './outside-memory.ts';
import { jsonLog } from '../../adapters/opentelemetry/log.ts';
import { startTracing } from '../../adapters/opentelemetry/tracing.ts';
import { WetreadError } from '../../src/errors.ts';
import { softwareVersion } from '../wetread/version.ts';
import { type ServiceArguments, serviceArguments, USAGE } from './arguments.ts';
import { type Service, startService } from './service.ts';

const SERVICE = 'wetread-inference';

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  const settings = serviceArguments(args);
  const log = jsonLog({ level: settings.logLevel, service: SERVICE });
  const tracing = startTracing({
    service: SERVICE,
    ...(settings.otlpUrl === undefined ? {} : { otlpUrl: settings.otlpUrl }),
    onFault: () => log.write('telemetry-fault', {}),
  });
  const service = await startService({ settings, version: softwareVersion, tracer: tracing.tracer, log });
  endWith(settings, service, async () => {
    await service.stop();
    await tracing.shutdown();
    log.write('server-stopped', { port: service.port });
  });
  const { port: listening, grpcPort, providers } = service;
  process.stdout.write(`${JSON.stringify({ listening, grpcPort, providers })}\n`);
}

/** SIGTERM ends the run that is going on, then the service; a parent that has gone waits for nothing. */
function endWith(settings: ServiceArguments, service: Service, stop: () => Promise<void>): void {
  const stopAndExit = (): void => {
    stop().then(
      () => process.exit(0),
      () => endNow(),
    );
  };
  process.once('SIGTERM', stopAndExit);
  process.once('SIGINT', stopAndExit);
  if (!settings.exitWithStdin) return;
  process.stdin.on('end', () => (service.busy() ? endNow() : stopAndExit()));
  process.stdin.on('error', endNow);
  process.stdin.resume();
}

/** The session process sees it and ends as well, also inside a run. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  const { code, message } =
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
      ? new WetreadError('config-invalid', error.message)
      : WetreadError.from(error);
  process.stderr.write(`wetread-inference: ${message} [${code}]\n`);
  process.exitCode = 2;
  setImmediate(() => process.exit());
});
