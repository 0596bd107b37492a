/** How much a guarantee is tried: a little in every run of the tests, as much as it names under `npm run prove`. */
import { isProving } from '../config.ts';

/** `small` in every run of the tests, `full` under `npm run prove`. */
export function counts<Count>(small: Count, full: Count): Count {
  return isProving ? full : small;
}
