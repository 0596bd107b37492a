/**
 * Checks the arrows between the folders (`arrow-rules.ts`), and that the checker sees: it plants forbidden imports into
 * the sources, removes them again, and fails unless each was found.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { cruise, type ICruiseOptions, type IViolation } from 'dependency-cruiser';
import { arrowRules } from './arrow-rules.ts';

const root = join(import.meta.dirname, '..', '..');

/** Other checks leave these files out: biome.json, tsconfig.json, knip.jsonc and .gitignore name them too. */
const PLANTED = '__planted';

/** One forbidden import each, and the rule that must find it. */
const plants = [
  {
    folder: 'services/query-api/src',
    code: `import '../../command-api/src/config.ts';`,
    rule: 'a service imports no other service',
  },
  {
    folder: 'services/notifier/src',
    code: `import '@annals/command-api/config';`,
    rule: 'a service imports no other service',
  },
  {
    folder: 'platform/src/config',
    code: `import '@annals/projector/config';`,
    rule: 'platform imports no service, no cli and no testing',
  },
  {
    folder: 'platform/src/http',
    code: `import type {} from '@annals/contracts/publishing/views';`,
    rule: 'platform knows no context',
  },
  {
    folder: 'services/command-api/src/identity/domain',
    code: `import '@annals/platform/postgres/pool';`,
    rule: 'a domain imports contracts and itself only',
  },
];

const options: ICruiseOptions = {
  baseDir: root,
  ruleSet: { forbidden: arrowRules },
  validate: true,
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true,
  tsConfig: { fileName: 'tsconfig.json' },
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['import', 'node', 'types', 'default'],
  },
};

async function violationsOf(paths: string[], more: ICruiseOptions): Promise<readonly IViolation[]> {
  const { output } = await cruise(paths, { ...options, ...more });
  if (typeof output === 'string') throw new Error(output);
  return output.summary.violations;
}

/** The rules that failed to find what was planted for them. */
async function blindRules(): Promise<string[]> {
  const planted = plants.map(({ folder, code, rule }) => ({
    file: `${folder}/${PLANTED}-${process.pid}.ts`,
    code,
    rule,
  }));
  try {
    for (const { file, code } of planted) writeFileSync(join(root, file), `${code}\n`);
    const found = await violationsOf(
      planted.map(({ file }) => file),
      { maxDepth: 1 },
    );
    return planted
      .filter(
        ({ file, rule }) =>
          !found.some((violation) => violation.from === file && violation.rule.name === rule),
      )
      .map(({ rule, code }) => `planted and not found: ${code} (${rule})`);
  } finally {
    for (const { file } of planted) rmSync(join(root, file), { force: true });
  }
}

const folders = ['contracts', 'platform', 'services', 'cli', 'testing', 'infra', 'bench'].filter((folder) =>
  existsSync(join(root, folder)),
);
const found = await violationsOf(folders, { exclude: { path: PLANTED } });
const problems = [
  ...found.map(({ rule, from, to }) => `${from} → ${to}: ${rule.name}`),
  ...(await blindRules()),
];
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
