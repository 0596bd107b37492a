import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nginxFile, renderNginx } from './nginx.ts';

it('infra/nginx/annals.conf is what the route table generates', () => {
  const isCurrent = readFileSync(nginxFile, 'utf8') === renderNginx();
  expect(isCurrent, 'outdated: run `node testing/src/generated/write-nginx.ts` and commit the result').toBe(
    true,
  );
});
