/** Jobs: work that a reaction leaves behind, done by `*.task.ts` files, at least once. */
import type { EventLog } from '@annals/platform/event-log/log';
import type { TokenClaims } from '@annals/platform/privacy/signed-token';
import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Mailer } from '../mailing/mailer.ts';
import type { TokenPurpose } from '../mailing/template.ts';
import type { Queries } from '../queries.ts';
import type { Commands } from '../reactions/reaction.ts';

/** What tasks may use. */
export interface TaskServices {
  readonly log: EventLog;
  readonly pool: Pool;
  readonly mailer: Mailer;
  readonly commands: Commands;
  readonly queries: Queries;
  /** What clients see, without a slash at its end. */
  readonly publicUrl: string;
  /** Days after which a draft that nobody touched is deleted. */
  readonly draftsKeptDays: number;
  /** A link that carries a signed token. */
  tokenLink(purpose: TokenPurpose, claims: TokenClaims): string;
}

/** A job to add. */
export interface JobRequest {
  readonly task: string;
  /** Unique for what is to be done once: while a job with this key is there, even a failed one, no other is added. */
  readonly key: string;
  /** Ids only, never personal data. */
  readonly payload: Readonly<Record<string, string | undefined>>;
  /** When it is due: RFC 3339. Left out: at once. */
  readonly runAt?: string;
  /** How often it is tried; left out: four times. */
  readonly attempts?: number;
}

/** What `*.task.ts` files export. */
export interface Task<Payload = unknown> {
  readonly kind: 'task';
  readonly name: string;
  readonly payload: z.ZodType<Payload>;
  /**
   * When it is done without being asked for: minute, hour, day, month, day of the week, in UTC. Once across all
   * workers; what fell into a time when none ran is made up for.
   */
  readonly cron?: string;
  /** Between an attempt that failed (from 1) and the next. Left out: 5 minutes. */
  readonly retryMs?: (attempt: number) => number;
  /**
   * Does the job, possibly for the second time. What it throws is stored and shown to operators: its message must not
   * quote personal data.
   */
  readonly run: (payload: Payload, services: TaskServices) => Promise<void>;
}

/** Defines a task, its payload typed by its schema. */
export function defineTask<Payload>(task: Omit<Task<Payload>, 'kind'>): Task<Payload> {
  return { kind: 'task', ...task };
}
