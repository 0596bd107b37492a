/** Records as requests to Kafka, none of which is too large for a broker. */
import type { TopicRecord } from '@annals/contracts/kit/topic';
import type { Message, TopicMessages } from 'kafkajs';

/** What of one request may end up in one partition: brokers take 1 MiB at once by default, before compression too. */
const MAX_BYTES = 800_000;

/** Records in order, in as few requests as fit; `last` goes with the last one. */
export function toRequests(records: readonly TopicRecord[], last: TopicMessages): TopicMessages[][] {
  const requests: Map<string, Message[]>[] = [];
  let current = new Map<string, Message[]>();
  let size = 0;
  for (const record of records) {
    const bytes = sizeOf(record);
    if (size > 0 && size + bytes > MAX_BYTES) {
      requests.push(current);
      current = new Map();
      size = 0;
    }
    const messages = current.get(record.topic) ?? [];
    messages.push({ key: record.key, value: record.value, headers: record.headers });
    current.set(record.topic, messages);
    size += bytes;
  }
  current.set(last.topic, last.messages);
  requests.push(current);
  return requests.map((request) => [...request].map(([topic, messages]) => ({ topic, messages })));
}

/** Headers and keys are ASCII. */
function sizeOf({ key, value, headers }: TopicRecord): number {
  let size = key.length + (value === null ? 0 : Buffer.byteLength(value)) + 32;
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0) + 4;
  return size;
}
