/** Commands that are decided in the end: how, and by whom. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Route } from '@annals/contracts/kit/route';
import { type Answer, Api, type CallOptions } from '../e2e/client.ts';

/** What passes by itself: another attempt may be answered otherwise. */
const PASSING = new Set(['idempotency-in-flight', 'concurrent-changes', 'too-many-requests']);
const PAUSE_MS = 50;
/** A generous deadline: leases are some seconds. */
const DECIDED_WITHIN_MS = 60_000;

export interface Decision extends Answer {
  /** `done`, or the problem's code. */
  readonly outcome: string;
}

/** What a test asks: the route, what it carries, and whose token. */
export interface Command {
  readonly route: Route;
  readonly options: CallOptions;
  readonly token?: string | undefined;
}

/** `done`, or the code of the problem. */
export function outcomeOf({ route }: Command, { status, body }: Answer): string {
  return status === route.success.status ? 'done' : String(body?.code ?? status);
}

/** The command under a key of its own. */
export function keyed(command: Command, key: string = randomUUID()): Command {
  const { options } = command;
  return { ...command, options: { ...options, headers: { ...options.headers, 'idempotency-key': key } } };
}

/** Sends a command once; null where there is no answer. */
export async function sendOnce(url: string, { route, options, token }: Command): Promise<Answer | null> {
  try {
    return await new Api(url, token).send(route, options);
  } catch {
    return null;
  }
}

/**
 * Sends a command, under one Idempotency-Key, until it is decided: no answer, 5xx, throttles, `idempotency-in-flight`
 * and `concurrent-changes` are not. Throws where that takes too long: a name that is blocked.
 */
export async function decided(url: string, command: Command): Promise<Decision> {
  const own = command.options.headers?.['idempotency-key'] ? command : keyed(command);
  const deadline = Date.now() + DECIDED_WITHIN_MS;
  for (;;) {
    const answer = await sendOnce(url, own);
    if (answer && answer.status < 500 && !PASSING.has(answer.body?.code)) {
      return { ...answer, outcome: outcomeOf(own, answer) };
    }
    if (Date.now() > deadline) {
      const last = JSON.stringify(answer && { status: answer.status, body: answer.body });
      throw new Error(`${own.route.name} is not decided: ${last}`);
    }
    await sleep(PAUSE_MS);
  }
}

/** All at once, each by the next of the `urls`. */
export function decidedAtOnce(urls: readonly string[], commands: readonly Command[]): Promise<Decision[]> {
  return Promise.all(commands.map((command, at) => decided(urls[at % urls.length] ?? '', command)));
}

/** The outcomes, each with how many came to it. */
export function tally(decisions: readonly Decision[]): Record<string, number> {
  const counted = Map.groupBy(decisions, ({ outcome }) => outcome);
  return Object.fromEntries([...counted].map(([outcome, all]) => [outcome, all.length]));
}
