/** Breaking changes between two OpenAPI documents. */
import { breaksOfSchema, type Json } from './schemas.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: unknown;
}

/** What clients of `before` can't do under `after`, a sentence each; none where they need not change anything. */
export function breaksOfOpenApi(before: Json, after: Json): string[] {
  return Object.entries(operationsOf(before)).flatMap(([name, old]) => {
    const now = operationsOf(after)[name];
    if (!now) return [`${name}: removed`];
    const documents = { before, after };
    return [
      ...breaksOfParameters(documents, old, now, name),
      ...breaksOfBody(documents, old, now, name),
      ...breaksOfResponses(documents, old, now, name),
    ];
  });
}

interface Documents {
  readonly before: Json;
  readonly after: Json;
}

/** By method and path. */
function operationsOf({ paths }: Json): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
    ),
  );
}

function parametersOf(document: Json, { parameters = [] }: Json): readonly Parameter[] {
  const shared =
    (document.components as { parameters?: Record<string, Parameter> } | undefined)?.parameters ?? {};
  return (parameters as readonly (Parameter | { $ref: string })[]).flatMap((parameter) =>
    '$ref' in parameter ? (shared[parameter.$ref.split('/').at(-1) ?? ''] ?? []) : [parameter],
  );
}

function breaksOfParameters({ before, after }: Documents, old: Json, now: Json, name: string): string[] {
  const [known, current] = [parametersOf(before, old), parametersOf(after, now)];
  const same = (a: Parameter) => (b: Parameter) => a.name === b.name && a.in === b.in;
  const gone = known.flatMap((parameter) => {
    const at = `${name} ${parameter.in} parameter ${parameter.name}`;
    const found = current.find(same(parameter));
    if (!found) return [`${at}: removed`];
    return breaksOfSchema({ before, after, side: 'sent' }, parameter.schema, found.schema, at);
  });
  const demanded = current
    .filter((parameter) => parameter.required && !known.find(same(parameter))?.required)
    .map((parameter) => `${name} ${parameter.in} parameter ${parameter.name}: required now`);
  return [...gone, ...demanded];
}

function breaksOfBody(documents: Documents, old: Json, now: Json, name: string): string[] {
  const [body, current] = [old.requestBody, now.requestBody] as (Json | undefined)[];
  const at = `${name} body`;
  if (!current) return body ? [`${at}: removed`] : [];
  if (!body) return current.required ? [`${at}: required now`] : [];
  return [
    ...(current.required && !body.required ? [`${at}: required now`] : []),
    ...breaksOfContent(documents, body, current, 'sent', at),
  ];
}

/** Of successes: what else may go wrong is nobody's to promise. */
function breaksOfResponses(documents: Documents, old: Json, now: Json, name: string): string[] {
  const current = now.responses as Record<string, Json>;
  return Object.entries(old.responses as Record<string, Json>)
    .filter(([status]) => /^[123]/.test(status))
    .flatMap(([status, response]) => {
      const at = `${name} ${status}`;
      const found = current[status];
      if (!found) return [`${at}: removed`];
      const headers = Object.keys((response.headers ?? {}) as Json).filter(
        (header) => !(header in ((found.headers ?? {}) as Json)),
      );
      return [
        ...headers.map((header) => `${at} header ${header}: removed`),
        ...breaksOfContent(documents, response, found, 'read', at),
      ];
    });
}

function breaksOfContent(
  documents: Documents,
  old: Json,
  now: Json,
  side: 'sent' | 'read',
  at: string,
): string[] {
  const current = (now.content ?? {}) as Record<string, Json>;
  return Object.entries((old.content ?? {}) as Record<string, Json>).flatMap(([type, { schema }]) => {
    const found = current[type];
    return found
      ? breaksOfSchema({ ...documents, side }, schema, found.schema, at)
      : [`${at} as ${type}: removed`];
  });
}
