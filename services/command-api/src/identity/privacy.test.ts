import { expect, test } from 'vitest';
import { Crash, createHarness, newTicket, userCaller } from '../commands/harness.fixture.ts';
import { requestExport } from './privacy.commands.ts';
import { registerUser } from './user.commands.ts';

test('I8 an export that died before it was in the log is not refused for its own sake; one more is', async () => {
  const { replica } = createHarness();
  const living = replica();
  const body = { username: 'ada', email: 'ada@example.org', password: 'Correct-horse-battery-7' };
  const caller = userCaller((await living.run(registerUser, { body })).id);
  for (const _ of [1, 2]) await living.run(requestExport, { caller });
  const dying = replica({
    wrap: (log) => ({ ...log, append: () => Promise.reject(new Crash('before the append')) }),
  });
  const ticket = newTicket();
  await expect(dying.run(requestExport, { caller, ticket })).rejects.toThrow(Crash);
  const again = { caller, ticket: { ...ticket, isFirst: false } };
  expect(await living.run(requestExport, again)).toMatchObject({ id: ticket.newId, hasAppended: true });
  await expect(living.run(requestExport, { caller })).rejects.toMatchObject({ code: 'too-many-requests' });
  expect(await living.run(requestExport, again)).toMatchObject({ id: ticket.newId, hasAppended: false });
});
