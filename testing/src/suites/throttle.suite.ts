/** What every throttle promises to one caller after the other [X1]. */
import type { Permission } from '@annals/contracts/kit/route';
import type { Limits, Permit, Throttle } from '@annals/platform/http/throttle';
import type { Caller } from '@annals/platform/http/types';
import { expect, it } from 'vitest';

const limit = (perMinute: number, perHour = perMinute * 20) => ({ perMinute, perHour });

/** Limits small and large: the large ones are leased in blocks. */
export const suiteLimits: Limits = {
  read: limit(2, 5),
  write: limit(100),
  login: limit(1),
  refresh: limit(3),
  import: limit(200),
  anonymousRead: limit(2, 5),
  anonymousWrite: limit(1),
};

const anonymous = (address: string): Caller => ({ kind: 'anonymous', address });

const userAt = (address: string, userId: string, ...permissions: Permission[]): Caller => ({
  kind: 'user',
  userId,
  sessionId: 's',
  permissions: new Set(permissions),
  address,
});

export const user = (userId: string, ...permissions: Permission[]) =>
  userAt('192.0.2.1', userId, ...permissions);

/** `create` gives a fresh throttle with {@link suiteLimits}. */
export function throttleSuite(create: () => Promise<Throttle>): void {
  const grants = async (
    throttle: Throttle,
    caller: Caller,
    name: 'read' | 'write' | 'login' | 'refresh',
    count: number,
  ) => {
    const permits: Permit[] = [];
    for (let n = 0; n < count; n++) permits.push(await throttle.take(name, caller));
    return permits.filter(({ isGranted }) => isGranted).length;
  };

  it('grants exactly the limit, then refuses, and says when to come again', async () => {
    const throttle = await create();
    expect(await grants(throttle, user('a'), 'write', 130)).toBe(100);
    const refused = await throttle.take('write', user('a'));
    expect(refused.isGranted).toBe(false);
    expect(refused.retryAfter).toBeGreaterThan(50);
    expect(refused.retryAfter).toBeLessThanOrEqual(60);
  });

  it('grants exactly the limit to requests that come at once', async () => {
    const throttle = await create();
    const permits = await Promise.all(Array.from({ length: 300 }, () => throttle.take('write', user('a'))));
    expect(permits.filter(({ isGranted }) => isGranted)).toHaveLength(100);
  });

  it('tells the policy and what is left of it', async () => {
    const throttle = await create();
    const { headers } = await throttle.take('read', user('a'));
    expect(headers?.['ratelimit-policy']).toBe('"burst";q=2;w=60, "sustained";q=5;w=3600');
    expect(headers?.ratelimit).toBe('"burst";r=1;t=60, "sustained";r=4;t=3600');
    const many = await grants(throttle, user('a'), 'write', 39);
    const last = await throttle.take('write', user('a'));
    expect(many).toBe(39);
    expect(last.headers?.ratelimit).toMatch(/^"burst";r=60;t=\d\d, "sustained";r=1960;t=3[56]\d\d$/);
  });

  it('counts users by id, anonymous callers by network, each throttle on its own', async () => {
    const throttle = await create();
    expect(await grants(throttle, anonymous('192.0.2.1'), 'write', 2)).toBe(1);
    expect(await grants(throttle, anonymous('192.0.2.2'), 'write', 2)).toBe(1);
    expect(await grants(throttle, anonymous('192.0.2.1'), 'read', 3)).toBe(2);
    expect(await grants(throttle, anonymous('2001:db8::1'), 'write', 1)).toBe(1);
    expect(await grants(throttle, anonymous('2001:db8:0:0:1:2:3:4'), 'write', 1)).toBe(0);
    expect(await grants(throttle, user('a'), 'read', 3)).toBe(2);
    expect(await grants(throttle, user('b'), 'read', 3)).toBe(2);
  });

  it('I4 counts log-ins by network, whatever token is sent along', async () => {
    const throttle = await create();
    expect(await grants(throttle, user('a'), 'login', 2)).toBe(1);
    expect(await grants(throttle, user('b'), 'login', 1)).toBe(0);
    expect(await grants(throttle, anonymous('192.0.2.1'), 'login', 1)).toBe(0);
    expect(await grants(throttle, userAt('192.0.2.2', 'a', 'staff'), 'login', 2)).toBe(1);
  });

  it('I3 counts refreshes by network and apart from log-ins, so that neither keeps anybody from the other', async () => {
    const throttle = await create();
    expect(await grants(throttle, anonymous('192.0.2.1'), 'refresh', 4)).toBe(3);
    expect(await grants(throttle, user('a'), 'refresh', 1)).toBe(0);
    expect(await grants(throttle, anonymous('192.0.2.1'), 'login', 2)).toBe(1);
    expect(await grants(throttle, anonymous('192.0.2.2'), 'login', 2)).toBe(1);
    expect(await grants(throttle, anonymous('192.0.2.2'), 'refresh', 4)).toBe(3);
  });

  it('exempts services, and gives importers and staff a limit of their own except for logging in', async () => {
    const throttle = await create();
    const service: Caller = { kind: 'service', name: 'worker', address: '192.0.2.1' };
    expect(await throttle.take('login', service)).toEqual({ isGranted: true, retryAfter: 0, headers: null });
    expect(await grants(throttle, service, 'read', 50)).toBe(50);
    for (const [network, permission] of (['can_import', 'staff'] as const).entries()) {
      const importer = userAt(`198.51.100.${network}`, permission, permission);
      expect(await grants(throttle, importer, 'read', 150)).toBe(150);
      expect(await grants(throttle, importer, 'write', 100)).toBe(50);
      expect(await grants(throttle, importer, 'login', 2)).toBe(1);
    }
  });
}
