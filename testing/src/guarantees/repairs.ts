/** Repairs of a stack's views through the projector's operations port. */
import { expect } from 'vitest';
import type { TestStack } from '../stack.ts';

type Asked = { readonly consumer: string; readonly action: 'retry' | 'discard'; readonly key: string };

/** Asks for repairs and gives what became of each once all are done. */
export async function repair(stack: TestStack, asked: readonly Asked[]): Promise<string[]> {
  const ids = await Promise.all(
    asked.map(async (body) => (await ask<{ id: string }>(stack, 'POST', body)).id),
  );
  let outcomes: (string | null)[] = [];
  await expect
    .poll(
      async () => {
        outcomes = await outcomesOf(stack, ids).catch(() => [null]);
        return outcomes;
      },
      { timeout: 60_000, interval: 100 },
    )
    .not.toContain(null);
  return outcomes.map(String);
}

async function outcomesOf(stack: TestStack, ids: readonly string[]): Promise<(string | null)[]> {
  type Repairs = { repairs: { id: string; outcome: string | null }[] };
  const { repairs } = await ask<Repairs>(stack, 'GET');
  return ids.map((id) => repairs.find((one) => one.id === id)?.outcome ?? null);
}

async function ask<Body>(stack: TestStack, method: string, body?: Asked): Promise<Body> {
  const response = await fetch(`${stack.opsUrl('projector')}/admin/repairs`, {
    method,
    headers: { authorization: `Bearer ${stack.operatorToken}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}
