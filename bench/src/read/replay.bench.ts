/** Replaying a log into a view, against reading it raw and writing the very same bulk upserts. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPostgresViewStore } from '@annals/platform/consumer/postgres/store';
import { viewTable } from '@annals/platform/consumer/postgres/view-table';
import { rowsOf } from '@annals/platform/consumer/postgres/write-views';
import { type Projection, viewName } from '@annals/platform/consumer/projection';
import { articleDetails } from '@annals/projector/publishing/article-details.projection';
import { articleList } from '@annals/projector/publishing/article-list.projection';
import pg from 'pg';
import { type BenchContext, defineBench, type Row, ratioRow } from '../kit/bench.ts';
import { interleaved, perSecond } from '../kit/rounds.ts';
import { fold, forget, openReadSide, type ReadSide } from './views.ts';

/** Ten events of each article: 500,000 and the people. */
const full = { people: 500, articles: 50_000, likes: 5, comments: 3 };
const quick = { people: 10, articles: 200, likes: 5, comments: 3 };
const PAGE = 1_000;

const views = [
  ['article list', articleList],
  ['detail documents', articleDetails],
] as const;

export const replay = defineBench({
  name: 'replay',
  about: 'a log of 500,000 events into article list and detail documents, against raw read and bulk upserts',
  async run(context) {
    const side = await openReadSide(context, context.pick(quick, full));
    const rows: Row[] = [];
    for (const [name, projection] of views) rows.push(await compare(context, side, name, projection));
    return rows;
  },
});

async function compare(
  context: BenchContext,
  side: ReadSide,
  name: string,
  projection: Projection,
): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'annals-bench-'));
  context.onEnd(() => rm(folder, { recursive: true, force: true }));
  context.say(`${name}: noting the upserts`);
  const batches = await record(side, projection, folder);
  const timed = async (work: () => Promise<number>): Promise<number> => {
    await forget(side.pool, [projection]);
    return (side.count / (await work())) * 1_000;
  };
  const figures = await interleaved(
    [
      { name: 'replay', run: (ms) => (ms === 0 ? skip() : timed(() => fold(side, [projection]))) },
      {
        name: 'raw',
        run: (ms) => (ms === 0 ? skip() : timed(() => writeRaw(side, projection, folder, batches))),
      },
    ],
    { rounds: context.pick(1, 2), warmUpMs: 0, runMs: 1, say: (text) => context.say(`${name}: ${text}`) },
  );
  await forget(side.pool, [projection]);
  const measured = `${perSecond(figures.of('replay'))} vs ${perSecond(figures.of('raw'))}`;
  const what = `replay of ${side.count} events into the ${name}`;
  const against = 'raw read + the same bulk upserts, pipelined';
  return ratioRow({ what, against, measured }, figures.ratio('replay', 'raw').median, 0.6);
}

/** What is noted before counts as warmed up. */
async function skip(): Promise<number> {
  return 0;
}

/** Replays, and notes each batch's upsert in a file of its own; gives how many there are. */
async function record({ pool, log }: ReadSide, projection: Projection, folder: string): Promise<number> {
  const table = viewTable(projection);
  const store = createPostgresViewStore({ pool });
  let count = 0;
  const commit: typeof store.commit = async (claim, to, writes, repair) => {
    const rows = writes ? rowsOf(table, writes.upserts) : [];
    await writeFile(join(folder, `${count++}`), `[${rows.map(({ json }) => json).join(',')}]`);
    return store.commit(claim, to, writes, repair);
  };
  await fold({ pool, log }, [projection], { store: { ...store, commit } });
  return count;
}

const READ = `select position, stream, revision, id, type, data, metadata from event_store.events
  where position > $1 order by position limit ${PAGE}`;
const MOVE = `insert into consumers.checkpoints (consumer, fingerprint, position, through) values ($1, '', $2, $2)
  on conflict (consumer) do update set position = $2, through = $2`;

/** Reads pages one ahead, unparsed, and writes what was noted, each batch in one pipelined transaction. */
async function writeRaw(
  { url }: ReadSide,
  projection: Projection,
  folder: string,
  batches: number,
): Promise<number> {
  const table = viewTable(projection);
  const [reader, writer] = await Promise.all([connect(url, false), connect(url, true)]);
  for (const statement of table.ddl) await writer.query(statement);
  const page = (after: number) => reader.query({ name: 'page', text: READ, values: [after], ...unparsed });
  const start = performance.now();
  let reading = page(0);
  for (let batch = 0; batch < batches; batch++) {
    const { rows } = await reading;
    const last = Number(rows.at(-1)?.[0] ?? 0);
    reading = page(last);
    const json = await readFile(join(folder, `${batch}`), 'utf8');
    await Promise.all([
      writer.query('begin; set local synchronous_commit = off'),
      writer.query({ name: 'move', text: MOVE, values: [viewName(projection), String(last)] }),
      writer.query({ name: 'upsert', text: table.upsert, values: [json] }),
      writer.query('commit'),
    ]);
  }
  await reading;
  const took = performance.now() - start;
  await Promise.all([reader.end(), writer.end()]);
  return took;
}

const unparsed = {
  rowMode: 'array' as const,
  types: { getTypeParser: () => (value: string) => value },
};

async function connect(url: string, pipeline: boolean): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, pipeline });
  await client.connect();
  return client;
}
