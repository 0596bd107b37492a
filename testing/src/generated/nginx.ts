/** `infra/nginx/annals.conf`: what stands before the services in production, from the route table. */
import { fileURLToPath } from 'node:url';
import type { Route } from '@annals/contracts/kit/route';
import { routes } from '@annals/contracts/routes';

export const nginxFile: string = fileURLToPath(new URL('../../../infra/nginx/annals.conf', import.meta.url));

/** Uploads may be as large; services answer what is too large for a route. */
const MAX_BODY = '6m';

/** The file's text as the route table demands it. Upstreams are named after the services, and defined elsewhere. */
export function renderNginx(): string {
  const paths = [...Map.groupBy(routes.toSorted(inOrder), ({ path }) => path.replace(/\{\w+\}/g, '{}'))];
  const maps = paths.map(([, atPath], index) => mapOf(`$annals_${index}`, atPath));
  const locations = paths.map(([path], index) => locationOf(path, `$annals_${index}`));
  return `# Generated from the route table: node testing/src/generated/write-nginx.ts
# Belongs into nginx' http block, together with upstreams called command-api, query-api and notifier.

map $http_upgrade $annals_connection {
  default upgrade;
  '' '';
}

${maps.join('\n')}

server {
  listen 8080;
  server_tokens off;
  client_max_body_size ${MAX_BODY};
  client_header_timeout 10s;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  # Not what the client says of itself.
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $annals_connection;
  # Longer than the notifier keeps silence on a socket.
  proxy_read_timeout 90s;
  proxy_connect_timeout 2s;
  error_page 502 504 = @unavailable;

${locations.join('\n')}

  location = /health {
    proxy_pass http://query-api/health/ready;
  }

  # Operations ports, /internal and /admin are no part of the table.
  location / {
${problem(404, 'not-found', 'Not found', 'There is no such resource.')}
  }

  location @unavailable {
    add_header Retry-After 1 always;
${problem(503, 'unavailable', 'Unavailable', 'The service does not answer. Try again.')}
  }
}
`;
}

/** Of paths, then of methods. */
function inOrder(one: Route, other: Route): number {
  const keyOf = ({ path, method }: Route) => `${path} ${method}`;
  return keyOf(one) < keyOf(other) ? -1 : 1;
}

/** Services know the whole table: the first of a path answers OPTIONS, and methods that it does not have. */
function mapOf(variable: string, atPath: readonly Route[]): string {
  const [first] = atPath;
  const lines = atPath.flatMap(({ method, service }) =>
    (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => `  ${name} ${service};`),
  );
  return `map $request_method ${variable} {\n  default ${first?.service};\n${lines.join('\n')}\n}`;
}

function locationOf(path: string, variable: string): string {
  const match = path.includes('{}')
    ? `~ "^${path.replaceAll('.', '\\.').replaceAll('{}', '[^/]+')}$"`
    : `= ${path}`;
  return `  location ${match} {\n    proxy_pass http://${variable};\n  }`;
}

function problem(status: number, code: string, title: string, detail: string): string {
  const body = `{"type":"$scheme://$http_host/docs/problems/${code}","title":"${title}","status":${status},"detail":"${detail}","code":"${code}","traceId":"$request_id"}`;
  return `    default_type application/problem+json;\n    return ${status} '${body}';`;
}
