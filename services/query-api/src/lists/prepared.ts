/** Names for statements that come often, so that the server plans them once per connection. */
import { LRUCache } from 'lru-cache';
import type { Statement } from './sql.ts';

/** A connection keeps what it prepared for good, so there must be an end to names. */
const MAX_NAMES = 200;
/** Shapes that are remembered; a shape gets a name once it has come this often. */
const MAX_SHAPES = 1_000;
const OFTEN = 3;

export interface Prepared extends Statement {
  readonly name?: string;
}

/** A function that names statements by their text. */
export function createPreparer(): (statement: Statement) => Prepared {
  const names = new Map<string, string>();
  const seen = new LRUCache<string, number>({ max: MAX_SHAPES });
  return (statement) => {
    const { text } = statement;
    const name = names.get(text);
    if (name !== undefined) return { ...statement, name };
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    if (times >= OFTEN && names.size < MAX_NAMES) names.set(text, `list_${names.size}`);
    return statement;
  };
}
