/** All push rules by event type, found in the `*.push.ts` files. */
import { discover, ofKind } from '../kit/discover.ts';
import type { PushRule } from './rule.ts';

export const pushRules: ReadonlyMap<string, PushRule> = new Map(
  (
    await discover(new URL('../', import.meta.url), '.push.ts', ofKind<'push-rule', PushRule>('push-rule'))
  ).map((rule) => [rule.type, rule]),
);
