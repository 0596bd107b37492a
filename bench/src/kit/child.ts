/** Child processes that are asked by messages: one question at a time, one answer each. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface Child {
  readonly process: ChildProcess;
  /** Sends a message and gives the answer to it. Rejects where the child ends instead. */
  ask<Answer>(message: object): Promise<Answer>;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node's own. */
  readonly execArgv?: readonly string[];
}

/** Starts a script of this project in a process of its own; its errors go to this process' standard error. */
export function startChild(script: URL, { env = {}, execArgv = [] }: ChildOptions = {}): Child {
  const child = fork(script, {
    env,
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  return {
    process: child,
    async ask<Answer>(message: object): Promise<Answer> {
      const answer = once(child, 'message');
      child.send(message);
      const [value] = await Promise.race([answer, ended.then(() => [{ failure: 'the process has ended' }])]);
      if (value !== null && typeof value === 'object' && 'failure' in value) throw new Error(value.failure);
      return value as Answer;
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Serves a child's side: `handle` answers what {@link Child.ask} sends. */
export function serve<Question extends { readonly kind: string }>(
  handle: (question: Question) => Promise<object> | object,
): void {
  process.on('message', (question: Question) => {
    void Promise.resolve(question)
      .then(handle)
      .catch((error: unknown) => ({
        failure: error instanceof Error ? (error.stack ?? error.message) : 'failed',
      }))
      .then((answer) => process.send?.(answer));
  });
  process.on('disconnect', () => process.exit(0));
}
