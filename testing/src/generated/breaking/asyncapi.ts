/** Breaking changes between two AsyncAPI documents. */
import { breaksOfSchema, type Json, type Side } from './schemas.ts';

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, Json>>;
}

/** What consumers and clients of `before` can't do under `after`, a sentence each. */
export function breaksOfAsyncApi(before: Json, after: Json): string[] {
  const current = channelsOf(after);
  return Object.entries(channelsOf(before)).flatMap(([name, old]) => {
    const now = current[name];
    if (!now || now.address !== old.address) return [`${old.address}: removed`];
    return Object.entries(old.messages).flatMap(([message, described]) => {
      const at = `${old.address} ${message}`;
      const found = now.messages[message];
      if (!found) return [`${at}: removed`];
      const side = sideOf(before, name, message);
      return (['headers', 'payload'] as const).flatMap((part) =>
        described[part] === undefined
          ? []
          : breaksOfSchema({ before, after, side }, described[part], found[part], `${at} ${part}`),
      );
    });
  });
}

function channelsOf({ channels }: Json): Readonly<Record<string, Channel>> {
  return channels as Record<string, Channel>;
}

/** `sent`: clients send it. An operation without a list is about all messages of its channel. */
function sideOf({ operations }: Json, channel: string, message: string): Side {
  const received = Object.values(operations as Record<string, Json>).filter(
    ({ action }) => action === 'receive',
  );
  const isSent = received.some((operation) => {
    const refs = (operation.messages ?? []) as readonly { readonly $ref: string }[];
    return refs.some(({ $ref }) => $ref === `#/channels/${channel}/messages/${message}`);
  });
  return isSent ? 'sent' : 'read';
}
