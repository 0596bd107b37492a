/** Reading a JSON body: bounded in size and depth, strict about UTF-8, and holding only text that every store takes. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { type Mistake, Problem } from '@annals/contracts/problems';

/** Bodies may have this many bytes; uploads have limits of their own. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Arrays and objects may be nested this deeply. */
const MAX_JSON_DEPTH = 32;

/** Of a refused body this much, for this long, is read and thrown away. */
const MAX_DISCARDED_BYTES = 32 * 1024 * 1024;
const MAX_DISCARD_MS = 5_000;

const NOTHING = Buffer.alloc(0);

/** Reads a request's body, empty where it has none. Throws `body-too-large` beyond {@link MAX_BODY_BYTES}. */
export function readBody(message: IncomingMessage): Promise<Buffer> {
  if (!hasBody(message)) return Promise.resolve(NOTHING);
  if (declaredLength(message) > MAX_BODY_BYTES) return Promise.reject(tooLarge());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const onData = (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    else {
      message.off('data', onData);
      reject(tooLarge());
    }
  };
  message.on('data', onData);
  message.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  message.once('error', () => reject(new Problem('malformed-request', 'The body ended early.')));
  return promise;
}

/**
 * Throws away what of a body was not read, so that a client which only listens once it has sent everything gets its
 * refusal instead of a reset connection. Gives up on bodies that are too long or too slow.
 */
export async function discardBody(message: IncomingMessage): Promise<void> {
  if (!hasBody(message) || message.readableEnded || message.destroyed) return;
  if (declaredLength(message) > MAX_DISCARDED_BYTES) return;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, MAX_DISCARD_MS);
  let size = 0;
  message.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DISCARDED_BYTES) resolve();
  });
  for (const event of ['end', 'error', 'close']) message.once(event, () => resolve());
  await done;
  clearTimeout(timer);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function declaredLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0);
}

function tooLarge(): Problem {
  return new Problem('body-too-large', `The body must not exceed ${MAX_BODY_BYTES} bytes.`);
}

/** Refuses what is not `application/json` in UTF-8, unencoded: `unsupported-media-type`. */
export function requireJson(contentType: string | undefined, contentEncoding: string | undefined): void {
  if (contentType === 'application/json' && contentEncoding === undefined) return;
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (type !== 'application/json' || (charset && !/^charset="?utf-8"?$/.test(charset))) {
    throw new Problem('unsupported-media-type', 'Send the body as application/json in UTF-8.');
  }
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported-media-type', 'Send the body without a Content-Encoding.');
  }
}

/** Parses `body`; of repeated members the last counts. Throws `malformed-json`. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw new Problem('malformed-json', 'The body is empty; JSON is expected.');
  if (!isUtf8(body)) throw new Problem('malformed-json', 'The body is not valid UTF-8.');
  const text = body.toString();
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    throw new Problem('malformed-json', 'The body is not valid JSON.', { cause });
  }
}

/** True for text that every store takes: without NUL and unpaired surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/**
 * What no schema needs to check: text that no store takes and members named `__proto__`. Throws `malformed-json` where
 * `value` is nested deeper than {@link MAX_JSON_DEPTH}.
 */
export function inspectJson(value: unknown): Mistake[] {
  const mistakes: Mistake[] = [];
  const path: (string | number)[] = [];
  const refuse = (code: string, message: string) =>
    mistakes.push({ pointer: toPointer(path), code, message });
  const visitMembers = (members: Iterable<[string | number, unknown]>) => {
    if (path.length === MAX_JSON_DEPTH) {
      throw new Problem('malformed-json', `The body is nested deeper than ${MAX_JSON_DEPTH} levels.`);
    }
    for (const [key, member] of members) {
      path.push(key);
      if (key === '__proto__') refuse('unknown-field', 'is not known');
      else if (typeof key === 'string' && !isStorable(key)) refuse('invalid-text', INVALID_TEXT);
      visit(member);
      path.pop();
    }
  };
  const visit = (node: unknown): void => {
    if (typeof node === 'string') {
      if (!isStorable(node)) refuse('invalid-text', INVALID_TEXT);
    } else if (Array.isArray(node)) visitMembers(node.entries());
    else if (typeof node === 'object' && node !== null) visitMembers(Object.entries(node));
  };
  visit(value);
  return mistakes;
}

export const INVALID_TEXT = 'must not contain NUL or unpaired surrogates';

/** A JSON pointer (RFC 6901) to `path`. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
