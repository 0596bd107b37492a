/**
 * The local profile: PostgreSQL, the services and the gateway, each a process of its own, started, watched, restarted
 * and stopped together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createReleasers, type Releasers } from '@annals/platform/lifecycle/releasers';
import { ensureDatabase } from './database.ts';
import { isPortBlocked, isPortFree } from './free-port.ts';
import { portsOf } from './layout.ts';
import { stopOrphanedPostgres } from './postgres-server.ts';
import { sendSignal } from './processes.ts';
import { askReadiness } from './readiness.ts';
import { ensureSecrets } from './secrets.ts';
import type { Stack, StackOptions } from './stack.ts';
import { lockStack, makeDataFolder } from './stack-lock.ts';
import { launches, localGatewayUrl, publicUrlOf, runState } from './stack-processes.ts';
import { type SupervisedChild, superviseChild } from './supervised-child.ts';
import { supervisePostgres } from './supervised-postgres.ts';

/** A port that the stack needs is in use, or blocked. */
class PortUnusable extends Error {
  override readonly name = 'PortUnusable';
}

/** A process does not come up. */
class StartFailed extends Error {
  override readonly name = 'StartFailed';
}

const READY_MS = 120_000;
const POLL_MS = 100;

/**
 * Starts everything and resolves once all of it is ready. What a crashed predecessor left running is ended first.
 * Throws, everything stopped again, where the folder or a port is in use or a process does not come up.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const releasers = createReleasers();
  try {
    return await start(options, releasers);
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

async function start(options: StackOptions, releasers: Releasers): Promise<Stack> {
  const { dataFolder, layout, tuning, signal, longestBackoffMs } = options;
  await makeDataFolder(dataFolder);
  const lock = await lockStack(dataFolder);
  releasers.add(() => lock.release());
  const secrets = await ensureSecrets(dataFolder);
  await stopOrphanedPostgres(dataFolder);
  await checkPorts(options);
  const postgres = await supervisePostgres(
    {
      dataFolder,
      port: layout.postgresPort,
      password: secrets.postgresPassword,
      onLine: (line) => void options.log.write('postgres', line),
      ...(options.postgresSettings ? { settings: options.postgresSettings } : {}),
    },
    options.say,
  );
  releasers.add(() => postgres.stop());
  signal?.throwIfAborted();
  const databaseUrl = await ensureDatabase(postgres.url);
  const settings = { layout, dataFolder, databaseUrl, secrets, publicUrl: publicUrlOf(options), tuning };

  const children: SupervisedChild[] = [];
  releasers.add(() => Promise.all(children.map((child) => child.stop())));
  const record = () => lock.record(runState(options, settings, children));
  for (const { name, ...launch } of launches(options, settings)) {
    const onChange = (note: string | null) => {
      if (note) options.say(`${name} ${note}`);
      void record();
    };
    const onLine = (line: string) => options.log.write(name, line);
    children.push(superviseChild({ name, ...launch, longestBackoffMs, onChange, onLine }));
  }
  const pids = () =>
    Object.fromEntries([postgres, ...children].map((one) => [one.name, one.identity()?.pid ?? null]));
  const failed = Promise.race(children.map((child) => child.failed));
  await whenReady(options, failed);
  for (const child of children) child.settle();
  await record();
  return {
    url: settings.publicUrl,
    databaseUrl,
    secrets,
    clusterElsewhere: postgres.isElsewhere ? postgres.cluster : null,
    pids,
    failed,
    kill: () => {
      // PostgreSQL writes nothing out, but tells its own processes to end.
      for (const [name, pid] of Object.entries(pids())) {
        if (pid !== null) sendSignal(pid, name === postgres.name ? 'SIGQUIT' : 'SIGKILL');
      }
    },
    stop: () => releasers.release(),
  };
}

/** Listening tells; asking who listens does not work for other users' processes. */
async function checkPorts({ layout, host }: StackOptions): Promise<void> {
  for (const { name, port } of portsOf(layout)) {
    const isFree = await isPortFree(name === 'gateway' ? host : '127.0.0.1', port);
    if (isFree && !isPortBlocked(port)) continue;
    throw new PortUnusable(
      `port ${port}, needed for ${name}, is ${isFree ? 'one that browsers and fetch refuse to ask' : 'in use'}. Choose others with --port: it sets the gateway's port, and the others follow from it.`,
    );
  }
}

/** Resolves once every process has been ready. Throws where one failed or the time is over, naming those that are not. */
async function whenReady(options: StackOptions, failed: Promise<string>): Promise<void> {
  let failure: string | null = null;
  void failed.then((reason) => {
    failure = reason;
  });
  let targets = [
    ...options.layout.replicas.map(({ name, opsPort }) => ({
      name,
      url: `http://127.0.0.1:${opsPort}/health/ready`,
    })),
    { name: 'gateway', url: `${localGatewayUrl(options)}/health` },
  ];
  const deadline = Date.now() + (options.readyMs ?? READY_MS);
  for (;;) {
    const states = await Promise.all(
      targets.map(async ({ name, url }) => ({ name, state: await askReadiness(url) })),
    );
    const waiting = states.flatMap(({ name, state }) => (state.isReady ? [] : [`${name} ${state.reason}`]));
    targets = targets.filter((_, index) => !states[index]?.state.isReady);
    options.signal?.throwIfAborted();
    if (failure !== null) throw new StartFailed(failure);
    if (waiting.length === 0) return;
    if (Date.now() > deadline) throw new StartFailed(`not everything became ready: ${waiting.join('; ')}`);
    await sleep(POLL_MS);
  }
}
