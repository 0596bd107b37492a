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
