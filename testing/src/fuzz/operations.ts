/** Arbitrary operations of the model's clients. */
import fc from 'fast-check';
import { type Operation, STAFF } from './model.ts';

/** An operation as it is sent. */
export interface Sent {
  readonly operation: Operation;
  /** `current` and `stale` are filled in by what the model knows when it is sent. */
  readonly ifMatch: 'current' | 'stale' | null;
  /** How often, with one Idempotency-Key; 1: without. */
  readonly times: number;
}

const client = fc.constantFrom(0, 1, STAFF);
const author = fc.constantFrom(0, 1);
const article = fc.nat(4);
const title = fc.constantFrom('About trees', 'ABOUT trees', 'About bushes');
const content = fc.constantFrom('<p>Words.</p>', '<p>Other words.</p>', '');
const tags = fc.constantFrom([], ['one'], ['one', 'two']);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create'), client: author, title, content }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('update'),
      client,
      article,
      changes: fc.record({ title, content, tags }, { requiredKeys: [] }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replace'),
      client,
      article,
      changes: fc.record({ title, content, tags }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('publish', 'publish', 'unpublish', 'delete', 'restore', 'like', 'like', 'unlike'),
      client,
      article,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('comment'), client, article, parent: fc.option(fc.nat(3)) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('profile'),
      client: author,
      firstName: fc.constantFrom('Ada', 'Bea'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('grant', 'revoke'), client, to: author }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('register'), username: fc.nat(1), email: fc.nat(1) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('log-in'), username: fc.nat(1) }) },
) as fc.Arbitrary<Operation>;

const sent: fc.Arbitrary<Sent> = fc.record({
  operation,
  ifMatch: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    fc.constantFrom('current', 'current', 'stale'),
  ),
  times: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.constantFrom(2, 3)),
});

/** Rounds of operations: those of one round are sent at once. */
export const rounds: fc.Arbitrary<Sent[][]> = fc.array(fc.array(sent, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 14,
  size: 'max',
});
