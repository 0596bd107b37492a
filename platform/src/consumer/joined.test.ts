import { describe, expect, test } from 'vitest';
import { consumersOf, joinConsumers } from './joined.ts';
import type { Consumers } from './runtime.ts';
import type { ConsumerStatus } from './store.ts';

/** Consumers of a store that tells of `names`, and what was asked of them. */
function storeOf(...names: readonly string[]): { readonly consumers: Consumers; readonly asked: string[] } {
  const asked: string[] = [];
  const consumers: Consumers = {
    start: async () => {},
    stop: async () => {},
    isReady: () => true,
    status: async () => names.map((consumer) => ({ consumer }) as ConsumerStatus),
    async request({ consumer }) {
      asked.push(consumer);
      return '1';
    },
    requests: async () => [],
  };
  return { consumers, asked };
}

describe('the consumers of two stores', () => {
  const here = storeOf('list_v1', 'list_v1_beside', 'details_v2', 'details_v1', 'relay_v1');
  const there = storeOf('details_v3', 'details_v3_beside', 'details_v2', 'list_v1', 'renamed_v1');
  const joined = joinConsumers([
    consumersOf(here.consumers, [{ name: 'list' }]),
    consumersOf(there.consumers, [{ name: 'details' }]),
  ]);

  test('list generations beside and old versions with their view, and nothing from before it moved', async () => {
    expect((await joined.status()).map(({ consumer }) => consumer)).toEqual([
      ...['details_v2', 'details_v3', 'details_v3_beside', 'list_v1', 'list_v1_beside'],
      ...['relay_v1', 'renamed_v1'],
    ]);
  });

  test('are asked where they are, generations beside and old versions too', async () => {
    const names = ['details_v3', 'details_v3_beside', 'details_v2', 'list_v1_beside', 'relay_v1'];
    for (const consumer of [...names, 'renamed_v1', 'nowhere_v1'])
      await joined.request({ consumer, action: 'drop' });
    expect(there.asked).toEqual(['details_v3', 'details_v3_beside', 'details_v2', 'renamed_v1']);
    expect(here.asked).toEqual(['list_v1_beside', 'relay_v1', 'nowhere_v1']);
  });
});
