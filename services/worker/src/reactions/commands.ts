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
      const response = await send(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      await response.arrayBuffer();
      demandSuccess(response, path);
    },
    async get(path) {
      const response = await send(`${url}${path}`, { headers: { authorization } });
      const body: unknown = await response.json();
      demandSuccess(response, path);
      return body;
    },
  };
}

function demandSuccess(response: Response, path: string): void {
  if (response.ok) return;
  const message = `command-api answered ${response.status} to ${path}`;
  if (response.status >= 500 || PASSING.has(response.status)) throw new TemporarilyUnavailable(message);
  throw new Error(message);
}

async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    throw new TemporarilyUnavailable('command-api can not be reached', { cause });
  }
}
