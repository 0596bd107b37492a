/** What a request asks of databases and of the log [X4]: how often, and for how long it waits for any of them. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** What was asked so far. Statements that run at the same time share their time. */
export class QueryTime {
  count = 0;
  ms = 0;
  #running = 0;
  #since = 0;

  begin(): void {
    this.count++;
    if (this.#running++ === 0) this.#since = performance.now();
  }

  end(): void {
    if (--this.#running === 0) this.ms += performance.now() - this.#since;
  }
}

const current = new AsyncLocalStorage<QueryTime>();

/** Runs `work`; what it asks by way of {@link timed} counts in `time`. */
export function measureQueries<Result>(time: QueryTime, work: () => Result): Result {
  return current.run(time, work);
}

/** Asks something of a database or of the log; counts for the request that it is asked for. */
export function timed<Result>(ask: () => Promise<Result>): Promise<Result> {
  const time = current.getStore();
  if (!time) return ask();
  time.begin();
  const asked = ask();
  const end = () => time.end();
  asked.then(end, end);
  return asked;
}
