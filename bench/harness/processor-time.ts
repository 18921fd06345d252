/** Processor time of this process, of processes it started, and of everybody else on the machine (Linux only). */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What one run of a line took. */
export interface Sample {
  readonly wallMs: number;
  /** User and system time of the process that does the work, all its threads. */
  readonly cpuMs: number;
}

/** Times work in this process. */
export async function timed(work: () => Promise<unknown>): Promise<Sample> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** The kernel counts in hundredths of a second on every platform that Node runs on. */
const MS_PER_TICK = 10;

interface ProcessTimes {
  readonly parent: number;
  readonly ticks: number;
}

/** Fields of `/proc/PID/stat` behind the command name, which may hold spaces: state, parent … utime, stime, cutime, cstime. */
function timesOf(pid: string): ProcessTimes | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), ticks };
  } catch {
    return undefined;
  }
}

/** Processor time of one process and its ended children, ms; undefined where the system does not tell. */
export function processorMs(pid: number): number | undefined {
  const times = timesOf(String(pid));
  return times === undefined ? undefined : times.ticks * MS_PER_TICK;
}

/** Processor time of this process and everything below it, ms. */
export function familyMs(): number | undefined {
  try {
    const all = new Map<number, ProcessTimes>();
    for (const name of readdirSync('/proc')) {
      const times = /^\d+$/.test(name) ? timesOf(name) : undefined;
      if (times !== undefined) all.set(Number(name), times);
    }
    let ticks = 0;
    for (const [pid, times] of all) if (descends(pid, all)) ticks += times.ticks;
    return ticks * MS_PER_TICK;
  } catch {
    return undefined;
  }
}

function descends(pid: number, all: ReadonlyMap<number, ProcessTimes>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 0; at = all.get(at)?.parent) {
    if (at === process.pid) return true;
  }
  return false;
}

/** Time that all processors together were busy, stolen time included, ms. */
function machineMs(): number | undefined {
  try {
    const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
      .split('\n', 1)[0]!
      .split(/\s+/)
      .map(Number);
    return (user! + nice! + system! + irq! + softirq! + steal!) * MS_PER_TICK;
  } catch {
    return undefined;
  }
}

/** Share of the machine that others use from now on until the function that is returned is called. */
export function watchOthers(): () => number | undefined {
  const [machine, family, start] = [machineMs(), familyMs(), performance.now()];
  return () => {
    const [machineNow, familyNow] = [machineMs(), familyMs()];
    if (machine === undefined || family === undefined || machineNow === undefined || familyNow === undefined)
      return undefined;
    const others = machineNow - machine - (familyNow - family);
    return Math.max(0, others) / (availableParallelism() * (performance.now() - start));
  };
}
