/** The way to a server: name, port, certificate, clock. */
import { lookup } from 'node:dns/promises';
import { type EventEmitter, once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { certificateFault } from '../../../src/remote-server.ts';
import { type CheckResult, fail, ok, type Step, warn } from './check.ts';

/** A server and the key of the configuration that names it. */
export interface Address {
  readonly url: URL;
  /** Such as `archive.url`. */
  readonly key: string;
  /** Port where the URL names none. */
  readonly defaultPort: number;
  readonly tls?: () => { readonly secureContext?: SecureContext; readonly servername?: string };
  /** What does not answer HTTP/1.1, which would tell its clock. */
  readonly protocol?: 'grpc';
}

export function httpAddress(url: string, key: string, tls?: Address['tls']): Address {
  const parsed = new URL(url);
  return { url: parsed, key, defaultPort: parsed.protocol === 'https:' ? 443 : 80, ...(tls && { tls }) };
}

/** Name, port and, over HTTP, certificate and clock. @returns whether the server can be asked anything. */
export async function reach(address: Address, step: Step): Promise<boolean> {
  if (!(await step('name', () => resolveName(address)))) return false;
  if (!(await step('port', (signal) => openPort(address, signal)))) return false;
  const isTls = address.url.protocol === 'https:';
  if (isTls && !(await step('certificate', (signal) => checkCertificate(address, signal)))) return false;
  if (address.protocol === 'grpc' || !/^https?:$/.test(address.url.protocol)) return true;
  let isAnswering = false;
  await step('clock', async (signal) => {
    const theirs = await dateOf(address, signal);
    isAnswering = typeof theirs === 'string';
    return typeof theirs === 'string' ? compareClocks(theirs) : theirs;
  });
  return isAnswering;
}

async function resolveName({ url, key }: Address): Promise<CheckResult> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return ok(`${host} is an address, no name`);
  try {
    const found = await lookup(host, { all: true });
    return ok(`${host} is ${found.map(({ address }) => address).join(', ')}`);
  } catch (cause) {
    return fail(`The name ${host} is not known (${codeOf(cause)})`, `Correct the host in ${key}, or the name service.`);
  }
}

async function openPort({ url, key, defaultPort }: Address, signal: AbortSignal): Promise<CheckResult> {
  const [host, port] = [hostOf(url), Number(url.port) || defaultPort];
  const started = performance.now();
  const socket = connectTcp({ host, port, signal });
  try {
    await once(socket, 'connect');
    return ok(`${host}:${port} answered in ${(performance.now() - started).toFixed(0)} ms`);
  } catch (cause) {
    if (codeOf(cause) === 'ECONNREFUSED')
      return fail(`Nothing listens on ${host}:${port}`, `Start the server, or correct the port in ${key}.`);
    return fail(`${host}:${port} does not answer (${codeOf(cause)})`, `Check the network and firewalls, or ${key}.`);
  } finally {
    socket.destroy();
  }
}

const SOON_DAYS = 14;

async function checkCertificate({ url, tls }: Address, signal: AbortSignal): Promise<CheckResult> {
  const host = hostOf(url);
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connectTls({ host, port: Number(url.port) || 443, ...name, ...tls?.() });
  try {
    await once(socket as EventEmitter, 'secureConnect', { signal });
    const until = new Date(socket.getPeerCertificate().valid_to);
    const days = Math.floor((until.getTime() - Date.now()) / 86_400_000);
    const sentence = `${socket.getProtocol() ?? 'TLS'}, valid until ${until.toISOString().slice(0, 10)}`;
    return days < SOON_DAYS
      ? warn(`${sentence}: ${days} days`, 'Have the certificate of the server renewed.')
      : ok(sentence);
  } catch (cause) {
    const fault = certificateFault(cause, 'The server');
    if (fault === undefined) return fail(`No TLS (${codeOf(cause)})`, 'Check that the port speaks https.');
    const [what = '', fix = 'Correct the certificate of the server'] = fault.message.split(': ');
    return fail(what, `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.`);
  } finally {
    socket.destroy();
  }
}

const SKEW_WARN_S = 5;
const SKEW_FAIL_S = 300;

/** Date (RFC 9110 6.6.1) has whole seconds, and is there whatever the status; or what is wrong where no answer comes. */
async function dateOf({ url, tls }: Address, signal: AbortSignal): Promise<string | CheckResult> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const asking = send(url, { ...tls?.(), method: 'GET', signal, agent: false });
  asking.end();
  try {
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    asking.on('error', () => {});
    response.destroy();
    return response.headers.date ?? '';
  } catch (cause) {
    signal.throwIfAborted();
    const fix = 'Look at the log of the server; perhaps another service has this port.';
    return fail(`The server ends the connection without an answer (${codeOf(cause)})`, fix);
  }
}

function compareClocks(date: string): CheckResult {
  const theirs = Date.parse(date);
  if (Number.isNaN(theirs)) return ok('The server does not say what time it is');
  const seconds = Math.round((Date.now() - theirs) / 1000);
  const fix = 'Set the clocks of both machines by NTP.';
  const sentence = `The server's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(seconds) >= SKEW_FAIL_S) return fail(sentence, fix);
  return Math.abs(seconds) > SKEW_WARN_S ? warn(sentence, fix) : ok('Both clocks agree');
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function codeOf(cause: unknown): string {
  const { code, name } = cause as NodeJS.ErrnoException;
  return code ?? name;
}
