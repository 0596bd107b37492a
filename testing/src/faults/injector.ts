/** The side of the control channel that lives in the service's process. Everything is synchronous up to the deed. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { faultsFolder } from '../config.ts';
import { type ArmedFault, type FaultSettings, type FiredFault, filesIn, plan, settings } from './plan.ts';

/** Thrown where `throw` was armed. */
class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

const HOLD_POLL_MS = 5;

export interface Injector {
  readonly settings: FaultSettings;
  /** At a point that can wait. */
  reach(point: string, subject: string): Promise<void>;
  /** At a point that cannot: delays are refused. */
  reachNow(point: string, subject: string): void;
}

/** The injector of the process that listens on `opsPort`. Throws outside of a stack with faults. */
export function createInjector(opsPort: number): Injector {
  if (faultsFolder === undefined) throw new Error('this process belongs to a stack that tests make fail');
  const files = filesIn(faultsFolder);
  const own = settings.parse(JSON.parse(readFileSync(files.settings, 'utf8')));
  const replica = own.replicas[String(opsPort)];
  if (!replica) throw new Error(`no process of the stack has the operations port ${opsPort}`);
  const { service, number } = replica;
  const hits = new Map<string, number>();
  let text = '';
  let armed: readonly ArmedFault[] = [];

  const read = (): readonly ArmedFault[] => {
    const newest = readFileSync(files.plan, 'utf8');
    if (newest !== text) armed = plan.parse(JSON.parse(newest)).filter((fault) => fault.service === service);
    text = newest;
    return armed;
  };

  const isDue = (fault: ArmedFault, point: string, subject: string): boolean => {
    if (fault.point !== point || (fault.replica ?? number) !== number) return false;
    if (!new RegExp(fault.match).test(subject)) return false;
    const before = hits.get(fault.id) ?? 0;
    hits.set(fault.id, before + 1);
    return before >= fault.afterHits && (fault.isLasting || claim(join(files.claimed, fault.id)));
  };

  const next = (point: string, subject: string): ArmedFault | undefined => {
    const fault = read().find((candidate) => isDue(candidate, point, subject));
    if (!fault) return undefined;
    const at = new Date().toISOString();
    const fired = { id: fault.id, service, replica: number, point, subject, at } satisfies Record<
      keyof FiredFault,
      unknown
    >;
    appendFileSync(files.fired, `${JSON.stringify(fired)}\n`);
    if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault.action === 'throw') throw new InjectedFault(`${point} ${subject}`);
    return fault;
  };

  return {
    settings: own,
    async reach(point, subject) {
      const fault = next(point, subject);
      if (typeof fault?.action === 'object') await sleep(fault.action.delayMs);
      if (fault?.action === 'hold')
        while (read().some(({ id }) => id === fault.id)) await sleep(HOLD_POLL_MS);
    },
    reachNow(point, subject) {
      if (next(point, subject)) throw new Error(`${point} cannot wait`);
    },
  };
}

/** True for the first who asks. */
function claim(file: string): boolean {
  try {
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
