/** The projector's operations port, as operators' commands use it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Operated } from '../locate.ts';
import { Failure } from '../output.ts';

const consumer = z.object({
  consumer: z.string(),
  generation: z.number(),
  through: z.string(),
  owner: z.string().nullable(),
  isLive: z.boolean(),
  parkedKeys: z.number(),
  held: z.looseObject({ position: z.string(), error: z.string() }).nullable(),
});
export type ProjectionStatus = z.infer<typeof consumer>;

const parkedDocument = z.object({
  consumer: z.string(),
  key: z.string(),
  error: z.string(),
  position: z.string(),
  stream: z.string(),
  revision: z.number(),
  parkedAt: z.string(),
  events: z.number(),
});
export type ParkedDocument = z.infer<typeof parkedDocument>;

const topicList = z.object({
  relays: z.array(z.string()),
  topics: z.array(z.object({ name: z.string(), carries: z.string(), types: z.array(z.string()) })),
});
/** The integration topics, and the relays that fill them: none where they are off. */
export type TopicList = z.infer<typeof topicList>;

/** What can be asked of the owner of a projection. */
export type Repair =
  | { readonly consumer: string; readonly action: 'retry' | 'discard'; readonly key: string }
  | { readonly consumer: string; readonly action: 'skip'; readonly position: string };

/** What can be asked about a view as a whole. */
export interface Generation {
  readonly consumer: string;
  readonly action: 'build' | 'rebuild' | 'switch' | 'rollback' | 'drop' | 'verify';
}

const report = z.object({
  phase: z.string(),
  /** Of the phase, 0 to 1. */
  fraction: z.number(),
  since: z.string(),
  held: z.object({ position: z.string().nullable(), error: z.string() }).optional(),
  verification: z
    .object({
      rows: z.number(),
      expectedRows: z.number(),
      hash: z.string(),
      expectedHash: z.string(),
      differences: z.number(),
      differing: z.array(z.string()),
      parked: z.number(),
    })
    .optional(),
});
/** How far a request is. */
export type Report = z.infer<typeof report>;

const request = z.object({ id: z.string(), outcome: z.string().nullable(), report: report.nullable() });
/** What became of a request; `outcome` is null where it is not done. */
export type Asked = Pick<z.infer<typeof request>, 'outcome' | 'report'>;

export interface Projector {
  /** Every consumer of the log. */
  projections(): Promise<readonly ProjectionStatus[]>;
  /** The views of the projector. */
  views(): Promise<readonly string[]>;
  /** The longest parked first. */
  parked(consumer?: string): Promise<readonly ParkedDocument[]>;
  /** Asks for something and waits for what becomes of it, `waitMs` at most (null: to the end). */
  ask(
    request: Repair | Generation,
    waitMs: number | null,
    onReport?: (report: Report) => void,
  ): Promise<Asked>;
  topics(): Promise<TopicList>;
  /** Has one relay, or all, publish again what follows `from`; waits as `ask` does. An outcome per relay. */
  replay(
    replay: { readonly from: string; readonly relay?: string },
    waitMs: number,
  ): Promise<readonly (string | null)[]>;
}

const POLL_MS = 200;
const TIMEOUT_MS = 10_000;

/** Finds the projector among the services. Throws a {@link Failure} where there is none, and later where it is away. */
export function projectorOf({ services, operatorToken }: Operated): Projector {
  const opsUrl = services.find(({ service }) => service === 'projector')?.opsUrl;
  if (opsUrl === undefined) throw new Failure('none of these is the operations URL of the projector');

  async function call<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    body?: object,
  ): Promise<z.output<Schema>> {
    const response = await fetch(`${opsUrl}${path}`, {
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => {
      throw new Failure(`the projector does not answer at ${opsUrl}`);
    });
    const answer: unknown = await response.json();
    if (!response.ok)
      throw new Failure(`the projector answered ${response.status}: ${JSON.stringify(answer)}`);
    return schema.parse(answer);
  }

  /** What became of a request, as far as it is known after `waitMs` (null: to the end). */
  async function outcomeOf(
    id: string,
    waitMs: number | null,
    onReport?: (report: Report) => void,
  ): Promise<Asked> {
    const deadline = performance.now() + (waitMs ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const { repairs } = await call('/admin/repairs', z.object({ repairs: z.array(request) }));
      const own = repairs.find((one) => one.id === id);
      if (own?.outcome != null || performance.now() > deadline)
        return { outcome: own?.outcome ?? null, report: own?.report ?? null };
      if (own?.report) onReport?.(own.report);
      await sleep(POLL_MS);
    }
  }

  return {
    async projections() {
      return (await call('/admin/status', z.looseObject({ consumers: z.array(consumer) }))).consumers;
    },
    async parked(name) {
      const query = name === undefined ? '' : `?${new URLSearchParams({ consumer: name })}`;
      return (await call(`/admin/parked${query}`, z.object({ parked: z.array(parkedDocument) }))).parked;
    },
    async views() {
      return (await call('/admin/status', z.looseObject({ views: z.array(z.string()) }))).views;
    },
    async ask(asked, waitMs, onReport) {
      const { id } = await call('/admin/repairs', z.object({ id: z.string() }), asked);
      return outcomeOf(id, waitMs, onReport);
    },
    topics: () => call('/admin/topics', topicList),
    async replay(replay, waitMs) {
      const { ids } = await call('/admin/topics/replays', z.object({ ids: z.array(z.string()) }), replay);
      return Promise.all(ids.map(async (id) => (await outcomeOf(id, waitMs)).outcome));
    },
  };
}
