/** The projector's operations port, as operators' commands use it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Operated } from '../locate.ts';
import { Failure } from '../output.ts';

const consumer = z.object({
  consumer: z.string(),
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

/** What can be asked of the owner of a projection. */
export type Repair =
  | { readonly consumer: string; readonly action: 'retry' | 'discard'; readonly key: string }
  | { readonly consumer: string; readonly action: 'skip'; readonly position: string };

export interface Projector {
  projections(): Promise<readonly ProjectionStatus[]>;
  /** The longest parked first. */
  parked(consumer?: string): Promise<readonly ParkedDocument[]>;
  /** Asks for a repair and waits for what becomes of it, `waitMs` at most; null where nobody has done it by then. */
  repair(repair: Repair, waitMs: number): Promise<string | null>;
}

const POLL_MS = 200;
const TIMEOUT_MS = 10_000;
const request = z.object({ id: z.string(), outcome: z.string().nullable() });

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

  return {
    async projections() {
      return (await call('/admin/status', z.looseObject({ consumers: z.array(consumer) }))).consumers;
    },
    async parked(name) {
      const query = name === undefined ? '' : `?${new URLSearchParams({ consumer: name })}`;
      return (await call(`/admin/parked${query}`, z.object({ parked: z.array(parkedDocument) }))).parked;
    },
    async repair(repair, waitMs) {
      const { id } = await call('/admin/repairs', z.object({ id: z.string() }), repair);
      const deadline = performance.now() + waitMs;
      for (;;) {
        const { repairs } = await call('/admin/repairs', z.object({ repairs: z.array(request) }));
        const outcome = repairs.find((one) => one.id === id)?.outcome ?? null;
        if (outcome !== null || performance.now() > deadline) return outcome;
        await sleep(POLL_MS);
      }
    },
  };
}
