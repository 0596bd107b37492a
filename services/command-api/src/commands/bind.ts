/** Commands as routes: idempotency around the handler, and outcomes as answers. */
import type { Route } from '@annals/contracts/kit/route';
import { Problem, problems } from '@annals/contracts/problems';
import { problemResponse } from '@annals/platform/http/problem-response';
import { type BoundRoute, bind, type RouteRequest, type RouteResponse } from '@annals/platform/http/types';
import type { SecurityLog } from '@annals/platform/telemetry/security-log';
import { parseTraceparent } from '@annals/platform/telemetry/traceparent';
import { uuidv7 } from '@annals/platform/uuid';
import type { Idempotency, Running } from '../idempotency/idempotency.ts';
import type { StoredAnswer } from '../idempotency/table.ts';
import type { AnyCommand } from './command.ts';
import { actorOf } from './events.ts';
import type { Outcome, Ticket } from './execution.ts';
import type { Faults } from './faults.ts';
import type { CommandRunner } from './runner.ts';

export interface BindTools {
  readonly runner: CommandRunner;
  readonly idempotency: Idempotency;
  readonly publicUrl: string;
  readonly faults: Faults;
  readonly security: SecurityLog;
}

/** The command's route with its handler. */
export function bindCommand(command: AnyCommand, tools: BindTools): BoundRoute {
  return bind<Route>(command.route, (request) =>
    request.idempotencyKey === null
      ? handle(command, request, tools)
      : handleOnce(command, request, request.idempotencyKey, tools),
  );
}

async function handle(
  command: AnyCommand,
  request: RouteRequest<Route>,
  tools: BindTools,
): Promise<RouteResponse> {
  const outcome = await tools.runner.run(command, request, newTicket());
  audit(command, request, outcome, tools);
  return toAnswer(command, outcome, tools);
}

async function handleOnce(
  command: AnyCommand,
  request: RouteRequest<Route>,
  key: string,
  tools: BindTools,
): Promise<RouteResponse> {
  const { caller, body, ifMatch, url } = request;
  const { method, name } = command.route;
  const [path = url] = url.split('?', 1);
  const begun = await tools.idempotency.begin({ key, caller, method, path, body, ifMatch });
  if (begun.kind === 'replay') return begun.response;
  await tools.faults('begun', name);
  return runKeyed(command, request, begun, path, tools);
}

async function runKeyed(
  command: AnyCommand,
  request: RouteRequest<Route>,
  running: Running,
  instance: string,
  tools: BindTools,
): Promise<RouteResponse> {
  let outcome: Outcome;
  try {
    outcome = await tools.runner.run(command, request, running.ticket);
  } catch (error) {
    return endRefused(error, request, running, instance, tools);
  }
  audit(command, request, outcome, tools);
  const answer = toAnswer(command, outcome, tools);
  await (outcome.hasAppended ? running.answerLater(answer) : running.answer(answer));
  return answer;
}

/** A refusal is an answer like any other, unless the same request may fare better another time. */
async function endRefused(
  error: unknown,
  request: RouteRequest<Route>,
  running: Running,
  instance: string,
  { publicUrl }: BindTools,
): Promise<RouteResponse> {
  if (!(error instanceof Problem)) {
    await running.surrender();
    throw error;
  }
  if (!isFinal(error)) {
    await running.forget();
    throw error;
  }
  const traceId = parseTraceparent(request.traceparent)?.traceId ?? '';
  const { status, headers = {}, body } = problemResponse(error, { publicUrl, instance, traceId });
  const answer = { status, headers, body: String(body) };
  await running.answer(answer);
  return answer;
}

/** Mistakes of the input, and whatever passes by itself, don't use a key up. */
function isFinal({ code }: Problem): boolean {
  const { status } = problems[code];
  return status !== 400 && status !== 422 && status !== 429 && status < 500 && code !== 'concurrent-changes';
}

/** Tells the security log of what it is to know of [X3]. */
function audit(
  { audit: action, decider }: AnyCommand,
  { caller, params, traceparent }: RouteRequest<Route>,
  { id, hasAppended }: Outcome,
  { security }: BindTools,
): void {
  if (action === undefined || !hasAppended) return;
  const { permission } = params as { readonly permission?: string };
  const traceId = parseTraceparent(traceparent)?.traceId;
  const by = actorOf(caller).id;
  security.tell(action, 'done', {
    // What is not done to a user is done by one.
    userId: decider.category === 'user' ? id : by,
    by,
    address: caller.address,
    ...(permission === undefined ? {} : { permission }),
    ...(traceId === undefined ? {} : { traceId }),
  });
}

function toAnswer(command: AnyCommand, outcome: Outcome, { publicUrl }: BindTools): StoredAnswer {
  const { id, revision, position } = outcome;
  const isRelation = command.relationOf !== undefined;
  return {
    status: command.route.success.status,
    headers: {
      'annals-position': position,
      ...(isRelation ? {} : { etag: `"${revision}"` }),
      ...(command.location ? { location: publicUrl + command.location(id) } : {}),
    },
    body: JSON.stringify(isRelation ? { id } : { id, revision }),
  };
}

/** The ticket of a command that nobody will repeat. */
export function newTicket(): Ticket {
  return { commandId: uuidv7(), newId: uuidv7(), now: new Date().toISOString(), isFirst: true };
}
