import { projectorOf } from '@annals/cli/operate/projector';
import { viewName } from '@annals/platform/consumer/projection';
import { projections } from '@annals/projector/projections';
import { afterAll, expect, it } from 'vitest';
import { sharedStack } from '../shared-stack.ts';
import { counts } from './counts.ts';
import { startLoad } from './load.ts';
import { startReaders } from './readers.ts';
import { report } from './report.ts';

const NUMBER = 19;
const ROUNDS = counts(1, 5);
const all = projections.map(viewName);
const DOCUMENTS = 'article_details_v3';
const VIEWS = counts(['article_list_v4', DOCUMENTS], [...all, 'access_v2'], [DOCUMENTS]);
const PATIENCE_MS = 120_000;

const stack = sharedStack();

afterAll(() => stack.stop());

it('a rebuild under load fails no query and ends verified', async () => {
  const services = [{ name: 'projector', service: 'projector', opsUrl: stack.opsUrl('projector') }];
  const projector = projectorOf({ services, operatorToken: stack.operatorToken, eventLog: null });
  const outcomeOf = async (consumer: string, action: 'rebuild' | 'rollback' | 'verify' | 'drop') =>
    (await projector.ask({ consumer, action }, PATIENCE_MS)).outcome;
  const load = await startLoad({ baseUrl: stack.url, writers: 3 });
  const readers = startReaders(load, 3);

  let switches = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const view of VIEWS) {
      expect([view, await outcomeOf(view, 'rebuild')]).toEqual([view, 'switched']);
      switches++;
    }
    expect(await outcomeOf(DOCUMENTS, 'rollback')).toBe('rolled back');
    switches++;
  }
  await load.more(20);
  await load.stop();
  await readers.stop();
  expect(readers.setbacks).toEqual({});
  expect(load.setbacks).toEqual({});

  for (const view of VIEWS) {
    expect([view, await outcomeOf(view, 'verify')]).toEqual([view, 'verified']);
    expect([view, await outcomeOf(view, 'drop')]).toEqual([view, 'dropped']);
  }
  report(NUMBER, { switches, queries: readers.answered(), commands: load.ledger.length });
});
