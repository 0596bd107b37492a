/**
 * The launcher behind `npm start`, `npm test`, `npm run …` and `npx annals`: plain JavaScript for Node 18 and newer. It
 * brings Node 24 where Node is older and the dependencies where they are missing, and then does what was asked.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';
import { environmentFor, findNode } from './node24.mjs';
import { run } from './run.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cli = join(root, 'cli', 'src', 'main.ts');
const bench = join(root, 'bench', 'src', 'main.ts');
const check = join(root, 'infra', 'check', 'check.ts');
const servers = join(root, 'infra', 'servers', 'install.ts');
const prove = join(root, 'testing', 'src', 'guarantees', 'prove.ts');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

/** The tests' projects, as they run one after the other: a stack that files share is there for no longer than they are. */
export const projects = [['unit', 'db'], ['e2e'], ['shared'], ['guarantees'], ['servers']];

/**
 * What of them runs on the production shape as well, where its servers are installed: end-to-end tests and guarantees, but for the
 * fuzz, and for what starts servers of its own choice.
 */
const onProductionShape = [
  ['e2e', 'testing/src/e2e', '--exclude', '**/eventstoredb.e2e.test.ts'],
  ['shared', 'testing/src/guarantees'],
  ['guarantees'],
];
const hasProductionServers = ['SECANTUSDB', 'KAFKA'].every((name) => process.env[`ANNALS_TEST_${name}_HOME`]);

/**
 * What each task runs, one after the other until one fails: files for Node, with arguments. `isHere`: in the folder
 * of the repository; else in the caller's, so that relative paths mean what they say. `isOneOfMany`: the next such one runs
 * even if this one fails. `env`: variables of its own.
 */
const tasks = {
  start: (args) => [{ script: [cli, 'start', ...args] }],
  demo: (args) => [{ script: [cli, 'demo', ...args] }],
  annals: (args) => [{ script: [cli, ...args] }],
  bench: (args) => [{ script: [bench, ...args], isHere: true }],
  prove: (args) => [{ script: [prove, ...args], isHere: true }],
  servers: (args) => [{ script: [servers, ...args], isHere: true }],
  check: (args) => [{ script: [check, ...args], isHere: true }],
  test: (args) => (args.length === 0 ? allTests() : [{ script: [vitest, 'run', ...args], isHere: true }]),
};

function allTests() {
  const testsOf = (names, more = [], env = {}) => {
    const script = [vitest, 'run', ...names.flatMap((name) => ['--project', name]), ...more];
    return { script, env, isHere: true, isOneOfMany: true };
  };
  const again = onProductionShape.map(([name, ...more]) =>
    testsOf([name], more, { ANNALS_TEST_STACK: 'production' }),
  );
  return [
    { script: [check], isHere: true },
    ...projects.map((names) => testsOf(names)),
    ...(hasProductionServers ? again : []),
  ];
}

/** Silences the notes of Node 24's first releases about running TypeScript. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** npm as the caller runs it; npx and other package managers leave other traces. */
function callersNpm() {
  const path = process.env.npm_execpath;
  if (path && /npm-cli\.c?js$/.test(path)) return { script: path };
  const sibling = path && join(dirname(path), 'npm-cli.js');
  return sibling && existsSync(sibling) ? { script: sibling } : { script: undefined };
}

/** Command and arguments that run npm on `node`. */
function npmOn(node) {
  const { script } = callersNpm();
  return script ? [node, script] : [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

/**
 * Does a task and resolves with the exit code.
 * @param {string} name
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
async function launch(name, args) {
  const task = tasks[name];
  if (!task) throw new Error(`unknown task ${name}; one of ${Object.keys(tasks).join(', ')}`);
  const node = await findNode({ root, npm: npmOn(process.execPath) });
  const env = environmentFor(root, node);
  await ensureDependencies({ root, npm: npmOn(node), env });
  let failure = { code: 0, isOneOfMany: true };
  for (const { script, isHere, isOneOfMany = false, env: own } of task(args)) {
    if (failure.code !== 0 && !(failure.isOneOfMany && isOneOfMany)) break;
    const cwd = isHere ? root : (process.env.INIT_CWD ?? process.cwd());
    const code = await run(node, [...NODE_FLAGS, ...script], { cwd, env: { ...env, ...own } });
    if (code !== 0) failure = { code, isOneOfMany };
  }
  return failure.code;
}

/** Does a task, tells of failures, and sets the process' exit code. */
export async function main(name, args) {
  try {
    process.exitCode = await launch(name, args);
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
