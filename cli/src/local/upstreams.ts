/** What stands behind the gateway: which processes of a service there are, and which of them are ready. */
import { setTimeout as sleep } from 'node:timers/promises';
import { askReadiness, type Readiness } from './readiness.ts';
import type { Upstream } from './stack-processes.ts';

export interface Upstreams {
  /** The base URL for the next request to a service: the ready ones in turn; any where none is ready. */
  next(service: string): string;
  /** The processes to try when `baseUrl` refuses the connection, itself first, ready ones before others. */
  candidates(baseUrl: string): readonly string[];
  /** The process at `baseUrl` has said that it is about to go: it counts as not ready until it is asked again. */
  leaving(baseUrl: string): void;
  /** The readiness of each process, as of the last poll. */
  health(): readonly { readonly service: string; readonly readiness: Readiness }[];
  close(): void;
}

const POLL_MS = 500;
const UNKNOWN: Readiness = { isReady: false, reason: 'not asked yet' };
const LEAVING: Readiness = { isReady: false, reason: 'is about to go' };

/** Starts to poll the processes' readiness; resolves once all were asked. */
export async function watchUpstreams(list: readonly Upstream[]): Promise<Upstreams> {
  const states = list.map((upstream) => ({ ...upstream, readiness: UNKNOWN }));
  const turns = new Map<string, number>();

  /** Base URLs of a service, those that are ready first. */
  function urlsOf(service: string): { ready: string[]; others: string[] } {
    const reachable = states.flatMap(({ url, ...state }) =>
      url && state.service === service ? [{ ...state, url }] : [],
    );
    const urls = (isReady: boolean) =>
      reachable.filter(({ readiness }) => readiness.isReady === isReady).map(({ url }) => url);
    return { ready: urls(true), others: urls(false) };
  }

  const closing = new AbortController();
  /** Each process is asked by itself, one question after the other: one that is slow hides nothing of the others. */
  async function watch(state: (typeof states)[number]): Promise<void> {
    while (!closing.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: closing.signal }).catch(() => {});
      state.readiness = await askReadiness(readyUrl(state));
    }
  }

  await Promise.all(
    states.map(async (state) => {
      state.readiness = await askReadiness(readyUrl(state));
    }),
  );
  for (const state of states) void watch(state);

  return {
    next(service) {
      const { ready, others } = urlsOf(service);
      const from = ready.length > 0 ? ready : others;
      const turn = (turns.get(service) ?? 0) % Math.max(1, from.length);
      turns.set(service, turn + 1);
      const url = from[turn];
      if (url === undefined) throw new Error(`there is no upstream for ${service}`);
      return url;
    },
    candidates(baseUrl) {
      const service = states.find(({ url }) => url === baseUrl)?.service ?? '';
      const { ready, others } = urlsOf(service);
      return [...new Set([baseUrl, ...ready, ...others])];
    },
    leaving(baseUrl) {
      const state = states.find(({ url }) => url === baseUrl);
      if (state) state.readiness = LEAVING;
    },
    health: () => states.map(({ service, readiness }) => ({ service, readiness })),
    close: () => closing.abort(),
  };
}

function readyUrl({ opsUrl }: Upstream): string {
  return `${opsUrl}/health/ready`;
}
