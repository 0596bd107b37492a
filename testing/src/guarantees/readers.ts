/** Queries beside a load, so that whoever answers them is at work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { getArticle, listArticles } from '@annals/contracts/publishing/article.routes';
import type { Load } from './load.ts';
import type { Setbacks } from './retrying-api.ts';

export interface Readers {
  /** Successful queries so far. */
  readonly answered: () => number;
  /** What was answered or happened instead, by kind: how often. */
  readonly setbacks: Readonly<Setbacks>;
  stop(): Promise<void>;
}

/** `count` readers, each asking one query after the other: a list, and an article as of its last acknowledged change. */
export function startReaders(load: Load, count: number): Readers {
  const setbacks: Setbacks = {};
  let answered = 0;
  let isOver = false;

  const read = async (): Promise<void> => {
    const writer = load.writers[Math.floor(Math.random() * load.writers.length)];
    const id = writer?.articles[0]?.id ?? '';
    const position = load.ledger.at(-1)?.position ?? '';
    const headers = { 'annals-min-position': position, prefer: 'wait=5' };
    const api = writer?.person.api;
    const isList = Math.random() < 0.5;
    const answer = isList
      ? api?.send(listArticles, { headers })
      : api?.send(getArticle, { params: { idOrSlug: id }, headers });
    const outcome = await answer?.then(({ status }) => `status ${status}`).catch(() => 'no answer');
    if (outcome === 'status 200') answered++;
    else setbacks[String(outcome)] = (setbacks[String(outcome)] ?? 0) + 1;
  };
  const work = async (): Promise<void> => {
    while (!isOver) {
      await read();
      await sleep(20);
    }
  };
  const working = Promise.all(Array.from({ length: count }, work));
  return {
    answered: () => answered,
    setbacks,
    stop: async () => {
      isOver = true;
      await working;
    },
  };
}
