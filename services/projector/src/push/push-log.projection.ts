/** The push log: what sockets recover from. Folded from the same rules as the live frames. */
import { type PushLogDoc, pushFrames, pushLogKey, pushLogView } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import type { Projection } from '@annals/platform/consumer/projection';

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
  rows: {
    columns: {
      position: { type: 'text', of: ({ position }) => position },
      at: { type: 'timestamptz', of: ({ at }) => at },
    },
    indexes: ['(at)'],
  },
};
