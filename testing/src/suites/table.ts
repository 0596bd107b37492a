/** Which contract suites ran against which adapter and server, from what vitest knows of their tests. */
import { basename } from 'node:path';
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import { isProductionStack, kafkaHome, secantusdbHome } from '../config.ts';

/** How the suites of this folder, and those of whole services on a server, begin. */
const CONTRACT = /^(event store|consumer store|documents|key store): (.+)|^integration topics/;
/** Whole stacks. */
const STACKS: Readonly<Record<string, string>> = {
  e2e: 'end-to-end tests',
  shared: 'guarantees and fuzz',
  guarantees: 'guarantees with a stack each',
};

const server = (home: string | undefined) => (home === undefined ? 'not installed' : basename(home));
const stack = isProductionStack
  ? `EventStoreDB's stand-in, ${server(secantusdbHome)}, ${server(kafkaHome)}, PostgreSQL from npm`
  : 'PostgreSQL from npm';

interface Line {
  readonly suite: string;
  readonly ranOn: string;
  readonly passed: number;
  readonly skipped: number;
}

/** Prints the table once all tests are over. */
export class AdapterTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = [...modules.flatMap((module) => [...contractsIn(module)]), ...stacksOf(modules)];
    if (lines.length === 0) return;
    const rows = lines.map(
      ({ suite, ranOn, passed, skipped }) => `| ${suite} | ${ranOn} | ${passed} | ${skipped} |`,
    );
    process.stdout.write(
      `\n${['| suite | ran on | passed | skipped |', '|---|---|---|---|', ...rows].join('\n')}\n`,
    );
  }
}

function* contractsIn(module: TestModule): Generator<Line> {
  for (const suite of module.children.allSuites()) {
    const found = CONTRACT.exec(suite.name);
    if (!found) continue;
    const [topics, contract = topics, adapter = server(kafkaHome)] = found;
    const around = suite.parent.type === 'suite' ? [suite.parent.name] : [];
    yield { suite: contract, ranOn: [adapter, ...around].join(', on '), ...countsOf(suite) };
  }
}

function stacksOf(modules: readonly TestModule[]): Line[] {
  return Object.entries(STACKS).flatMap(([project, suite]) => {
    const own = modules.filter((module) => module.project.name === project).map(countsOf);
    if (own.length === 0) return [];
    const sum = (which: 'passed' | 'skipped') => own.reduce((total, counts) => total + counts[which], 0);
    return [{ suite, ranOn: stack, passed: sum('passed'), skipped: sum('skipped') }];
  });
}

function countsOf({ children }: TestModule | TestSuite): Pick<Line, 'passed' | 'skipped'> {
  const states = [...children.allTests()].map((test) => test.result().state);
  const count = (wanted: string) => states.filter((state) => state === wanted).length;
  return { passed: count('passed'), skipped: count('skipped') };
}
