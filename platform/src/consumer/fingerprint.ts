import { createHash } from 'node:crypto';
import type { Projection } from './projection.ts';
import type { ReactionConsumer } from './reaction.ts';

/**
 * A hash of all that must not change under stored work: handled types, the store, columns, indexes, lookups and
 * references. What `evolve` does is not in it: a mended fold takes effect on new events, a changed meaning needs a new
 * version.
 */
export function fingerprint<Effects>(consumer: Projection | ReactionConsumer<Effects>): string {
  const shape = consumer.kind === 'projection' ? shapeOf(consumer) : [];
  const handles = consumer.isOpenEnded ? ['*'] : [...consumer.handles].sort();
  const text = JSON.stringify([handles, ...shape]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function shapeOf({ store, rows, lookups, references }: Projection): readonly unknown[] {
  const columns = Object.entries(rows?.columns ?? {}).map(([name, { type, sql }]) => [
    name,
    type,
    sql ?? null,
  ]);
  const fields = [...(lookups ?? []), ...(references ?? [])];
  // Those of documents have columns of their own.
  return [store, columns, rows?.indexes ?? [], lookups ?? [], ...(fields.length > 0 ? [{ fields }] : [])];
}
