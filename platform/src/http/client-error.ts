/** Answers requests that never became one: what Node's parser refuses. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem } from '@annals/contracts/problems';
import { type ProblemContext, problemResponse } from './problem-response.ts';
import { securityHeaders } from './security-headers.ts';

const SECURITY_HEADERS = securityHeaders();

/** Writes a problem to `socket` and closes it; says nothing where the client has gone. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex, publicUrl: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const context = { publicUrl, instance: '/', traceId: randomUUID().replaceAll('-', '') };
  answerOnSocket(socket, toProblem(error.code), context);
}

/** Writes a problem as a whole HTTP response to `socket` and ends it: where there is no response object, e.g. upgrades. */
export function answerOnSocket(socket: Duplex, problem: Problem, context: ProblemContext): void {
  const { status, headers, body } = problemResponse(problem, context);
  const payload = String(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries({ ...SECURITY_HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(payload)}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${payload}`);
}

function toProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('headers-too-large', 'Address and headers must not exceed 16 KiB.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new Problem('body-too-large', 'The chunk extensions are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('malformed-request', 'The request did not arrive in time.');
  return new Problem('malformed-request', 'This is not a valid HTTP request.');
}
