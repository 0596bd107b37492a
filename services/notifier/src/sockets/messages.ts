/** Reads what clients send. */
import { type ClientMessage, clientMessage } from '@annals/contracts/push/messages';

/** A message, or what is wrong with it and the id it bears, where that could be read. */
export type ParsedMessage =
  | { readonly message: ClientMessage }
  | { readonly mistake: string; readonly id: number | string | undefined };

/** Parses one line. Never throws. */
export function parseMessage(line: string): ParsedMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { mistake: 'not valid JSON', id: undefined };
  }
  const parsed = clientMessage.safeParse(value);
  if (parsed.success) return { message: parsed.data };
  const details = parsed.error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`);
  return { mistake: details.join('; ').slice(0, 500), id: idOf(value) };
}

function idOf(value: unknown): number | string | undefined {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  if (typeof id === 'string') return id.length <= 64 ? id : undefined;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}
