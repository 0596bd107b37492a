/** All projections of this service, found in the `*.projection.ts` files. */
import { discover, ofKind } from '@annals/contracts/kit/discover';
import type { Projection } from '@annals/platform/consumer/projection';

export const projections: readonly Projection[] = await discover(
  new URL('./', import.meta.url),
  '.projection.ts',
  ofKind<'projection', Projection>('projection'),
);
