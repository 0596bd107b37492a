import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '@annals/cli/local/free-port';
import { type LocalService, repositoryFolder, serviceNames } from '@annals/cli/local/layout';
import { createArticle, getArticle, publishArticle } from '@annals/contracts/publishing/article.routes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kafkaHome, secantusdbHome } from '../config.ts';
import { Api, after } from '../e2e/client.ts';
import { PASSWORD } from '../e2e/people.ts';
import { testDatabase } from '../servers/postgres.ts';
import { type ProductionServers, startProductionServers } from '../servers/production.ts';
import { temporaryFolder } from '../servers/temporary-folder.ts';
import { compose } from './compose.ts';

const isPossible = kafkaHome !== undefined && secantusdbHome !== undefined;
const title = 'the services of docker-compose.yml, by their own commands and settings';
const needs = isPossible ? '' : ' (skipped: no Kafka or SecantusDB is installed)';

/** Where the compose file's hosts are here. */
interface Place {
  readonly folder: string;
  readonly servers: ProductionServers;
  readonly databaseUrl: string;
  readonly ports: ReadonlyMap<LocalService, { readonly main: number; readonly ops: number }>;
}

/** As the compose file has it, but for names of hosts, ports and the folder of secrets. */
function here(text: string, { folder, servers, ports }: Place): string {
  const withServices = [...ports].reduce(
    (changed, [service, { main }]) => changed.replace(`http://${service}:8080`, `http://127.0.0.1:${main}`),
    text,
  );
  return withServices
    .replace('/run/annals', folder)
    .replace('esdb://eventstore:2113?tls=false', servers.eventstoreUrl)
    .replace('mongodb://mongodb:27017/annals?replicaSet=rs0', servers.mongodbUrl)
    .replace('kafka:9092', servers.kafkaBroker)
    .replace('http://collector:4318', 'http://127.0.0.1:9');
}

function start(service: LocalService, place: Place): ChildProcess {
  const { command, environment } = compose(service);
  const port = place.ports.get(service);
  const settings = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, here(value, place)]),
  );
  return spawn(
    process.execPath,
    command.map((part) => here(part, place)),
    {
      cwd: repositoryFolder,
      env: {
        ...settings,
        ANNALS_HOST: '127.0.0.1',
        ANNALS_OPS_PORT: String(port?.ops),
        ...(environment.ANNALS_PORT === undefined ? {} : { ANNALS_PORT: String(port?.main) }),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
}

async function untilReady(port: number | undefined): Promise<void> {
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await sleep(100)) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    if (answer?.ok) return;
  }
  throw new Error(`nothing became ready at ${port}`);
}

describe.skipIf(!isPossible)(`${title}${needs}`, () => {
  let place: Place;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    const [folder, servers, database] = await Promise.all([
      temporaryFolder('annals-compose-'),
      startProductionServers(),
      testDatabase(),
    ]);
    const free = await freePorts(2 * serviceNames.length);
    const ports = new Map(
      serviceNames.map((service) => [service, { main: free.pop() ?? 0, ops: free.pop() ?? 0 }]),
    );
    place = { folder, servers, ports, databaseUrl: database.url };
    const { command } = compose('secrets');
    await promisify(execFile)(
      process.execPath,
      command.map((part) => here(part, place)),
      { cwd: repositoryFolder },
    );
    for (const service of serviceNames) {
      const file = join(folder, `${service}.env`);
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/^ANNALS_DATABASE_URL=.*$/m, `ANNALS_DATABASE_URL=${database.url}`));
      children.push(start(service, place));
    }
    await Promise.all([...ports.values()].map(({ ops }) => untilReady(ops)));
  });
  afterAll(async () => {
    for (const child of children) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    await place?.servers.remove();
    if (place) await rm(place.folder, { recursive: true, force: true });
  });

  const urlOf = (service: LocalService) => `http://127.0.0.1:${place.ports.get(service)?.main}`;

  it('work together: what one command publishes, a query shows', async () => {
    const commands = new Api(urlOf('command-api'));
    const person = { username: 'composer', email: 'composer@example.org', password: PASSWORD };
    await fetch(`${urlOf('command-api')}/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(person),
    });
    const session = await fetch(`${urlOf('command-api')}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login: person.username, password: PASSWORD }),
    });
    const { accessToken } = (await session.json()) as { accessToken: string };
    const author = commands.as(accessToken);
    const { body } = await author.ok(createArticle, {
      body: { title: 'In production', content: '<p>Words.</p>' },
    });
    const published = await author.ok(publishArticle, { params: { id: body.id } });
    const read = await new Api(urlOf('query-api')).ok(getArticle, {
      params: { idOrSlug: body.id },
      ...after(published),
    });
    expect(read.body).toMatchObject({ title: 'In production', isPublished: true });
  });
});
