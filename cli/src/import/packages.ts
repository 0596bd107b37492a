/** What the package of a file says about it, for documents of installed packages. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

export interface PackageInfo {
  readonly name: string;
  /** As package.json has it, e.g. `Ada <ada@example.org>`; null where it names none. */
  readonly author: string | null;
  readonly keywords: readonly string[];
}

const person = z.union([z.string(), z.looseObject({ name: z.string() }).transform(({ name }) => name)]);
const manifest = z.looseObject({
  name: z.string().min(1),
  author: person.nullish().catch(null),
  maintainers: z.array(person).catch([]),
  contributors: z.array(person).catch([]),
  keywords: z.array(z.string()).catch([]),
});

/** Looks up the package that a folder belongs to: the nearest package.json with a name, not above `root`. */
export function createPackageLookup(root: string): (folder: string) => Promise<PackageInfo | null> {
  const known = new Map<string, Promise<PackageInfo | null>>();

  function lookUp(folder: string): Promise<PackageInfo | null> {
    const found = known.get(folder) ?? search(folder);
    known.set(folder, found);
    return found;
  }

  async function search(folder: string): Promise<PackageInfo | null> {
    const own = await readPackage(join(folder, 'package.json'));
    if (own || folder === root || dirname(folder) === folder) return own;
    return lookUp(dirname(folder));
  }

  return lookUp;
}

async function readPackage(file: string): Promise<PackageInfo | null> {
  try {
    const { name, author, contributors, maintainers, keywords } = manifest.parse(
      JSON.parse(await readFile(file, 'utf8')),
    );
    return { name, author: author || contributors[0] || maintainers[0] || null, keywords };
  } catch {
    return null;
  }
}
