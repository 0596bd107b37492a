/** Finds the Markdown files of a folder. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { SourceFile } from './document.ts';

const MARKDOWN = /\.(md|markdown)$/i;

export interface FindOptions {
  /** Look into folders named `node_modules`; the imported folder itself may always be one. */
  readonly nodeModules: boolean;
}

/**
 * All Markdown files below `folder`, in a stable order. Hidden folders are left out. Symbolic links are followed where
 * they stay inside the folder, each place once, so loops end.
 */
export async function findFiles(folder: string, options: FindOptions): Promise<SourceFile[]> {
  const root = await realpath(folder);
  const visited = new Set<string>();
  const files: SourceFile[] = [];

  /** True the first time for a place inside the folder. */
  async function isNew(path: string): Promise<boolean> {
    const real = await realpath(path).catch(() => null);
    if (real === null || visited.has(real) || !isInside(real, root)) return false;
    visited.add(real);
    return true;
  }

  async function walk(folderPath: string): Promise<void> {
    if (!(await isNew(folderPath))) return;
    const entries = await readdir(folderPath, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folderPath, entry.name);
      const kind = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
      if (kind?.isDirectory() && isWanted(entry.name, options)) await walk(path);
      if (kind?.isFile() && MARKDOWN.test(entry.name) && (await isNew(path))) {
        files.push({ path, relative: relative(root, path).split(sep).join('/') });
      }
    }
  }

  await walk(root);
  return files;
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function isWanted(name: string, { nodeModules }: FindOptions): boolean {
  return name === 'node_modules' ? nodeModules : !name.startsWith('.');
}
