/** `wetread <command>`: reads the arguments, runs one command, maps faults to exit codes. */
import { parseArgs } from 'node:util';
import { WetreadError } from '../../src/errors.ts';
import type { CommandOptions } from './cli/options.ts';
import { softwareVersion } from './version.ts';

const USAGE = `Usage: wetread <command> [options]

  read FOLDER --out DIR   read every study below FOLDER (or, with --study UID, from the archive); writes a summary.json
                          and per study report.json, sr.dcm, seg.dcm, bundle.json and trace.json
  serve                   run the server: DICOMweb at /dicom-web, FHIR at /fhir, the page at /
  demo [FOLDER]           serve on a temporary data directory, send a study by STOW-RS and show the draft
                          (without FOLDER: a synthetic chest CT); with --once --out DIR: no page, end when done

  studies list | show UID | replay UID... | park UID... | close UID...
                          what the ledger knows of studies, and what an operator decides, beside a running server;
                          replay, park and close take a filter in place of UIDs: replay --state parked --reason CODE
  ledger export --out FILE | prune --before DATE [--export FILE]
                          old studies in a final state, a line of JSON each; and their removal from the ledger
  rules test UID|FOLDER   explains which rule of the configuration holds for a study, which model reads it, and which of
                          its series; nothing is read or stored
  models list | show NAME | check FOLDER | test [NAME] | pack FOLDER --out FILE [--sign KEY] | add FILE --to FOLDER
                          model packages: those of the configuration, their cards, everything that is wrong with one,
                          their golden cases; packs one; begins one below FOLDER from an ONNX file or the folder of a
                          MONAI bundle, or unpacks one there
  models reference PACKAGE FOLDER
                          reference ranges for the card of a package, from the studies below FOLDER
  doctor [--store]        checks the configuration and every server that it names, and says what to mend;
                          with --store: also stores a test object in the archive

Options
  --config FILE           configuration, JSON or YAML (schema: contracts/config.schema.json)
  --state S, --reason CODE, --since DATE
                          with studies: only those in this state, with this reason, changed since then
  --note TEXT             with replay, park, close: why, kept in the history; no names of patients
  --json                  with studies, rules, models and doctor: for machines
  --documents             with ledger export: reports and images of results as well (patient data)
  --study UID             with read: a study that the configured archive holds; may be repeated
  --data DIR              data directory, kept (default of read and demo: a temporary one, removed at the end)
  --port N                port of the server
  --log-level LEVEL       with read, demo, serve and rules: log lines as JSON on stderr, from debug, info, warn or error
                          on; without it serve logs as the configuration says, the others not at all
  --version, --help

Ends with 0 when every study reached a final state, 1 when one did not or something failed, 2 for a mistake in the call.
`;

const OPTIONS = {
  out: { type: 'string' },
  config: { type: 'string' },
  data: { type: 'string' },
  port: { type: 'string' },
  study: { type: 'string', multiple: true },
  once: { type: 'boolean' },
  state: { type: 'string' },
  reason: { type: 'string' },
  since: { type: 'string' },
  note: { type: 'string' },
  json: { type: 'boolean' },
  before: { type: 'string' },
  export: { type: 'string' },
  documents: { type: 'boolean' },
  store: { type: 'boolean' },
  to: { type: 'string' },
  sign: { type: 'string' },
  'log-level': { type: 'string' },
} as const;

interface Command {
  readonly run: (options: CommandOptions) => Promise<number>;
  /** What may stand behind the command. */
  readonly words: 'none' | 'folder' | 'action';
  readonly options: readonly string[];
}

/** Each is loaded when it is called for: a mistake in the call is answered without loading the product. */
const COMMANDS: Readonly<Record<string, Command>> = {
  read: {
    run: async (options) => (await import('./cli/read.ts')).read(options),
    words: 'folder',
    options: ['out', 'config', 'data', 'study', 'log-level'],
  },
  serve: {
    run: async (options) => (await import('./cli/serve.ts')).serve(options),
    words: 'none',
    options: ['config', 'data', 'port', 'log-level'],
  },
  demo: {
    run: async (options) => (await import('./cli/demo.ts')).demo(options),
    words: 'folder',
    options: ['out', 'config', 'data', 'port', 'once', 'log-level'],
  },
  studies: {
    run: async (options) => (await import('./cli/studies.ts')).studies(options),
    words: 'action',
    options: ['config', 'data', 'state', 'reason', 'since', 'note', 'json'],
  },
  rules: {
    run: async (options) => (await import('./cli/rules.ts')).rules(options),
    words: 'action',
    options: ['config', 'data', 'json', 'log-level'],
  },
  models: {
    run: async (options) => (await import('./cli/models.ts')).models(options),
    words: 'action',
    options: ['config', 'json', 'out', 'to', 'sign'],
  },
  doctor: {
    run: async (options) => (await import('./cli/doctor.ts')).doctor(options),
    words: 'none',
    options: ['config', 'data', 'json', 'store'],
  },
  ledger: {
    run: async (options) => (await import('./cli/ledger.ts')).ledger(options),
    words: 'action',
    options: ['config', 'data', 'out', 'before', 'export', 'documents'],
  },
};

/** The exit codes of the command line: 2 is a mistake in the call, 1 a fault or a study without a final state. */
async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { ...OPTIONS, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
  });
  const { help = false, version = false, ...given } = values;
  if (version) return print(softwareVersion);
  if (help) return print(USAGE);
  const [name, ...words] = positionals;
  if (name === undefined) throw mistake('no command is given');
  // Arguments are not repeated: one that stands in the wrong place is often a folder named after a patient.
  const command = COMMANDS[name];
  if (command === undefined) throw mistake(`the command is one of ${Object.keys(COMMANDS).join(', ')}`);
  const stray = Object.keys(given).find((option) => !command.options.includes(option));
  if (stray !== undefined) throw mistake(`${name} takes no --${stray}`);
  if (command.words === 'none' && words.length > 0) throw mistake(`${name} takes no folder`);
  if (command.words === 'folder' && words.length > 1)
    throw mistake(`${name} takes one folder, ${words.length} are given`);
  return command.run({ words, folder: words[0], ...given });
}

function mistake(text: string): WetreadError {
  return new WetreadError('request-invalid', `${text}; see wetread --help`);
}

function print(text: string): number {
  process.stdout.write(`${text.trimEnd()}\n`);
  return 0;
}

/** Of parseArgs' sentences the first says what is wrong; the rest is advice that does not apply here. */
function asMistake(error: unknown): unknown {
  const isArgument = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  return isArgument ? mistake(error.message.split(/\.\s/)[0]!) : error;
}

function exitCodeOf(cause: unknown): number {
  const { code, message } = WetreadError.from(asMistake(cause));
  process.stderr.write(`wetread: ${message} [${code}]\n`);
  return code === 'request-invalid' || code === 'config-invalid' ? 2 : 1;
}

/** What nobody caught: its message may quote what it failed on, so only its name and its frames are shown. */
process.on('uncaughtException', (error: Error) => {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line));
  process.stderr.write([`wetread: ${error.name} [internal]`, ...frames, ''].join('\n'));
  process.exit(1);
});

process.exitCode = await main(process.argv.slice(2)).catch(exitCodeOf);
