/** The push log: what sockets recover from. Folded from the same rules as the live frames. */
import {
  type PushLogDoc,
  pushFrames,
  pushLogKey,
  pushLogView,
  RECOVERABLE_MS,
} from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import type { Projection } from '@annals/platform/consumer/projection';

/** Clocks differ, and trimming takes its time. */
const ABOUT_MS = 10 * 60_000;

export const pushLog: Projection<PushLogDoc> = {
  kind: 'projection',
  ...pushLogView,
  store: 'rows',
  handles: new Set(pushRules.keys()),
  // What was not pushed live when it happened need not be recovered either.
  isOpenEnded: true,
  keys: (event) => pushFrames(pushRules, event).map(pushLogKey),
  evolve: (_current, event, key) =>
    pushFrames(pushRules, event).find((frame) => pushLogKey(frame) === key) ?? null,
  isExpired: ({ at }, now) => Date.parse(at) < now.getTime() - RECOVERABLE_MS + ABOUT_MS,
  rows: {
    columns: {
      position: { type: 'text', of: ({ position }) => position },
      at: { type: 'timestamptz', of: ({ at }) => at },
    },
    indexes: ['(at)'],
  },
};
