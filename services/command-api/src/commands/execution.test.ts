import type { EventLog } from '@annals/platform/event-log/log';
import { uuidv7 } from '@annals/platform/uuid';
import { describe, expect, test } from 'vitest';
import { registerUser } from '../identity/user.commands.ts';
import { createArticle, publishArticle, updateArticle } from '../publishing/article.commands.ts';
import { addComment } from '../publishing/comment.commands.ts';
import { likeArticle, unlikeArticle } from '../publishing/like.commands.ts';
import { Crash, crashAt, createHarness, newTicket, type Replica, userCaller } from './harness.fixture.ts';

const ada = uuidv7();
const author = userCaller(ada);

async function newArticle(replica: Replica, title = `About ${uuidv7()}`): Promise<string> {
  return (await replica.run(createArticle, { caller: author, body: { title, content: '<p>Words.</p>' } })).id;
}

async function publication(replica: Replica): Promise<string> {
  const id = await newArticle(replica);
  await replica.run(publishArticle, { caller: author, params: { id } });
  return id;
}

/** Counts what a replica asks of the log. */
function counting() {
  const calls = { reads: [] as string[], appends: [] as string[] };
  const wrap = (log: EventLog): EventLog => ({
    ...log,
    read: (stream, options) => {
      calls.reads.push(stream);
      return log.read(stream, options);
    },
    append: (stream, events, expected) => {
      calls.appends.push(stream);
      return log.append(stream, events, expected);
    },
  });
  return { calls, wrap };
}

describe('cost', () => {
  test('a comment costs one read of the article and one append', async () => {
    const { calls, wrap } = counting();
    const replica = createHarness().replica({ wrap });
    const id = await publication(replica);
    calls.reads.length = 0;
    calls.appends.length = 0;
    const { id: commentId } = await replica.run(addComment, { params: { id }, body: { content: 'Hello' } });
    expect(calls).toEqual({ reads: [`article-${id}`], appends: [`comment-${commentId}`] });
  });

  test('a change of a remembered article costs no read', async () => {
    const { calls, wrap } = counting();
    const replica = createHarness().replica({ wrap });
    const id = await newArticle(replica);
    calls.reads.length = 0;
    await replica.run(updateArticle, { caller: author, params: { id }, body: { tags: ['a'] } });
    expect(calls.reads).toEqual([]);
  });
});

describe('stale memories', () => {
  test('a command on a remembered state that is behind is decided anew', async () => {
    const { replica } = createHarness();
    const [one, other] = [replica(), replica()];
    const id = await newArticle(one);
    await other.run(updateArticle, { caller: author, params: { id }, body: { tags: ['a'] } });
    const { revision } = await one.run(updateArticle, {
      caller: author,
      params: { id },
      body: { tags: ['b'] },
    });
    expect(revision).toBe(2);
    const events = await one.log.read(`article-${id}`);
    expect(events.at(-1)?.data).toMatchObject({ tags: ['b'], previousTags: ['a'] });
  });

  test('a remembered state never answers that nothing is to be done', async () => {
    const { replica } = createHarness();
    const [one, other] = [replica(), replica()];
    const id = await publication(one);
    const caller = userCaller(uuidv7());
    await one.run(likeArticle, { caller, params: { id } });
    await other.run(unlikeArticle, { caller, params: { id } });
    const again = await one.run(likeArticle, { caller, params: { id } });
    expect(again).toMatchObject({ revision: 2, hasAppended: true });
  });

  test('a remembered state never refuses', async () => {
    const { replica } = createHarness();
    const [one, other] = [replica(), replica()];
    const id = await newArticle(one);
    const empty = await one.run(createArticle, { caller: author, body: { title: 'Without content' } });
    await expect(one.run(publishArticle, { caller: author, params: { id: empty.id } })).rejects.toMatchObject(
      {
        code: 'not-publishable',
      },
    );
    await other.run(updateArticle, {
      caller: author,
      params: { id: empty.id },
      body: { content: '<p>x</p>' },
    });
    await one.run(publishArticle, { caller: author, params: { id: empty.id } });
    await other.run(publishArticle, { caller: author, params: { id } });
    await one.run(addComment, {
      params: { id },
      body: { content: 'Seen as published by the other replica.' },
    });
  });

  test('a remembered revision never fails a condition', async () => {
    const { replica } = createHarness();
    const [one, other] = [replica(), replica()];
    const id = await newArticle(one);
    await other.run(updateArticle, { caller: author, params: { id }, body: { tags: ['a'] } });
    const { revision } = await one.run(updateArticle, {
      caller: author,
      params: { id },
      body: { tags: ['b'] },
      ifMatch: 1,
    });
    expect(revision).toBe(2);
  });

  test('a condition on what has moved on is refused with the actual revision', async () => {
    const { replica } = createHarness();
    const [one, other] = [replica(), replica()];
    const id = await newArticle(one);
    await other.run(updateArticle, { caller: author, params: { id }, body: { tags: ['a'] } });
    await expect(
      one.run(updateArticle, { caller: author, params: { id }, body: { tags: ['b'] }, ifMatch: 0 }),
    ).rejects.toMatchObject({ code: 'revision-mismatch', extra: { actualRevision: 1 } });
  });

  test('the newest permissions count before anything is refused for want of one', async () => {
    const { replica } = createHarness();
    const one = replica();
    const id = await publication(one);
    const username = `staff-${id.slice(-6)}`;
    const staff = await one.run(registerUser, {
      caller: { kind: 'anonymous', address: '::1' },
      body: { username, email: `${username}@example.org`, password: 'correct horse battery' },
    });
    const edit = { caller: userCaller(staff.id), params: { id }, body: { tags: ['by staff'] } };
    await expect(one.run(updateArticle, edit)).rejects.toMatchObject({ code: 'forbidden' });
    const metadata = { ...(await one.log.read(`user-${staff.id}`))[0]?.metadata, commandId: uuidv7() };
    const granted = { type: 'PermissionGranted', data: { userId: staff.id, permission: 'staff' } };
    await one.log.append(
      `user-${staff.id}`,
      [{ id: uuidv7(), ...granted, metadata: metadata as never }],
      'any',
    );
    expect((await one.run(updateArticle, edit)).hasAppended).toBe(true);
  });
});

describe('answers', () => {
  test('what is too large for the log is refused, and leaves nothing reserved', async () => {
    const replica = createHarness().replica();
    const body = { title: 'A large one', content: '"'.repeat(500_000) };
    await expect(replica.run(createArticle, { caller: author, body })).rejects.toMatchObject({
      code: 'validation-failed',
    });
    await replica.run(createArticle, { caller: author, body: { title: body.title } });
  });

  test('what is already so succeeds with the same revision and the newest position', async () => {
    const replica = createHarness().replica();
    const id = await newArticle(replica);
    const first = await replica.run(publishArticle, { caller: author, params: { id } });
    const second = await replica.run(publishArticle, { caller: author, params: { id } });
    expect(second).toEqual({ ...first, hasAppended: false });
  });

  test('taking back a like that is not there reflects the article', async () => {
    const replica = createHarness().replica();
    const id = await publication(replica);
    const { position } = await replica.run(unlikeArticle, { params: { id } });
    expect(position).toBe((await replica.log.read(`article-${id}`)).at(-1)?.position);
  });

  test('an event says where it comes from', async () => {
    const replica = createHarness().replica();
    const ticket = newTicket();
    const { id } = await replica.run(createArticle, {
      caller: author,
      ticket,
      body: { title: 'Its origin' },
    });
    const [event] = await replica.log.read(`article-${id}`);
    expect(event?.metadata).toMatchObject({
      schemaVersion: 1,
      commandId: ticket.commandId,
      causationId: ticket.commandId,
      actor: { kind: 'user', id: ada },
      occurredAt: ticket.now,
    });
  });
});

describe('repetitions', () => {
  test.each(['reserved', 'appended'] as const)(
    'after a crash at "%s" the same command has one effect',
    async (point) => {
      const { replica } = createHarness();
      const ticket = newTicket();
      const body = { title: 'Crashed once', content: '<p>x</p>' };
      const dying = replica({ faults: crashAt(point), leaseMs: 0 });
      await expect(dying.run(createArticle, { caller: author, body, ticket })).rejects.toThrow(Crash);
      const again = await replica().run(createArticle, {
        caller: author,
        body,
        ticket: { ...ticket, isFirst: false },
      });
      expect(again.id).toBe(ticket.newId);
      const events = await replica().log.read(`article-${again.id}`);
      expect(events.filter(({ type }) => type === 'ArticleCreated')).toHaveLength(1);
      expect(events.at(-1)).toMatchObject({ revision: again.revision, position: again.position });
    },
  );

  test('after a crash between append and answer the first answer is given, whatever happened since', async () => {
    const { replica } = createHarness();
    const living = replica();
    const id = await newArticle(living);
    const ticket = newTicket();
    const change = { caller: author, params: { id }, body: { tags: ['first'] } };
    const dying = replica({ faults: crashAt('appended') });
    await expect(dying.run(updateArticle, { ...change, ticket })).rejects.toThrow(Crash);
    await living.run(updateArticle, { ...change, body: { tags: ['second'] } });
    for (const repeating of [living, replica(), dying]) {
      const again = await repeating.run(updateArticle, { ...change, ticket: { ...ticket, isFirst: false } });
      expect(again).toMatchObject({ id, revision: 1, hasAppended: false });
    }
    expect(await living.log.read(`article-${id}`)).toHaveLength(3);
  });
});

describe('races', () => {
  test('parallel changes of one resource through one process all take effect', async () => {
    const replica = createHarness().replica();
    const id = await newArticle(replica);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        replica.run(updateArticle, { caller: author, params: { id }, body: { tags: [`tag ${n}`] } }),
      ),
    );
    expect(new Set(answers.map(({ revision }) => revision)).size).toBe(40);
  });

  test('parallel changes of one resource through several processes take effect or are told to come again', async () => {
    const { replica } = createHarness();
    const replicas = [replica(), replica()];
    const id = await newArticle(replicas[0] as Replica);
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, n) =>
        replicas[n % 2]?.run(updateArticle, { caller: author, params: { id }, body: { tags: [`tag ${n}`] } }),
      ),
    );
    const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []));
    expect(refusals.filter((code) => code !== 'concurrent-changes')).toEqual([]);
    const events = (await replicas[0]?.log.read(`article-${id}`)) ?? [];
    expect(events).toHaveLength(1 + answers.length - refusals.length);
  });

  test('a stream that always moves ends in concurrent-changes', async () => {
    const { replica } = createHarness();
    const other = replica();
    let tag = 0;
    const meddling = (log: EventLog): EventLog => ({
      ...log,
      append: async (stream, events, expected) => {
        const id = stream.replace('article-', '');
        await other.run(updateArticle, { caller: author, params: { id }, body: { tags: [`${tag++}`] } });
        return log.append(stream, events, expected);
      },
    });
    const id = await newArticle(other);
    await expect(
      replica({ wrap: meddling }).run(updateArticle, {
        caller: author,
        params: { id },
        body: { tags: ['mine'] },
      }),
    ).rejects.toMatchObject({ code: 'concurrent-changes' });
  });

  test('P9 of parallel likes by one reader one counts', async () => {
    const { replica, events } = createHarness();
    const replicas = [replica(), replica()];
    const id = await publication(replicas[0] as Replica);
    const caller = userCaller(uuidv7());
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => replicas[n % 2]?.run(likeArticle, { caller, params: { id } })),
    );
    expect(events.filter(({ type }) => type === 'ArticleLiked')).toHaveLength(1);
  });
});
