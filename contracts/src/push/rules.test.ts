import { describe, expect, it } from 'vitest';
import { catalogue } from '../catalogue.ts';
import { discover, ofKind } from '../kit/discover.ts';
import type { PushRule } from './rule.ts';
import { pushRules } from './rules.ts';

describe('push rules', () => {
  it('are about event types of the catalogue, one rule a type', async () => {
    const all = await discover(
      new URL('../', import.meta.url),
      '.push.ts',
      ofKind<'push-rule', PushRule>('push-rule'),
    );
    expect(all.map(({ type }) => type).sort()).toEqual([...pushRules.keys()].sort());
    for (const type of pushRules.keys()) expect(catalogue.has(type), type).toBe(true);
  });

  it('say what changes who may see a channel', () => {
    expect(pushRules.get('ArticleUnpublished')?.changesVisibility).toBe(true);
    expect(pushRules.get('ArticleLiked')?.changesVisibility).toBe(false);
  });
});
