/** What a query's handler has at hand, and how `*.queries.ts` files hand theirs over. */
import type { ListRequest } from '@annals/contracts/kit/list';
import { Problem } from '@annals/contracts/problems';
import type { Fresh, Freshness } from '@annals/platform/consumer/freshness';
import type { EventLog } from '@annals/platform/event-log/log';
import { UnknownPosition } from '@annals/platform/event-store/port';
import type { BoundInternalRoute } from '@annals/platform/http/bound-routes';
import { representation } from '@annals/platform/http/conditional';
import type { BoundRoute, RouteResponse } from '@annals/platform/http/types';
import type { Queryable } from '@annals/platform/postgres/shared-connections';
import type { Documents, ViewKey } from '@annals/platform/read-store/documents';
import { listBody } from './lists/answer.ts';
import { type ListRow, planList } from './lists/plan.ts';
import { createPreparer } from './lists/prepared.ts';
import type { ListSource } from './lists/source.ts';
import { compile, type Sql } from './lists/sql.ts';
import type { View } from './views.ts';

/** What of a request says how fresh its answer must be. */
export interface FreshRequest {
  readonly minPosition: string | null;
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Runs statements on the one connection of a read, and reads documents wherever they are. */
export interface Reader {
  readonly client: Queryable;
  readonly documents: Documents;
  rows<Row extends object>(statement: Sql): Promise<readonly Row[]>;
}

export interface ReadOptions<Data> {
  readonly views: readonly View[];
  /** The statements are few, and indexes make them short. */
  readonly isQuick?: boolean;
  /** For single resources: the documents that the answer is made of. */
  readonly resources?: (data: Data | undefined) => readonly ViewKey[];
}

interface ListRequestParts {
  readonly url: string;
  readonly query: ListRequest;
  readonly ifNoneMatch: readonly string[];
}

/** What handlers of queries share. */
export interface QueryContext {
  readonly publicUrl: string;
  /** Reads views, at least as fresh as the request asks. Throws `unknown-position` besides what freshness throws. */
  read<Data>(
    request: FreshRequest,
    options: ReadOptions<Data>,
    work: (reader: Reader) => Promise<Data>,
  ): Promise<Fresh<Data>>;
  /**
   * Answers a list. `guard` runs on the same connection, before the list, and throws where the caller may not see it.
   */
  answerList(
    request: FreshRequest & ListRequestParts,
    source: ListSource,
    guard?: (reader: Reader) => Promise<void>,
  ): Promise<RouteResponse>;
}

/** The handlers of one file. */
export interface Queries {
  readonly kind: 'queries';
  readonly bind: (context: QueryContext) => readonly BoundRoute[];
  /** Handlers of routes that our own services alone call. */
  readonly bindInternal?: (context: QueryContext) => readonly BoundInternalRoute[];
}

/** Defines handlers; `app.ts` finds them. */
export function defineQueries(bind: Queries['bind']): Queries {
  return { kind: 'queries', bind };
}

/** Defines handlers of internal routes; `app.ts` finds them. */
export function defineInternalQueries(bindInternal: NonNullable<Queries['bindInternal']>): Queries {
  return { kind: 'queries', bind: () => [], bindInternal };
}

export function createQueryContext(options: {
  readonly publicUrl: string;
  readonly freshness: Pick<Freshness, 'read'>;
  readonly log: Pick<EventLog, 'check'>;
}): QueryContext {
  const { publicUrl, freshness, log } = options;
  const prepare = createPreparer();
  const readerOn = (client: Queryable, documents: Documents): Reader => ({
    client,
    documents,
    rows: async <Row extends object>(statement: Sql) =>
      (await client.query<Row>(prepare(compile(statement)))).rows,
  });

  const read: QueryContext['read'] = async (request, { views, resources, isQuick }, work) => {
    const { minPosition } = request;
    if (minPosition !== null) await checkPosition(log, minPosition);
    const fresh = minPosition === null ? {} : { minPosition, waitMs: request.waitMs, signal: request.signal };
    const names = views.map(({ name }) => name);
    return freshness.read(names, { ...fresh, isQuick, ...(resources ? { resources } : {}) }, (...means) =>
      work(readerOn(...means)),
    );
  };

  return {
    publicUrl,
    read,
    async answerList(request, source, guard) {
      const { url, query } = request;
      const plan = planList(url.split('?', 1)[0] ?? url, query, source);
      const { views } = source;
      const { data, position, parked, basis } = await read(
        request,
        { views, isQuick: plan.isQuick },
        async (reader) => {
          // Sent together; and the connection is given back only when both are done.
          const [guarded, list] = await Promise.allSettled([
            guard?.(reader),
            reader.rows<ListRow>(plan.statement),
          ]);
          if (guarded.status === 'rejected') throw guarded.reason;
          if (list.status === 'rejected') throw list.reason;
          return list.value[0];
        },
      );
      if (!data) throw new Error('a list gave no row');
      const body = listBody({ publicUrl, url, query }, plan, data);
      const response = { ...representation(request, { body, position, basis }), until: source.until };
      if (parked === 0) return response;
      return { ...response, headers: { ...response.headers, 'annals-parked': String(parked) } };
    },
  };
}

async function checkPosition(log: Pick<EventLog, 'check'>, position: string): Promise<void> {
  try {
    await log.check(position);
  } catch (cause) {
    if (!(cause instanceof UnknownPosition)) throw cause;
    throw new Problem('unknown-position', 'It lies past the end of this log, or belongs to another.', {
      mistakes: [
        { header: 'Annals-Min-Position', code: 'unknown-position', message: 'is not one of this log' },
      ],
      cause,
    });
  }
}
