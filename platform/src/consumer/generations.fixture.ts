/** What tests of generations share. */
import { type ConsumerKit, eventually } from '@annals/testing/consumer-kit';
import type { Consumers } from './runtime.ts';
import type { ConsumerStatus, GenerationRequest, RequestStatus } from './store.ts';

/** Asks for something and waits for what becomes of it. */
export async function done(
  consumers: Consumers,
  action: GenerationRequest['action'],
  consumer = 'counts_v1',
): Promise<RequestStatus> {
  return outcomeOf(consumers, await consumers.request({ consumer, action }));
}

/** Waits for what becomes of a request. */
export function outcomeOf(consumers: Consumers, id: string): Promise<RequestStatus> {
  return eventually(async () => {
    const status = (await consumers.requests()).find((one) => one.id === id);
    if (!status || status.outcome === null) throw new Error(`not done: ${JSON.stringify(status)}`);
    return status;
  });
}

/** What the store tells of a consumer; undefined where it is not there. */
export async function statusIn(
  { store }: Pick<ConsumerKit, 'store'>,
  consumer: string,
): Promise<ConsumerStatus | undefined> {
  return (await store.status()).find((status) => status.consumer === consumer);
}
