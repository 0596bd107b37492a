/** Questions to query-api over HTTP. */

const TIMEOUT_MS = 15_000;

/** Asks with the service's token. */
export interface Queries {
  /** The JSON that query-api answers with. Throws where it does not, or not with 200: another attempt may succeed. */
  get(path: string, query: Readonly<Record<string, string>>): Promise<unknown>;
}

/** `url`: base URL of query-api's main port. */
export function createQueries({ url, serviceToken }: { url: string; serviceToken: string }): Queries {
  return {
    async get(path, query) {
      const response = await fetch(`${url}${path}?${new URLSearchParams(query)}`, {
        headers: { authorization: `Bearer ${serviceToken}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const body: unknown = await response.json();
      if (!response.ok) throw new Error(`query-api answered ${response.status} to ${path}`);
      return body;
    },
  };
}
