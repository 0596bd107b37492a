/** The load: raw TCP sockets that speak just enough WebSocket, and the publisher, in a process of their own. */
import { serve } from '../kit/child.ts';
import { closedLoop, type LoopOptions, type LoopResult } from './closed-loop.ts';
import { Crowd } from './crowd.ts';
import { type Publisher, publishToBare, publishToLog, type Target } from './publisher.ts';

export type Question =
  | {
      readonly kind: 'connect';
      readonly port: number;
      readonly count: number;
      readonly tokens: readonly string[];
    }
  | { readonly kind: 'publisher'; readonly target: Target }
  | ({ readonly kind: 'run' } & LoopOptions)
  | { readonly kind: 'close' };

let crowd: Crowd | undefined;
let publisher: Publisher | undefined;

serve<Question>(async (question): Promise<object | LoopResult> => {
  switch (question.kind) {
    case 'connect':
      crowd ??= new Crowd();
      await crowd.grow(question);
      return { size: crowd.size };
    case 'publisher': {
      const { target } = question;
      publisher = target.kind === 'log' ? await publishToLog(target) : await publishToBare(target);
      return {};
    }
    case 'run':
      if (!crowd || !publisher) throw new Error('nobody is connected yet');
      return closedLoop(crowd, publisher, question);
    case 'close':
      await publisher?.close();
      crowd?.close();
      return {};
  }
});
