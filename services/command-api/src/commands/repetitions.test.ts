import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { expect, test } from 'vitest';
import { createArticle, updateArticle } from '../publishing/article.commands.ts';
import { articles } from '../publishing/deciders.ts';
import type { AnyCommand } from './command.ts';
import { streamOf } from './decider.ts';
import { createHarness, newTicket, userCaller } from './harness.fixture.ts';

const author = userCaller(uuidv7());
const created = { caller: author, body: { title: 'An article', content: '<p>Words.</p>' } };

test('what another attempt at the command did is found after a conflict, though a read has moved on past it', async () => {
  const { replica } = createHarness();
  const other = replica();
  const { id } = await other.run(createArticle, created);
  const ticket = newTicket();
  const change = { caller: author, params: { id }, body: { tags: ['mine'] } };
  const theirs = { ...change, body: { tags: ['theirs'] } };
  const overtaken = (log: EventLog): EventLog => ({
    ...log,
    append: async (stream, events, expected) => {
      await other.run(updateArticle, theirs);
      await other.run(updateArticle, { ...change, ticket });
      await other.run(updateArticle, theirs);
      await repeating.streams.load(streamOf(articles, id));
      return log.append(stream, events, expected);
    },
  });
  const repeating = replica({ wrap: overtaken });
  const again = await repeating.run(updateArticle, { ...change, ticket: { ...ticket, isFirst: false } });
  expect(again).toMatchObject({ revision: 2, hasAppended: false });
  expect(await other.log.read(`article-${id}`)).toHaveLength(4);
});

test('what another attempt at the command did is found before a refusal, though a read has moved on past it', async () => {
  const { replica } = createHarness();
  const [first, other] = [replica(), replica()];
  const { id } = await first.run(createArticle, created);
  await other.run(updateArticle, { caller: author, params: { id }, body: { tags: ['before'] } });
  const ticket = newTicket();
  const change = { caller: author, params: { id }, body: { tags: ['mine'] }, ifMatch: 1 };
  const stalling: AnyCommand = {
    ...updateArticle,
    async prepare() {
      await other.run(updateArticle, { ...change, ticket: { ...ticket, isFirst: false } });
      await first.streams.load(streamOf(articles, id));
    },
  };
  const late = await first.run(stalling, { ...change, ticket });
  expect(late).toMatchObject({ revision: 2, hasAppended: false });
});
