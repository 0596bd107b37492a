/** Commands to command-api over HTTP. */
import { TemporarilyUnavailable } from '@annals/platform/consumer/reaction';
import type { Commands } from './reaction.ts';

const TIMEOUT_MS = 15_000;
/** Answers that another attempt may change. */
const PASSING = new Set([408, 409, 425, 429]);

/** `url`: base URL of command-api's main port. */
export function createCommands({ url, serviceToken }: { url: string; serviceToken: string }): Commands {
  const authorization = `Bearer ${serviceToken}`;
  return {
    async post(path, body, idempotencyKey) {
      const headers = {
        ...{ authorization, 'content-type': 'application/json' },
        'idempotency-key': idempotencyKey,
      };
      demandSuccess(
        await ask(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
        path,
      );
    },
    async get(path) {
      const answer = await ask(`${url}${path}`, { headers: { authorization } });
      demandSuccess(answer, path);
      return JSON.parse(answer.text);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function demandSuccess({ status }: Answer, path: string): void {
  if (status < 300) return;
  const message = `command-api answered ${status} to ${path}`;
  if (status >= 500 || PASSING.has(status)) throw new TemporarilyUnavailable(message);
  throw new Error(message);
}

/** The whole answer: whatever keeps it from coming is passing. */
async function ask(url: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new TemporarilyUnavailable('command-api can not be reached', { cause });
  }
}
