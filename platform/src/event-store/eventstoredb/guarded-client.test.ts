import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createGuardedClient } from './guarded-client.ts';

test('a call that fails while no node of the cluster can be found leaves nothing to reject unheard', async () => {
  const url = 'esdb+discover://127.0.0.1:9?tls=false&maxDiscoverAttempts=2&discoveryInterval=50';
  const client = createGuardedClient(url, undefined);
  const getChannel = Reflect.get(client, 'getChannel') as () => Promise<never>;
  const execute = Reflect.get(client, 'execute') as (...call: unknown[]) => Promise<never>;
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', hear);
  // The call went out on a channel of before; by now the client looks for the next one.
  Reflect.set(client, 'getGRPCClient', async () => ({ getChannel: () => ({}) }));
  const lost = Object.assign(new Error('lost'), { code: 14, details: 'lost' });
  const looking = getChannel();
  const calling = execute(undefined, '', () => Promise.reject(lost));
  await Promise.all([
    expect(looking).rejects.toThrow('Failed to discover'),
    expect(calling).rejects.toBe(lost),
  ]);
  await sleep(10);
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
