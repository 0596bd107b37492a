/** Sends requests byte by byte as they are: fetch would correct some of what is wrong with them. */
import { Agent, request } from 'node:http';
import type { RawAnswer } from './openapi-answers.ts';

export interface RawRequest {
  readonly method: string;
  /** Encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

const TIMEOUT_MS = 30_000;
const agent = new Agent({ keepAlive: true, maxSockets: 20 });

/** The answer to `outgoing`; rejects where none comes within 30 s. */
export function send(baseUrl: string, { method, path, headers, body }: RawRequest): Promise<RawAnswer> {
  const { hostname: host, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const framing = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ host, port, method, path, headers: { ...framing, ...headers }, agent });
    outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({
        status: response.statusCode ?? 0,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name, value?.toString()]),
        ),
        body: Buffer.concat(chunks).toString(),
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
