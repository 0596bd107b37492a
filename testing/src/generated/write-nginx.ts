/** Writes `infra/nginx/annals.conf`: `node testing/src/generated/write-nginx.ts` (Node 24). */
import { writeFileSync } from 'node:fs';
import { nginxFile, renderNginx } from './nginx.ts';

writeFileSync(nginxFile, renderNginx());
