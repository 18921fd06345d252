/**
 * A real RabbitMQ for tests: one node on loopback, in a temporary folder, with a port mapper (epmd) of its own, so that
 * it meets no other node of the machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

/** Not the wrapper on the path, which changes the user and the folder. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
/** Seconds on an idle machine, minutes on a busy one. */
const START_LIMIT_MS = 180_000;
const ANSWER_LIMIT_MS = 5_000;

/**
 * After a kill a quorum queue of a single node may not be started by RabbitMQ 3.10, or elect no leader where somebody
 * asks in the moment in which it starts (rabbitmq-server#10070), for as long as the node runs: the broker answers, and
 * takes nothing. This is the operator's remedy.
 */
const QUORUM_QUEUES = 'Q <- rabbit_amqqueue:list(), amqqueue:is_quorum(Q)';
const REVIVE = `[begin P = amqqueue:get_pid(Q), catch ra:restart_server(quorum_queues, P), catch ra:trigger_election(P) end || ${QUORUM_QUEUES}].`;
/** Only a leader answers, or says who it is. */
const LEADERS = `[catch ra:members(amqqueue:get_pid(Q), ${ANSWER_LIMIT_MS}) || ${QUORUM_QUEUES}].`;

/** For `test(name, { skip: withoutRabbitmq }, …)`: false, or the sentence that says what is missing. */
export const withoutRabbitmq: string | false = existsSync(SERVER)
  ? false
  : 'RABBITMQ ABSENT: apt-get install --no-install-recommends rabbitmq-server';

if (withoutRabbitmq !== false)
  process.stderr.write(`\n*** ${withoutRabbitmq}: tests against a real RabbitMQ are skipped ***\n`);

export interface Rabbitmq extends AsyncDisposable {
  /** `amqp://127.0.0.1:22000`. */
  readonly url: string;
  /** Ends the node at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts the node anew on the same folder and waits until it answers and its queues have leaders. */
  start(): Promise<void>;
  /** What an operator types as `rabbitmqctl eval`: an Erlang expression, run on the node. @returns its value, as Erlang writes it */
  evaluate(expression: string): Promise<string>;
  /** A connection of the test's own, with a channel that confirms. */
  channel(): Promise<TestChannel>;
}

export interface TestChannel extends AsyncDisposable {
  readonly channel: ConfirmChannel;
}

/** Uses three ports from this one on. Throws with what the node said where it does not start. */
export async function startRabbitmq(port: number): Promise<Rabbitmq> {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-rabbitmq-'));
  const url = `amqp://127.0.0.1:${port}`;
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.default = 127.0.0.1:${port}\n`);
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  const environment = environmentOf(folder, port);
  let server: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    // The node is a child of the script that was started, in a process group of its own.
    process.kill(-server.pid!, 'SIGKILL');
    await exited;
  };
  const start = async (): Promise<void> => {
    if (await answers(url)) throw new Error(`Another node has port ${port}`);
    server = spawn(SERVER, [], { cwd: folder, env: environment, stdio: 'ignore', detached: true });
    for (let waited = 0; !(await answers(url)); waited += 200) {
      if (waited > START_LIMIT_MS || server.exitCode !== null)
        throw new Error(`RabbitMQ does not start:${said(folder)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const stop = async (): Promise<void> => {
    await kill();
    for (const pid of portMappers(port + 2)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const evaluate = async (expression: string): Promise<string> => {
    const control = spawn(CONTROL, ['eval', expression], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 2],
    });
    const [said] = await Promise.all([text(control.stdout!), once(control, 'exit')]);
    return said;
  };
  const restart = async (): Promise<void> => {
    await start();
    for (let tries = 0; tries < 5; tries += 1) {
      await evaluate(REVIVE);
      if (!/timeout|error|EXIT/.test(await evaluate(LEADERS))) return;
    }
  };
  return { url, kill, start: restart, evaluate, channel: () => testChannel(url), [Symbol.asyncDispose]: stop };
}

function environmentOf(folder: string, port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: folder,
    RABBITMQ_NODENAME: `wetread${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(port + 1),
    ERL_EPMD_PORT: String(port + 2),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
  };
}

async function testChannel(url: string): Promise<TestChannel> {
  const connection: ChannelModel = await connect(url, { noDelay: true, timeout: ANSWER_LIMIT_MS });
  connection.on('error', () => {});
  const channel = await answered(connection.createConfirmChannel());
  channel.on('error', () => {});
  return { channel, [Symbol.asyncDispose]: () => answered(connection.close()).catch(() => {}) };
}

/** A node that starts may take a connection and never answer on it. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(reject, ANSWER_LIMIT_MS, new Error('RabbitMQ does not answer')).unref();
  });
  return await Promise.race([answer, late]);
}

async function answers(url: string): Promise<boolean> {
  try {
    await using _channel = await testChannel(url);
    return true;
  } catch {
    return false;
  }
}

/** The port mapper puts itself in the background and outlives the node: it is known by its environment (Linux: /proc). */
function portMappers(port: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(join('/proc', pid, 'comm'), 'utf8').startsWith('epmd') &&
          readFileSync(join('/proc', pid, 'environ'), 'utf8')
            .split('\0')
            .includes(`ERL_EPMD_PORT=${port}`)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

function said(folder: string): string {
  const logs = existsSync(join(folder, 'log')) ? readdirSync(join(folder, 'log')) : [];
  return logs.map((name) => `\n${readFileSync(join(folder, 'log', name), 'utf8').slice(-2000)}`).join('');
}
