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

/**
 * Runs a transaction in one round trip: its statements do not wait for each other's answers. `pool` has `pipeline`. Where any of them fails nothing is written, and the first failure is thrown. `beforeCommit` makes the commit
 * wait: for the answers, and then for it.
 */
export async function sentAtOnce<Result>(
  pool: pg.Pool,
  send: Sender<Result>,
  beforeCommit?: () => Promise<void> | void,
): Promise<Result> {
  const client = await pool.connect();
  try {
    const began = client.query('begin');
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
