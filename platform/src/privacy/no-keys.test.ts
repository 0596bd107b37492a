import { randomUUID } from 'node:crypto';
import { buildCatalogue } from '@annals/contracts/catalogue';
import { defineAggregate, defineEvent } from '@annals/contracts/kit/event';
import { ERASED, personal } from '@annals/contracts/kit/personal';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createEventLog } from '../event-log/event-log.ts';
import { createMemoryEventStore } from '../event-store/memory.ts';
import { createMemoryKeyStore } from './memory-keys.ts';
import { createNoKeys } from './no-keys.ts';

test('a reader without keys sees what is not personal, and can write nothing that is', async () => {
  const data = z.object({ personId: z.string(), name: personal(z.string()), town: z.string() });
  const person = defineAggregate('person', { Met: defineEvent({ version: 1, subject: 'personId', data }) });
  const store = createMemoryEventStore();
  const catalogue = buildCatalogue([person]);
  const writer = createEventLog({ store, catalogue, keys: createMemoryKeyStore(), mayCreateKeys: true });
  const reader = createEventLog({ store, catalogue, keys: createNoKeys(), mayCreateKeys: true });
  const id = randomUUID();
  const metadata = {
    ...{ commandId: id, correlationId: id, causationId: id, occurredAt: new Date().toISOString() },
    actor: { kind: 'system' as const, id: null },
  };
  const met = { id, type: 'Met', data: { personId: 'p', name: 'Ada', town: 'London' }, metadata };
  await writer.append('person-p', [met], 'none');
  const [read] = await reader.read('person-p');
  expect(read?.data).toEqual({ personId: 'p', name: ERASED, town: 'London' });
  await expect(reader.append('person-p', [{ ...met, id: randomUUID() }], 'any')).rejects.toThrow('no keys');
});
