/** Commands to command-api over HTTP. */
import { TemporarilyUnavailable } from '@annals/platform/consumer/reaction';
import type { Commands } from './reaction.ts';

const TIMEOUT_MS = 15_000;
/** Answers that another attempt may change. */
const PASSING = new Set([408, 409, 425, 429]);

/** `url`: base URL of command-api's main port. */
export function createCommands({ url, serviceToken }: { url: string; serviceToken: string }): Commands {
  return {
    async post(path, body, idempotencyKey) {
      const response = await send(`${url}${path}`, body, {
        authorization: `Bearer ${serviceToken}`,
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
      });
      await response.arrayBuffer();
      if (response.ok) return;
      const message = `command-api answered ${response.status} to ${path}`;
      if (response.status >= 500 || PASSING.has(response.status)) throw new TemporarilyUnavailable(message);
      throw new Error(message);
    },
  };
}

async function send(url: string, body: object, headers: Record<string, string>): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
  } catch (cause) {
    throw new TemporarilyUnavailable('command-api can not be reached', { cause });
  }
}
