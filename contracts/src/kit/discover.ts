/** Finds modules by name, so that adding an aggregate, a projection or a route adds a file and edits none. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * Imports every file below `folder` whose name ends in `suffix` and returns all their exported values that `accepts`
 * recognises, in file-name order. Throws where such a file exports none: a forgotten export must not pass silently.
 */
export async function discover<Found>(
  folder: URL,
  suffix: string,
  accepts: (value: unknown) => value is Found,
): Promise<Found[]> {
  const root = fileURLToPath(folder);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(suffix))
    .sort();
  const perFile = await Promise.all(
    files.map(async (file) => {
      const module: Record<string, unknown> = await import(pathToFileURL(join(root, file)).href);
      const found = Object.values(module).flat().filter(accepts);
      if (found.length === 0) throw new Error(`${file} exports nothing that belongs into a ${suffix} file`);
      return found;
    }),
  );
  return perFile.flat();
}

/** A guard for {@link discover}: objects whose `kind` is `kind`. */
export function ofKind<Kind extends string, Found extends { readonly kind: Kind }>(kind: Kind) {
  return (value: unknown): value is Found =>
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}
