import { describe, expect, test } from 'vitest';
import { whyUnusable } from './connection-string.ts';
import { createEventStoreDbEventStore } from './store.ts';

describe('connection strings', () => {
  test.each([
    'esdb://127.0.0.1:2113?tls=false',
    'esdb://admin:changeit@localhost:2113',
    'esdb://admin:p%40ss@a:1,b:2,c:3?tls=true&nodePreference=leader',
    'esdb+discover://admin:changeit@cluster.dns.name:2113?keepAliveTimeout=10000&keepAliveInterval=10000',
    'esdb://one.example.org/?tlsCAFile=%2Fetc%2Fca.pem',
  ])('%s is taken', (url) => {
    expect(whyUnusable(url)).toBeNull();
  });

  test.each([
    ['', /must be an esdb/],
    ['postgres://localhost', /must be an esdb/],
    ['esdb://', /must be an esdb/],
    // The client would leave the credentials out and say nothing.
    ['esdb://admin:hunter2@localhost?tls=false', /never sent without TLS/],
    ['esdb://admin:hunter2@localhost?defaultDeadline=5&TLS=FALSE', /never sent without TLS/],
    // The client would then take a conflict for a success, at a revision that is none.
    ['esdb://localhost?throwOnAppendFailure=false', /throwOnAppendFailure/],
    ['esdb://localhost?throw-on-append-failure=false', /throwOnAppendFailure/],
    ['esdb://localhost?nodePreference=follower', /leader/],
    // The client would print all of it.
    ['esdb://admin:hunter2@localhost?tlsVerifyCert=false', /does not support/],
    ['esdb://admin:hunter2@localhost?tsl=true', /does not support/],
    ['esdb://admin:hunter2@localhost:port', /can not be read/],
  ])('%s is refused, and its password not told', async (url, reason) => {
    if (!reason.test('can not be read')) expect(whyUnusable(url)).toMatch(reason);
    const opening = createEventStoreDbEventStore({ url, application: 'test' });
    await expect(opening).rejects.toThrow(reason);
    await expect(opening).rejects.not.toThrow(/hunter2/);
  });
});
