import type pg from 'pg';

/**
 * Runs `work` in a transaction (READ COMMITTED) and gives its result once committed. Where `work` throws, or where the
 * server rolled back because a statement failed whose error `work` swallowed, nothing is written and this throws.
 * An error of the connection during COMMIT leaves the outcome unknown.
 */
export async function transaction<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT')
      throw new Error('the transaction was rolled back: a statement in it had failed');
    client.release();
    return result;
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      (broken: Error) => client.release(broken),
    );
    throw error;
  }
}

/** Sends statements, all in its own turn of the loop; the first one's result is the transaction's. */
export type Sender<Result> = (client: pg.PoolClient) => readonly [Promise<Result>, ...Promise<unknown>[]];

export interface SentOptions {
  /** Makes the commit wait: for the answers, and then for it. */
  readonly beforeCommit?: (() => Promise<void> | void) | undefined;
  /**
   * Whether a crash of the server may undo the commit, with all that was committed after it, for up to a second or so:
   * it then doesn't wait for the disk. For what can be done again from what is durable.
   */
  readonly mayBeLost?: boolean;
}

/**
 * Runs a transaction in one round trip: its statements do not wait for each other's answers. `pool` has `pipeline`.
 * Where any of them fails nothing is written, and the first failure is thrown.
 */
export async function sentAtOnce<Result>(
  pool: pg.Pool,
  send: Sender<Result>,
  { beforeCommit, mayBeLost = false }: SentOptions = {},
): Promise<Result> {
  const client = await pool.connect();
  try {
    const began = client.query(mayBeLost ? 'begin; set local synchronous_commit = off' : 'begin');
    const statements = send(client);
    const sent = [began, ...statements];
    if (beforeCommit) {
      await allOf(sent);
      await beforeCommit();
    }
    await allOf([...sent, client.query('commit')]);
    client.release();
    return await statements[0];
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      (broken: Error) => client.release(broken),
    );
    throw error;
  }
}

/** Waits for all; throws the first failure in their order, which made those after it fail. */
async function allOf(promises: readonly Promise<unknown>[]): Promise<void> {
  const answers = await Promise.allSettled(promises);
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
}
