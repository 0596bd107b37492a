/** Runs commands: those on one stream one after the other, so that they don't run into each other. */
import type { AnyCommand } from './command.ts';
import {
  type CommandRequest,
  Execution,
  type ExecutionTools,
  type Outcome,
  type Ticket,
} from './execution.ts';
import { createTurns } from './turns.ts';

export interface CommandRunner {
  /** Throws the `Problem` that refuses the command; any other error leaves it unknown whether it took effect. */
  run(command: AnyCommand, request: CommandRequest, ticket: Ticket): Promise<Outcome>;
}

/** Commands that may wait for one stream within this process, and for how long. */
const TURN_LIMITS = { maxWaiting: 500, maxWaitMs: 10_000 };

export function createCommandRunner(tools: ExecutionTools): CommandRunner {
  const inTurn = createTurns(TURN_LIMITS);
  return {
    run(command, request, ticket) {
      const execution = new Execution(command, request, ticket, tools);
      const { sharedStream } = execution;
      return sharedStream === null ? execution.run() : inTurn(sharedStream, () => execution.run());
    },
  };
}
