/**
 * One stack for many files, since its start takes longer than most of them: two replicas of every service, with faults,
 * without throttles. What one file leaves in it others find: files count what is their own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFile } from '@annals/cli/local/stack-lock';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { isProductionStack } from './config.ts';
import { provideStack } from './e2e/global-setup.ts';
import { createFaults, type FaultOptions } from './faults/faults.ts';
import { faultsFolderOf, reachStack, type StackAddress, type TestStack } from './stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    sharedStack: StackAddress;
  }
}

/** How long a reservation may take. */
export const RESERVATION_LEASE_MS = 1_000;

/** What crashed processes leave behind runs out soon; not sooner than a commit takes on a slow server. */
const FAULTS: FaultOptions = {
  ...(isProductionStack ? { leaseMs: 2_500, tickMs: 500 } : { leaseMs: 1_000 }),
  reservationLeaseMs: RESERVATION_LEASE_MS,
  idempotencyLeaseSeconds: 2,
};

/** Models know nothing of failed log-ins that slow the next one down. */
const TUNING = { ANNALS_LOGIN_LOCK_AFTER: '10000000' };

/** Called by vitest before the first file that shares the stack. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stack = await provideStack(project, { replicas: 2, faults: FAULTS, tuning: TUNING, isDurable: true });
  project.provide('sharedStack', stack.address);
  return () => stack.stop();
}

/**
 * The shared stack, with nothing armed and nothing fired; `stop` disarms and waits until all of it is ready again.
 */
export function sharedStack(): TestStack {
  const address = inject('sharedStack');
  const faults = createFaults(faultsFolderOf(address.dataFolder), address.layout, FAULTS);
  const stack = reachStack(address, {
    pids: () => pidsIn(address.dataFolder),
    faults,
    stop: async () => {
      faults.disarmAll();
      await stack.ready();
    },
  });
  return stack;
}

/** Of what runs right now: the supervisor, another process, notes it down, and PostgreSQL itself. */
function pidsIn(dataFolder: string): Record<string, number> {
  const { children } = JSON.parse(readFileSync(stateFile(dataFolder), 'utf8')) as {
    readonly children: Readonly<Record<string, { readonly pid: number }>>;
  };
  const postgres = readFileSync(join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0];
  const services = Object.fromEntries(Object.entries(children).map(([name, { pid }]) => [name, pid]));
  return { postgres: Number(postgres), ...services };
}
