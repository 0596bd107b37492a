/**
 * How a test tells the processes of its stack where to die: files in one folder. `plan.json` lists what is armed and
 * is read at every point; `claimed/<id>` makes sure that a fault happens once among all replicas and their
 * successors; `fired.jsonl` is appended to before the deed.
 */
import { join } from 'node:path';
import type { LocalService } from '@annals/cli/local/layout';
import type { FaultPoint } from '@annals/command-api/commands/faults';
import type { FollowerFaultPoint } from '@annals/platform/access/faults';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { z } from 'zod';

/**
 * Command-api's points, those of consumers and of followers (see their own types), and `folding`: an event is about to be folded into
 * a document, for `kill` and `throw` alone.
 */
export type Point = FaultPoint | ConsumerFaultPoint | FollowerFaultPoint | 'folding';

export const armedFault = z.object({
  id: z.string(),
  service: z.string(),
  /** Null: whichever gets there first. */
  replica: z.int().nullable(),
  point: z.string(),
  /** A regular expression that the subject matches. */
  match: z.string(),
  /** Hits of one process that pass before it happens. */
  afterHits: z.int(),
  isLasting: z.boolean(),
  action: z.union([z.enum(['kill', 'throw', 'hold']), z.object({ delayMs: z.number() })]),
});
export type ArmedFault = z.infer<typeof armedFault>;

export const plan = z.array(armedFault);

export const firedFault = z.object({
  id: z.string(),
  service: z.string().transform((name) => name as LocalService),
  replica: z.int(),
  point: z.string().transform((name) => name as Point),
  subject: z.string(),
  /** RFC 3339. */
  at: z.string(),
});
export type FiredFault = z.infer<typeof firedFault>;

/** What the processes of the stack are told once, at their start. */
export const settings = z.object({
  /** Names by operations port: nothing else tells replicas apart. */
  replicas: z.record(z.string(), z.object({ service: z.string(), number: z.int() })),
  /** Leases of projector and worker: short, so that successors need not wait for long. */
  leaseMs: z.number(),
  tickMs: z.number(),
  /** Command-api's; the product's default where it is missing. */
  reservationLeaseMs: z.number().optional(),
  idempotencyLeaseSeconds: z.number().optional(),
});
export type FaultSettings = z.infer<typeof settings>;

/** The files of the folder. */
export const filesIn = (folder: string) => ({
  settings: join(folder, 'settings.json'),
  plan: join(folder, 'plan.json'),
  claimed: join(folder, 'claimed'),
  fired: join(folder, 'fired.jsonl'),
});
