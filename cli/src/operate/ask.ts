/** What commands about projections share: whom they ask, about what, and whether people are sure. */
import { createInterface } from 'node:readline/promises';
import { operated } from '../locate.ts';
import { Failure } from '../output.ts';
import { type Projector, projectorOf } from './projector.ts';

/** The projector that the options name. Throws a {@link Failure} where there is none. */
export async function projectorFor(options: {
  readonly data: string;
  readonly ops?: string[];
}): Promise<Projector> {
  return projectorOf(await operated(options));
}

/** The name, once it is known to be one of a consumer. */
export async function known<Name extends string | undefined>(
  projector: Projector,
  name: Name,
): Promise<Name> {
  if (name === undefined) return name;
  const names = (await projector.projections()).map(({ consumer }) => consumer);
  if (names.includes(name)) return name;
  throw new Failure(`there is no projection ${name}; there are ${names.join(', ')}`);
}

/** Throws a {@link Failure} unless somebody says yes. */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new Failure('there is no terminal to ask on: use --yes');
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if (!/^y(es)?$/i.test((await reader.question(question)).trim())) throw new Failure('nothing was done');
  } finally {
    reader.close();
  }
}
