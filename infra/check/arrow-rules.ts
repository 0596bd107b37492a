/** Who may import whom. Paths are relative to the repository; folders that are not named are not restricted. */
import type { IForbiddenRuleType } from 'dependency-cruiser';

/** Files that only tests use: they may also import `testing`. */
const TEST_FILES = String.raw`\.(test|fixture|suite)\.ts$`;

/** Modules that start by themselves, or are found by name: nothing imports them. */
const STARTED = String.raw`(^|/)(main|check|arrows|vitest\.config)\.ts$|\.[a-z-]+\.ts$`;

const SEVERITY = { severity: 'error' } as const;

const arrows: readonly IForbiddenRuleType[] = [
  {
    name: 'a service imports no other service',
    from: { path: '^services/([^/]+)/' },
    to: { path: '^services/', pathNot: '^services/$1/' },
  },
  {
    name: 'services stand on platform and contracts only',
    from: { path: '^services/', pathNot: TEST_FILES },
    to: { path: '^(cli|testing|bench|infra)/' },
  },
  {
    name: 'platform imports no service, no cli and no testing',
    from: { path: '^platform/', pathNot: TEST_FILES },
    to: { path: '^(services|cli|testing|bench|infra)/' },
  },
  {
    name: 'platform knows no context',
    from: { path: '^platform/', pathNot: TEST_FILES },
    to: { path: '^contracts/src/(?!kit/|push/)[^/]+/' },
  },
  {
    name: 'platform gets the catalogue and the routes from its services',
    from: { path: '^platform/', pathNot: TEST_FILES },
    to: {
      path: '^contracts/src/(catalogue|routes|topics|push/rules)[.]ts$',
      dependencyTypesNot: ['type-only'],
    },
  },
  {
    name: 'contracts import nothing of ours',
    from: { path: '^contracts/' },
    to: { path: '^(?!contracts/|node_modules/)[^/]+/' },
  },
  {
    name: 'contracts import no library but zod',
    from: { path: '^contracts/', pathNot: TEST_FILES },
    to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
  },
  {
    name: 'contracts touch Node in discovery only',
    from: { path: '^contracts/', pathNot: [TEST_FILES, 'contracts/src/kit/discover[.]ts$'] },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'the kit of contracts knows no context',
    from: { path: '^contracts/src/kit/', pathNot: TEST_FILES },
    to: { path: '^contracts/src/(?!kit/)[^/]+/' },
  },
  {
    name: 'a domain imports contracts and itself only',
    from: { path: '^(services/[^/]+/src/[^/]+/domain)/', pathNot: TEST_FILES },
    to: { pathNot: ['^contracts/src/', '^$1/'] },
  },
  {
    name: 'the cli imports no service and no testing',
    from: { path: '^cli/src/', pathNot: TEST_FILES },
    to: { path: '^(services|testing|bench|infra)/' },
  },
  {
    name: 'what ships imports nothing that is for tests',
    from: { path: '^(contracts|platform|cli|services)/', pathNot: TEST_FILES },
    to: { path: TEST_FILES },
  },
  {
    name: 'no cycles',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no orphans',
    from: { orphan: true, pathNot: STARTED },
    to: {},
  },
  {
    name: 'every import resolves',
    from: {},
    to: { couldNotResolve: true },
  },
];

/** The rules, as dependency-cruiser takes them. */
export const arrowRules: IForbiddenRuleType[] = arrows.map((rule) => ({ ...SEVERITY, ...rule }));
