/** What the environment tells the tests. */

/** Whether `npm run prove` runs: full counts instead of small ones. */
export const isProving = process.env.ANNALS_PROVE !== undefined;

/** The environment of a run with full counts. */
export function provingEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, ANNALS_PROVE: 'yes' };
}

/** The environment with some more, for what a test starts. */
export function environmentWith(more: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return { ...process.env, ...more };
}

/** Where a process of a stack with faults finds what to do. */
export const faultsFolder: string | undefined = process.env.TEST_FAULTS_FOLDER;

/** Where a process tells what it holds in memory. */
export const memoryFolder: string | undefined = process.env.TEST_MEMORY_FOLDER;

/** The path of a Chromium for tests of pages, where there is one. */
export const testBrowser: string | undefined = process.env.ANNALS_TEST_BROWSER;

/** The path of an nginx, where there is one. */
export const testNginx: string | undefined = process.env.ANNALS_TEST_NGINX;

/** A connection string of an EventStoreDB for the contract suite, where there is one. */
export const testEventStore: string | undefined = process.env.ANNALS_TEST_EVENTSTORE_URL;

/** Whether stacks of tests run on the servers of the production shape rather than on PostgreSQL alone. */
export const isProductionStack = process.env.ANNALS_TEST_STACK === 'production';

/** Where SecantusDB is installed (`node infra/servers/install.ts secantusdb`): a MongoDB server with transactions, … */
export const secantusdbHome: string | undefined = process.env.ANNALS_TEST_SECANTUSDB_HOME;
/** … where FerretDB is (`node infra/servers/install.ts ferretdb`): one without, … */
export const ferretdbHome: string | undefined = process.env.ANNALS_TEST_FERRETDB_HOME;
/** … and a MongoDB server of one's own, whose databases `annals_test_…` come and go. */
export const mongoUrl: string | undefined = process.env.ANNALS_TEST_MONGO_URL;

const seed = Number.parseInt(process.env.ANNALS_FUZZ_SEED ?? '', 10);
/** The seed of a fuzz failure that is to be tried again, … */
export const fuzzSeed: number | undefined = Number.isNaN(seed) ? undefined : seed;
/** … and its path there. */
export const fuzzPath: string | undefined = process.env.ANNALS_FUZZ_PATH;

/** Where Apache Kafka's jars are, where they are (`node infra/servers/install.ts kafka`). */
export const kafkaHome: string | undefined = process.env.ANNALS_TEST_KAFKA_HOME;
/** Python's client for Kafka, to put into `PYTHONPATH` (`node infra/servers/install.ts kafka-python`). */
export const kafkaPython: string | undefined = process.env.ANNALS_TEST_KAFKA_PYTHON;
