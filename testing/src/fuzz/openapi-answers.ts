/** Holds answers against the OpenAPI document: status, headers, content type, body. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

interface HeaderObject {
  readonly required?: boolean;
  readonly schema: object;
}

interface ResponseObject {
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface OperationObject {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}

/** What of an OpenAPI document counts here. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: object;
}

/** An operation of the document. */
export interface OperationId {
  readonly method: string;
  /** As the document writes it. */
  readonly path: string;
}

export interface AnswerChecker {
  /** What is wrong with the answer to `operation`; null where the document promised just that. */
  faultOf(operation: OperationId, answer: RawAnswer): string | null;
  /** Whether the document allows this request body; true where it says nothing about one. */
  allowsBody(operation: OperationId, body: unknown): boolean;
}

const DOCUMENT = 'openapi.json';

/** Checks answers against `document`. Throws where a schema of it is no schema. */
export function createAnswerChecker(document: OpenApi): AnswerChecker {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, DOCUMENT);
  const compiled = new Map<string, ValidateFunction>();

  /** The validator of the schema at a JSON pointer of the document. */
  function at(...path: string[]): ValidateFunction {
    const pointer = path.map(
      (part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`,
    );
    const reference = `${DOCUMENT}#${pointer.join('')}`;
    const validate = compiled.get(reference) ?? ajv.compile({ $ref: reference });
    compiled.set(reference, validate);
    return validate;
  }

  function fault(validate: ValidateFunction, value: unknown, what: string): string[] {
    if (validate(value)) return [];
    return [`${what}: ${ajv.errorsText(validate.errors?.slice(0, 5))}`];
  }

  function headerFaults(response: ResponseObject, path: string[], answer: RawAnswer): string[] {
    return Object.entries(response.headers ?? {}).flatMap(([name, header]) => {
      const place = '$ref' in header ? String(header.$ref).slice(2).split('/') : [...path, 'headers', name];
      const { required = false, schema } = lookUp(document, place) as HeaderObject;
      const value = answer.headers[name.toLowerCase()];
      if (value === undefined) return required ? [`no header ${name}`] : [];
      const isNumber = 'type' in schema && schema.type === 'integer';
      return fault(at(...place, 'schema'), isNumber ? Number(value) : value, `header ${name}`);
    });
  }

  function bodyFaults({ content }: ResponseObject, path: string[], { headers, body }: RawAnswer): string[] {
    if (!content) return body === '' ? [] : [`a body where none is documented: ${body.slice(0, 200)}`];
    const type = headers['content-type']?.split(';')[0]?.trim() ?? 'none';
    const documented = [type, '*/*'].find((candidate) => candidate in content);
    if (documented === undefined) return [`content type ${type} is not among ${Object.keys(content)}`];
    if (!type.endsWith('json')) return [];
    const parsed = parse(body);
    return parsed
      ? fault(at(...path, 'content', documented, 'schema'), parsed.value, `body ${body.slice(0, 300)}`)
      : [`the body is not JSON: ${body.slice(0, 200)}`];
  }

  return {
    faultOf({ method, path }, answer) {
      const operation = document.paths[path]?.[method.toLowerCase()];
      if (!operation) return 'the operation is not documented';
      const response = operation.responses[answer.status];
      if (!response) return `the status ${answer.status} is not documented: ${answer.body.slice(0, 300)}`;
      const place = ['paths', path, method.toLowerCase(), 'responses', String(answer.status)];
      const faults = [...headerFaults(response, place, answer), ...bodyFaults(response, place, answer)];
      return faults.length === 0 ? null : faults.join('; ');
    },
    allowsBody({ method, path }, body) {
      const place = [
        'paths',
        path,
        method.toLowerCase(),
        'requestBody',
        'content',
        'application/json',
        'schema',
      ];
      return lookUp(document, place) === undefined || Boolean(at(...place)(body));
    },
  };
}

function lookUp(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    document,
  );
}

function parse(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}
