/** Replaying a log into documents in MongoDB, against nothing but the bulk writes of the same documents. */
import { createMongoViewStore } from '@annals/platform/consumer/mongodb/store';
import { viewName } from '@annals/platform/consumer/projection';
import { createConsumers } from '@annals/platform/consumer/runtime';
import type { Writes } from '@annals/platform/consumer/store';
import { type MongoDatabase, openMongo } from '@annals/platform/mongodb/database';
import { createLogger } from '@annals/platform/telemetry/logger';
import { articleDetails } from '@annals/projector/publishing/article-details.projection';
import { type MongoServer, mongoKinds } from '@annals/testing/servers/mongodb';
import { Registry } from 'prom-client';
import { type BenchContext, defineBench, ratioRow } from '../kit/bench.ts';
import { interleaved, perSecond } from '../kit/rounds.ts';
import { openReadSide, type ReadSide } from './views.ts';

const full = { people: 50, articles: 1_000, likes: 5, comments: 3 };
const quick = { people: 10, articles: 50, likes: 5, comments: 3 };
const VIEW = viewName(articleDetails);

export const mongodbReplay = defineBench({
  name: 'mongodb-replay',
  about: 'a log into detail documents in MongoDB, against bulk writes of the same documents',
  async run(context) {
    const kind = mongoKinds.find((one) => one.isThere && one.hasTransactions);
    if (!kind) {
      context.say('left out: no server that speaks the MongoDB protocol is there');
      return [];
    }
    const server = await kind.start();
    context.onEnd(() => server.remove());
    const side = await openReadSide(context, context.pick(quick, full));
    const batches: Writes[] = [];
    await replay(side, databaseOn(context, server), batches);
    const timed = async (work: () => Promise<number>) => (side.count / (await work())) * 1_000;
    const skip = async () => 0;
    const runs = [
      { name: 'replay', run: () => timed(() => replay(side, databaseOn(context, server))) },
      { name: 'raw', run: () => timed(() => writeRaw(databaseOn(context, server), batches)) },
    ];
    const figures = await interleaved(
      runs.map(({ name, run }) => ({ name, run: (ms) => (ms === 0 ? skip() : run()) })),
      { rounds: context.pick(1, 3), warmUpMs: 0, runMs: 1, say: context.say },
    );
    const measured = `${perSecond(figures.of('replay'))} vs ${perSecond(figures.of('raw'))}`;
    const what = `replay of ${side.count} events into detail documents in ${kind.name}`;
    const against = 'bulk writes of the same documents';
    return [ratioRow({ what, against, measured }, figures.ratio('replay', 'raw').median, 0.6)];
  },
});

let databases = 0;

function databaseOn(context: BenchContext, server: MongoServer): MongoDatabase {
  const mongo = openMongo({ url: server.url(`bench_${++databases}`), application: 'bench' });
  context.onEnd(() => mongo.close());
  return mongo;
}

/** Folds the whole log into a new view, noting its batches where asked to; gives the milliseconds that it took. */
async function replay({ log }: ReadSide, mongo: MongoDatabase, batches?: Writes[]): Promise<number> {
  const store = createMongoViewStore({ mongo });
  const head = await log.head();
  const end = Promise.withResolvers<void>();
  const commit: typeof store.commit = async (claim, to, writes, repair) => {
    const moved = await store.commit(claim, to, writes, repair);
    if (writes) batches?.push(writes);
    return moved;
  };
  const consumers = createConsumers({
    log,
    store: { ...store, commit },
    consumers: [articleDetails],
    owner: 'bench',
    logger: createLogger({ service: 'bench', level: 'warn' }),
    metrics: new Registry(),
    progress: {
      announce: (_, __, through) => {
        if (through >= head) end.resolve();
      },
      close: async () => {},
    },
  });
  const start = performance.now();
  await consumers.start();
  await end.promise;
  const took = performance.now() - start;
  await consumers.stop();
  return took;
}

/** Writes the same documents in the same batches. */
async function writeRaw(mongo: MongoDatabase, batches: readonly Writes[]): Promise<number> {
  const collection = mongo.db.collection<{ _id: string }>(VIEW);
  const start = performance.now();
  for (const { upserts } of batches) {
    const writes = [...upserts].map(([_id, doc]) => ({
      replaceOne: { filter: { _id }, replacement: { doc }, upsert: true },
    }));
    if (writes.length > 0) await collection.bulkWrite(writes, { ordered: false });
  }
  return performance.now() - start;
}
