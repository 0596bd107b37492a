/** The test's side of the control channel: arms faults in the processes of a stack, and tells which happened. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Layout, LocalService } from '@annals/cli/local/layout';
import { vi } from 'vitest';
import {
  type ArmedFault,
  type FaultSettings,
  type FiredFault,
  filesIn,
  firedFault,
  type Point,
} from './plan.ts';

export type FaultOptions = Partial<Omit<FaultSettings, 'replicas'>>;

export interface FaultToArm {
  readonly service: LocalService;
  /** Of which replica, from 1. Default: whichever gets there first. */
  readonly replica?: number;
  readonly point: Point;
  /**
   * What the subject contains or matches. Subjects: the command's route name; the consumer's name (`mail` for sent
   * mails); for `folding` the consumer, the event's type and id, and the document's key, with blanks between.
   */
  readonly match?: string | RegExp;
  /** Hits of one process that pass before it happens. Default 0. */
  readonly afterHits?: number;
  /** `hold`: waits there until it is disarmed. */
  readonly action: 'kill' | 'throw' | 'hold' | { readonly delayMs: number };
  /** Happens at every hit until it is disarmed, rather than once. Default false. */
  readonly isLasting?: boolean;
}

/** A fault in the plan. */
export interface Armed {
  readonly id: string;
  /** Removes it from the plan, whether it has happened or not. */
  disarm(): void;
  /** Resolves once it has happened; throws after `withinMs` (default 60 s). */
  fired(withinMs?: number): Promise<FiredFault>;
}

export interface Faults {
  arm(fault: FaultToArm): Armed;
  /** Empties the plan. */
  disarmAll(): void;
  /** All that happened so far, in order. */
  fired(): FiredFault[];
}

const LEASE_MS = 1_500;
const TICK_MS = 250;

/** Prepares the folder for the processes of `layout`. */
export function createFaults(folder: string, layout: Layout, options: FaultOptions): Faults {
  const files = filesIn(folder);
  mkdirSync(files.claimed, { recursive: true });
  const replicas = Object.fromEntries(
    layout.replicas.map(({ opsPort, service, number }) => [String(opsPort), { service, number }]),
  );
  const own: FaultSettings = { leaseMs: LEASE_MS, tickMs: TICK_MS, ...options, replicas };
  writeFileSync(files.settings, JSON.stringify(own));
  writeFileSync(files.fired, '');
  let armed: readonly ArmedFault[] = [];
  const replan = (next: readonly ArmedFault[]): void => {
    armed = next;
    writeFileSync(`${files.plan}.new`, JSON.stringify(armed));
    renameSync(`${files.plan}.new`, files.plan);
  };
  replan([]);

  const fired = (): FiredFault[] => {
    const lines = readFileSync(files.fired, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => firedFault.parse(JSON.parse(line)));
  };

  return {
    fired,
    disarmAll: () => replan([]),
    arm({ service, replica = null, point, match = '', afterHits = 0, action, isLasting = false }) {
      const id = randomUUID();
      const pattern = match instanceof RegExp ? match.source : match.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      replan([...armed, { id, service, replica, point, match: pattern, afterHits, isLasting, action }]);
      return {
        id,
        disarm: () => replan(armed.filter((fault) => fault.id !== id)),
        fired: (withinMs = 60_000) =>
          vi.waitFor(
            () => {
              const found = fired().find((one) => one.id === id);
              if (!found) throw new Error(`${service} has not come to "${point}" (${pattern})`);
              return found;
            },
            { timeout: withinMs, interval: 20 },
          ),
      };
    },
  };
}

/** The script of a service that can be made to fail. */
export function faultyMainFileOf(service: LocalService): string {
  return fileURLToPath(new URL(`./${service}-main.ts`, import.meta.url));
}
