/** The process that sends requests: keep-alive connections, one request at a time on each, little work of its own. */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { serve } from './child.ts';
import type { LoadPlan, LoadResult } from './http-load.ts';

type Question = LoadPlan & { readonly kind: 'load' };

interface Connection {
  readonly socket: Socket;
  received: Buffer | null;
  /** When the request under way was due; null while there is none. */
  dueAt: number | null;
}

/** Pieces of the request's text between which a fresh UUID goes. */
function toPieces(plan: LoadPlan): readonly string[][] {
  const { host } = new URL(plan.url);
  return plan.requests.map(({ method, path, headers, body }) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const length = Buffer.byteLength(text.replaceAll('{{uuid}}', randomUUID()));
    const lines = Object.entries({
      host,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(length) }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`.split('{{uuid}}');
  });
}

async function load(plan: LoadPlan): Promise<LoadResult> {
  const pieces = toPieces(plan);
  const latencies = createHistogram();
  const statuses: Record<string, number> = {};
  const { promise: over, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const { port, hostname } = new URL(plan.url);
  let sent = 0;
  let done = 0;
  let isOver = false;
  let isOverdue = false;
  /** Open loop: when requests that found no free connection were due. */
  const waiting: number[] = [];
  const idle: Connection[] = [];

  const send = (connection: Connection, dueAt: number): void => {
    connection.dueAt = dueAt;
    const parts = pieces[sent++ % pieces.length] ?? [];
    connection.socket.write(parts.length === 1 ? (parts[0] ?? '') : fill(parts));
  };
  const next = (connection: Connection): void => {
    connection.dueAt = null;
    if (isOver) return;
    const dueAt = plan.rate === null ? performance.now() : waiting.shift();
    if (dueAt === undefined) idle.push(connection);
    else send(connection, dueAt);
  };
  const receive = (connection: Connection, chunk: Buffer): void => {
    const all = connection.received ? Buffer.concat([connection.received, chunk]) : chunk;
    const answer = parseAnswer(all);
    connection.received = answer ? null : all;
    if (!answer || connection.dueAt === null) return;
    latencies.record(Math.max(1, Math.round((performance.now() - connection.dueAt) * 1_000)));
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    done++;
    if (isOverdue) end();
    next(connection);
  };

  const connections = await Promise.all(
    Array.from({ length: plan.connections }, async (): Promise<Connection> => {
      const socket = connect({ port: Number(port), host: hostname, noDelay: true });
      const connection: Connection = { socket, received: null, dueAt: null };
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      socket.on('data', (chunk) => receive(connection, chunk));
      socket.on('close', () => isOver || fail(new Error('the server closed a connection')));
      return connection;
    }),
  );
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  connections.forEach(next);
  const pace = plan.rate === null ? undefined : setInterval(() => offer(performance.now()), 1);
  let offered = 0;
  function offer(now: number): void {
    // The first is due at once.
    const due = 1 + Math.floor(((now - startedAt) / 1_000) * (plan.rate ?? 0));
    for (; offered < due; offered++) {
      const dueAt = startedAt + (offered / (plan.rate ?? 1)) * 1_000;
      const free = idle.pop();
      if (free) send(free, dueAt);
      else waiting.push(dueAt);
    }
  }
  // Figures need an answer, however long it takes.
  setTimeout(() => {
    isOverdue = true;
    if (done > 0) end();
  }, plan.ms);
  try {
    await over;
  } finally {
    isOver = true;
    clearInterval(pace);
    for (const { socket } of connections) socket.destroy();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: done / seconds,
    p50Ms: latencies.percentile(50) / 1_000,
    p99Ms: latencies.percentile(99) / 1_000,
    statuses,
    cpu: (user + system) / 1e6 / seconds,
  };
}

function fill(parts: readonly string[]): string {
  let text = parts[0] ?? '';
  for (let index = 1; index < parts.length; index++) text += randomUUID() + parts[index];
  return text;
}

/** Null until all of it is there. */
function parseAnswer(all: Buffer): { status: string } | null {
  const end = all.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = all.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return all.length < end + 4 + length ? null : { status: head.slice(9, 12) };
}

serve<Question>(load);
