/**
 * Writes `docs/generated`: `node testing/src/generated/write.ts` (Node 24). With `--release` also `docs/released`, which
 * later releases are held against: part of making a release.
 */
import { writeFileSync } from 'node:fs';
import { documents, fileOf } from './documents.ts';

const kinds = process.argv.includes('--release')
  ? (['generated', 'released'] as const)
  : (['generated'] as const);
for (const { name, render } of documents)
  for (const kept of kinds) writeFileSync(fileOf(name, kept), render());
