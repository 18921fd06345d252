/** `wetread <command>`: reads the arguments, runs one command, maps faults to exit codes. */
import { parseArgs } from 'node:util';
import { WetreadError } from '../../src/errors.ts';
import { demo } from './cli/demo.ts';
import { read } from './cli/read.ts';
import { serve } from './cli/serve.ts';
import { softwareVersion } from './version.ts';

const USAGE = `Usage: wetread <command> [options]

  read FOLDER --out DIR   read every study below FOLDER (or, with --study UID, from the archive), write report.json, sr.dcm, seg.dcm, bundle.json and
                          trace.json per study and a summary.json; exit 0 when every study reached a final state
  serve                   run the server: DICOMweb at /dicom-web, FHIR at /fhir, the page at /
  demo [FOLDER]           serve on a temporary data directory, send a study by STOW-RS and show the draft
                          (without FOLDER: a synthetic chest CT); with --once --out DIR: no page, exit when done

Options
  --config FILE           configuration, JSON or YAML (schema: contracts/config.schema.json)
  --study UID             with read: a study that the configured archive holds; may be repeated
  --data DIR              data directory, kept (default of read and demo: a temporary one, removed at the end)
  --port N                port of the server
  --version, --help
`;

/** The exit codes of the command line: 2 is a mistake in the call, 1 a fault or a study without a final state. */
async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      config: { type: 'string' },
      data: { type: 'string' },
      port: { type: 'string' },
      study: { type: 'string', multiple: true },
      once: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
    },
  });
  const [command, folder] = positionals;
  if (values.version === true) return print(softwareVersion);
  if (values.help === true || command === undefined) return print(USAGE);
  switch (command) {
    case 'read':
      return read({ folder, ...values });
    case 'serve':
      return serve(values);
    case 'demo':
      return demo({ folder, ...values });
    default:
      throw new WetreadError('request-invalid', `Unknown command '${command}'; see wetread --help`);
  }
}

function print(text: string): number {
  process.stdout.write(`${text.trimEnd()}\n`);
  return 0;
}

function exitCodeOf(error: unknown): number {
  const { code, message } =
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
      ? new WetreadError('request-invalid', error.message)
      : WetreadError.from(error);
  process.stderr.write(`wetread: ${message} [${code}]\n`);
  return code === 'request-invalid' || code === 'config-invalid' ? 2 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(exitCodeOf);
