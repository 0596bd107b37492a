/**
 * The load: comments at an even pace, whether or not earlier ones were answered. Every comment's push is awaited on a
 * socket; of some the client reads what it wrote, as of the position that it was given. All times count from when the
 * command was due.
 */
import { once } from 'node:events';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { PUSH_SUBPROTOCOL } from '@annals/contracts/push/messages';
import { WebSocket } from 'ws';
import { serve } from '../kit/child.ts';
import { commentBody } from '../write/community.ts';
import { HttpConnections } from './http-connections.ts';
import type { Latencies, LatencyPlan, Percentiles } from './latencies.ts';

const CONNECTIONS = 64;
const BODY = JSON.stringify(commentBody);
/** How long after the last command its push may come. */
const PATIENCE_MS = 10_000;

interface Run {
  readonly plan: LatencyPlan;
  readonly commands: HttpConnections;
  readonly queries: HttpConnections;
  readonly answered: RecordableHistogram;
  readonly visible: RecordableHistogram;
  readonly pushed: RecordableHistogram;
  /** When commands were due, by the comment's id: answered, not pushed yet. */
  readonly due: Map<string, number>;
  /** When pushes came, by the comment's id: pushed, not answered yet. */
  readonly early: Map<string, number>;
}

async function measure(plan: LatencyPlan): Promise<Latencies> {
  const run: Run = {
    plan,
    commands: await HttpConnections.open(plan.commandUrl, CONNECTIONS),
    queries: await HttpConnections.open(plan.queryUrl, CONNECTIONS),
    answered: createHistogram(),
    visible: createHistogram(),
    pushed: createHistogram(),
    due: new Map(),
    early: new Map(),
  };
  const sockets = await Promise.all(plan.articleIds.map((id) => follow(run, id)));
  const startedAt = performance.now();
  const underWay: Promise<void>[] = [];
  const total = Math.floor((plan.ms / 1_000) * plan.rate);
  while (underWay.length < total) {
    const due = Math.min(total, 1 + Math.floor(((performance.now() - startedAt) / 1_000) * plan.rate));
    while (underWay.length < due) {
      const number = underWay.length;
      underWay.push(command(run, number, startedAt + (number / plan.rate) * 1_000));
    }
    await sleep(1);
  }
  await Promise.all(underWay);
  const seconds = (performance.now() - startedAt) / 1_000;
  const deadline = performance.now() + PATIENCE_MS;
  while (run.due.size > 0 && performance.now() < deadline) await sleep(20);
  for (const socket of sockets) socket.terminate();
  run.commands.close();
  run.queries.close();
  if (run.due.size > 0) throw new Error(`${run.due.size} pushes are missing`);
  const { answered, visible, pushed } = run;
  return {
    perSecond: total / seconds,
    answered: percentiles(answered),
    visible: percentiles(visible),
    pushed: percentiles(pushed),
  };
}

async function command(run: Run, number: number, dueAt: number): Promise<void> {
  const { tokens, articleIds, everyNth } = run.plan;
  const token = tokens[number % tokens.length];
  const article = articleIds[(number + 1) % articleIds.length];
  const path = `/v1/articles/${article}/comments`;
  const { status, head, body } = await run.commands.request(
    'POST',
    path,
    [`authorization: Bearer ${token}`],
    BODY,
  );
  if (status !== 201) throw new Error(`a command was answered ${status}: ${body}`);
  record(run.answered, dueAt, performance.now());
  const { id } = JSON.parse(body) as { id: string };
  const pushedAt = run.early.get(id);
  if (pushedAt === undefined) run.due.set(id, dueAt);
  else {
    run.early.delete(id);
    record(run.pushed, dueAt, pushedAt);
  }
  if (number % everyNth === 0) await readBack(run, { id, dueAt, position: positionIn(head) });
}

/** Asks until the answer shows the comment: the server waits, so that once is enough. */
async function readBack(
  run: Run,
  { id, dueAt, position }: { readonly id: string; readonly dueAt: number; readonly position: string },
): Promise<void> {
  const headers = [`annals-min-position: ${position}`, 'prefer: wait=10'];
  const { status, body } = await run.queries.request('GET', `/v1/comments/${id}`, headers);
  if (status !== 200) throw new Error(`a query was answered ${status}: ${body}`);
  record(run.visible, dueAt, performance.now());
}

async function follow(run: Run, articleId: string): Promise<WebSocket> {
  const socket = new WebSocket(`${run.plan.pushUrl.replace('http', 'ws')}/v1/push`, PUSH_SUBPROTOCOL);
  await once(socket, 'open');
  const subscribed = once(socket, 'message');
  socket.send(JSON.stringify({ id: 1, type: 'subscribe', channel: `article:${articleId}` }));
  const [answer] = (await subscribed) as [Buffer];
  if (!answer.includes('"subscribed"')) throw new Error(`not subscribed: ${answer}`);
  socket.on('message', (data: Buffer) => {
    const now = performance.now();
    for (const line of data.toString('latin1').split('\n')) {
      const id = /"type":"CommentAdded".*"data":\{"id":"([^"]+)"/.exec(line)?.[1];
      if (id) arrive(run, id, now);
    }
  });
  return socket;
}

function arrive(run: Run, id: string, now: number): void {
  const dueAt = run.due.get(id);
  if (dueAt === undefined) run.early.set(id, now);
  else {
    run.due.delete(id);
    record(run.pushed, dueAt, now);
  }
}

function positionIn(head: string): string {
  return /\r\nannals-position: *(\S+)/i.exec(head)?.[1] ?? '';
}

function record(histogram: RecordableHistogram, from: number, to: number): void {
  histogram.record(Math.max(1, Math.round((to - from) * 1_000)));
}

function percentiles(histogram: RecordableHistogram): Percentiles {
  return { p50: histogram.percentile(50) / 1_000, p99: histogram.percentile(99) / 1_000 };
}

serve<LatencyPlan & { readonly kind: 'latency' }>(measure);
