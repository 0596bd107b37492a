/**
 * The projector's process as production composes it, relays alone, for tests that kill it. Started by `fork` with its
 * {@link ChildSettings} as the first message; says `started` once it runs.
 */
import { once } from 'node:events';
import type { ConsumerFaultPoint } from '@annals/platform/consumer/faults';
import { createApp } from '@annals/projector/app';
import type { Config } from '@annals/projector/config';

export interface ChildSettings {
  /** But for `masterKey`, which is base64. */
  readonly config: Omit<Config, 'masterKey'>;
  readonly masterKey: string;
  readonly leaseMs: number;
  /** Dies there, at the nth batch that comes to it. */
  readonly dieAt?: { readonly point: ConsumerFaultPoint; readonly nth: number };
  /** Says `held` there, once, and waits for another message before it goes on. */
  readonly holdAt?: { readonly point: ConsumerFaultPoint; readonly relay: string };
}

// Ends with the test that started it.
process.once('disconnect', () => process.exit());

process.once('message', async ({ config, masterKey, leaseMs, dieAt, holdAt }: ChildSettings) => {
  let hits = 0;
  let isHeld = false;
  const faults = async (point: ConsumerFaultPoint, consumer: string): Promise<void> => {
    if (point === dieAt?.point && ++hits === dieAt.nth) process.kill(process.pid, 'SIGKILL');
    if (isHeld || point !== holdAt?.point || consumer !== holdAt.relay) return;
    isHeld = true;
    process.send?.('held');
    await once(process, 'message');
  };
  const app = createApp(
    { ...config, masterKey: Buffer.from(masterKey, 'base64') },
    { projections: [], faults, leaseMs, tickMs: 100 },
  );
  await app.start();
  process.send?.('started');
});
