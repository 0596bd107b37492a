import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../kit/event.ts';
import { AccessTable, evolveAccess, permissionsIn } from './access.ts';

const ADA = 'ada';
let position = 0;

function event(type: string, data: unknown, occurredAt = '2026-11-22T10:00:00.000Z'): DomainEvent {
  const metadata = {
    ...{ schemaVersion: 1, commandId: 'c', correlationId: 'c', causationId: 'c', occurredAt },
    actor: { kind: 'system' as const, id: null },
  };
  return { id: 'e', stream: 'user-ada', revision: 0, position: String(position++), type, data, metadata };
}
const granted = (permission: string) => event('PermissionGranted', { userId: ADA, permission });
const revoked = (permission: string) => event('PermissionRevoked', { userId: ADA, permission });
const ended = (sessionId: string, at: string) =>
  event('SessionRevoked', { sessionId, userId: ADA, reason: 'logged-out' }, at);

function tableOf(...events: DomainEvent[]): AccessTable {
  const table = new AccessTable();
  for (const one of events) table.apply(one);
  return table;
}

describe('permissionsIn', () => {
  it('I6: folds a stream into what its user may do', () => {
    const disabled = event('UserDisabled', { userId: ADA });
    const enabled = event('UserEnabled', { userId: ADA });
    const history = [event('ProfileUpdated', {}), granted('staff'), granted('can_publish'), revoked('staff')];
    expect([...permissionsIn(history)]).toEqual(['can_publish']);
    expect(permissionsIn([...history, disabled]).size).toBe(0);
    expect([...permissionsIn([...history, disabled, enabled])]).toEqual(['can_publish']);
    expect(permissionsIn([]).size).toBe(0);
  });
});

describe('AccessTable', () => {
  it('I6: grants and revokes permissions, each once', () => {
    const table = tableOf(granted('can_publish'), granted('staff'), granted('can_publish'), revoked('staff'));
    expect([...table.permissionsOf(ADA)]).toEqual(['can_publish']);
    expect(table.permissionsOf('grace').size).toBe(0);
  });

  it('I6: puts a disabled user out and lets an enabled one in again, permissions kept', () => {
    const table = tableOf(granted('staff'), event('UserDisabled', { userId: ADA }));
    expect([table.isDisabled(ADA), table.isOut(ADA, 's1'), table.isDisabled('grace')]).toEqual([
      true,
      true,
      false,
    ]);
    table.apply(event('UserEnabled', { userId: ADA }));
    expect([table.isDisabled(ADA), table.isOut(ADA, 's1')]).toEqual([false, false]);
    expect(table.permissionsOf(ADA).has('staff')).toBe(true);
  });

  it('I8: puts an erased user out for good, permissions and all', () => {
    const table = tableOf(granted('staff'), event('UserErased', { userId: ADA }));
    expect([table.isOut(ADA, 's1'), table.permissionsOf(ADA).size]).toEqual([true, 0]);
  });

  it('I3: puts an ended session out, and no other of the same user', () => {
    const table = tableOf(ended('s1', '2026-11-22T10:00:00.000Z'));
    expect([table.isRevoked('s1'), table.isOut(ADA, 's1'), table.isOut(ADA, 's2')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('forgets what ended long ago when swept, users never', () => {
    const table = tableOf(
      ended('old', '2026-11-22T10:00:00.000Z'),
      ended('new', '2026-11-22T10:20:00.000Z'),
      event('UserDisabled', { userId: ADA }),
    );
    table.sweep(new Date('2026-11-22T10:10:00.000Z'));
    expect([table.isRevoked('old'), table.isRevoked('new'), table.isDisabled(ADA)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('starts from the projected view, in place of what was there', () => {
    const table = tableOf(granted('staff'), event('UserDisabled', { userId: 'grace' }));
    table.load([
      ['user:ada', { kind: 'user', isDisabled: true, permissions: ['can_import'] }],
      ['session:s1', { kind: 'session', revokedAt: '2026-11-22T10:00:00.000Z' }],
    ]);
    expect([...table.permissionsOf(ADA)]).toEqual(['can_import']);
    expect([table.isDisabled(ADA), table.isDisabled('grace'), table.isRevoked('s1')]).toEqual([
      true,
      false,
      true,
    ]);
    table.apply(granted('can_publish'));
    expect([...table.permissionsOf(ADA)].sort()).toEqual(['can_import', 'can_publish']);
  });

  it('minds no other events', () => {
    const table = tableOf(event('UserRegistered', { userId: ADA }));
    expect(table.permissionsOf(ADA).size).toBe(0);
  });
});

describe('evolveAccess', () => {
  it('gives the same entry for the same event twice', () => {
    const disabled = {
      ...event('UserDisabled', { userId: ADA }),
      type: 'UserDisabled' as const,
      data: { userId: ADA },
    };
    const once = evolveAccess(null, disabled);
    expect(evolveAccess(once, disabled)).toEqual(once);
  });
});
