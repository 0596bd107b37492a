/** Apache Kafka for tests: one broker in a temporary folder, to be stopped, killed and started again on its data. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '@annals/cli/local/free-port';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaHome } from '../config.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface KafkaServer {
  /** `host:port`; stays the same over restarts. */
  readonly broker: string;
  /** Tells nothing, gives up soon. */
  readonly client: Kafka;
  /** SIGTERM, and until it has ended. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay, nobody answers. `resume` ends it. */
  pause(): void;
  resume(): void;
  /** Starts again on the same data, and waits until it answers. */
  start(): Promise<void>;
  /** Stops for good and removes the data. */
  remove(): Promise<void>;
}

/** For the title of a suite that is skipped without it. */
export const needsKafka = kafkaHome === undefined ? ' (skipped: ANNALS_TEST_KAFKA_HOME is not set)' : '';

const READY_MS = 60_000;

/** Starts a broker. Throws where {@link kafkaHome} is not set. */
export async function startKafka(): Promise<KafkaServer> {
  if (kafkaHome === undefined) throw new Error('ANNALS_TEST_KAFKA_HOME is not set');
  const folder = await temporaryFolder('annals-kafka-');
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const properties = join(folder, 'server.properties');
  await writeFile(properties, settings(join(folder, 'data'), port, controllerPort));
  const java = (heap: string) => [
    ...[`-Xmx${heap}`, `-Xms${heap}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'],
    ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', join(kafkaHome ?? '', 'libs', '*')],
  ];
  const format = ['kafka.tools.StorageTool', 'format', '-t', randomUUID(), '-c', properties];
  await promisify(execFile)('java', [...java('64m'), ...format]);

  const broker = `127.0.0.1:${port}`;
  const client = new Kafka({ clientId: 'test', brokers: [broker], logLevel: logLevel.NOTHING });
  let running: ChildProcess | undefined;
  const boot = async (): Promise<void> => {
    running = spawn('java', [...java('320m'), 'kafka.Kafka', properties], { stdio: 'ignore' });
    await untilItAnswers(client, running);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const child = running;
    running = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await boot();
  return {
    broker,
    client,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
    start: boot,
    remove: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(client: Kafka, process: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const admin = client.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      if (brokers.length > 0) return;
    } catch (error) {
      if (process.exitCode !== null || Date.now() > deadline) throw error;
    } finally {
      await admin.disconnect();
    }
    await sleep(100);
  }
}

/** One node that is broker and controller, and keeps the topics of its own on itself. */
function settings(data: string, port: number, controllerPort: number): string {
  const entries = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 2,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 2,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that was killed is let in again once its former self counts as gone.
    'broker.session.timeout.ms': 2_500,
    'broker.heartbeat.interval.ms': 500,
    'auto.create.topics.enable': false,
  };
  return Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
