/** The first admin of a stack of tests. */

export const ADMIN = {
  username: 'first-admin',
  email: 'admin@example.org',
  password: 'Correct-horse-battery-7',
};

/** A new access token of the admin: one of the stack's beginning has run out where files before took long. */
export async function signInAdmin(url: string): Promise<string> {
  const session = await post(`${url}/v1/sessions`, { login: ADMIN.username, password: ADMIN.password });
  return String(session.accessToken);
}

/** Throws where it is refused. */
export async function post(url: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}
