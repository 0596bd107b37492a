/** How much a guarantee is tried: a little in every run of the tests, as much as it names under `npm run prove`. */
import { isProductionStack, isProving } from '../config.ts';

/**
 * `small` in every run of the tests, `full` under `npm run prove`. `few` instead of `small` on the production shape, whose
 * processes and servers take three times as much of the processors.
 */
export function counts<Count>(small: Count, full: Count, few: Count = small): Count {
  if (isProving) return full;
  return isProductionStack ? few : small;
}
