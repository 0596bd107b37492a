/** `infra/nginx/annals.conf`: what stands before the services in production, from the route table. */
import { fileURLToPath } from 'node:url';
import type { Route } from '@annals/contracts/kit/route';
import { type ProblemCode, problems } from '@annals/contracts/problems';
import { routes } from '@annals/contracts/routes';
import { securityHeaders } from '@annals/platform/http/security-headers';

export const nginxFile: string = fileURLToPath(new URL('../../../infra/nginx/annals.conf', import.meta.url));

/** In MiB. Uploads may be as large; services answer what is too large for a route. */
const MAX_BODY = 6;

/** Where its own errors are answered; a named location is out of reach of requests that have no address. */
const PROBLEM_PATH = '/@problem';
/** What nginx says by itself: as services would. */
const PROBLEMS: readonly { readonly code: ProblemCode; readonly detail: string }[] = [
  { code: 'malformed-request', detail: 'This is not a valid HTTP request.' },
  { code: 'not-found', detail: 'There is no such resource.' },
  { code: 'method-not-allowed', detail: 'This method is never taken.' },
  { code: 'body-too-large', detail: `The body must not exceed ${MAX_BODY} MiB.` },
  { code: 'headers-too-large', detail: 'Address and headers must not exceed 16 KiB.' },
  { code: 'internal-error', detail: 'Something went wrong. The trace id tells us where to look.' },
  { code: 'unavailable', detail: 'The service does not answer. Try again.' },
];
/** What may be used where TRACE and CONNECT are refused, whatever the path. */
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

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

# What a problem says of the request: nothing that would break out of its JSON.
map $http_host $annals_origin {
  default '';
  "~^[A-Za-z0-9.:\\[\\]-]+$" $scheme://$http_host;
}
map $request_uri $annals_instance {
  default /;
  "~^(?<annals_path>/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)([?#]|$)" $annals_path;
}
${problemMap('$annals_code', ({ code }) => code)}
${problemMap('$annals_title', ({ code }) => problems[code].title)}
${problemMap('$annals_detail', ({ detail }) => detail)}
map $status $annals_allow {
  default '';
  405 '${METHODS}';
}
map $status $annals_retry_after {
  default '';
  503 1;
}

${maps.join('\n')}

server {
  listen 8080;
  server_tokens off;
  client_max_body_size ${MAX_BODY}m;
  client_header_timeout 10s;
  # As much as services take; they are first to refuse more.
  large_client_header_buffers 4 16k;
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
  # Its own errors alone: those of services pass as they are.
  error_page 400 404 405 413 500 ${PROBLEM_PATH};
  error_page 501 505 =400 ${PROBLEM_PATH};
  error_page 414 494 =431 ${PROBLEM_PATH};
  error_page 502 503 504 =503 ${PROBLEM_PATH};

${locations.join('\n')}

  location = /health {
    proxy_pass http://query-api/health/ready;
  }

  # Operations ports, /internal and /admin are no part of the table.
  location / {
    return 404;
  }

  location = ${PROBLEM_PATH} {
    internal;
    # What was too large is so no more.
    client_max_body_size 0;
${problemHeaders()}
    default_type application/problem+json;
    return 500 '${PROBLEM_BODY}';
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

/** The status is that of `error_page`, whatever `return` says. */
const PROBLEM_BODY =
  '{"type":"$annals_origin/docs/problems/$annals_code","title":"$annals_title","status":$status,"detail":"$annals_detail","instance":"$annals_instance","code":"$annals_code","traceId":"$request_id"}';

function problemMap(variable: string, textOf: (problem: (typeof PROBLEMS)[number]) => string): string {
  const lines = PROBLEMS.map((problem) => `  ${problems[problem.code].status} '${textOf(problem)}';`);
  return `map $status ${variable} {\n${lines.join('\n')}\n}`;
}

/** Those that are empty are not sent. */
function problemHeaders(): string {
  const headers = {
    ...securityHeaders(),
    'cache-control': 'no-store',
    allow: '$annals_allow',
    'retry-after': '$annals_retry_after',
  };
  return Object.entries(headers)
    .map(([name, value]) => `    add_header ${name} "${value}" always;`)
    .join('\n');
}
