/** Jobs: work that a reaction leaves behind, done by `*.task.ts` files, at least once. */
import type { EventLog } from '@annals/platform/event-log/log';
import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Mailer } from '../mailing/mailer.ts';

/** What tasks may use. */
export interface TaskServices {
  readonly log: EventLog;
  readonly pool: Pool;
  readonly mailer: Mailer;
  /** What clients see, without a slash at its end. */
  readonly publicUrl: string;
}

/** A job to add. */
export interface JobRequest {
  readonly task: string;
  /** Unique for what is to be done once: while a job with this key is there, even a failed one, no other is added. */
  readonly key: string;
  /** Ids only, never personal data. */
  readonly payload: Readonly<Record<string, string>>;
}

/** What `*.task.ts` files export. */
export interface Task<Payload = unknown> {
  readonly kind: 'task';
  readonly name: string;
  readonly payload: z.ZodType<Payload>;
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
