/** The Node processes of the local profile: what each runs, with which environment. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOf, type StackSettings } from './environment.ts';
import { mainFileOf, repositoryFolder } from './layout.ts';
import type { StackOptions } from './stack.ts';
import type { RunState } from './stack-lock.ts';
import type { ChildOptions, SupervisedChild } from './supervised-child.ts';

type Launch = Pick<ChildOptions, 'name' | 'file' | 'env'>;

/** What the processes of one service answer at, for the gateway. */
export interface Upstream {
  readonly service: string;
  /** Null for services that clients do not reach. */
  readonly url: string | null;
  readonly opsUrl: string;
}

const gatewayFile = fileURLToPath(new URL('./gateway-main.ts', import.meta.url));

/** The processes to launch: the services' replicas, and the gateway. */
export function launches(options: StackOptions, settings: StackSettings): Launch[] {
  const { layout, host, env, known, mainFile = mainFileOf } = options;
  const base = {
    ...withoutSettings(env),
    NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE ?? join(repositoryFolder, '.annals', 'compile-cache'),
  };
  const gateway = {
    ANNALS_HOST: host,
    ANNALS_PORT: String(layout.gatewayPort),
    ...(layout.internalPort === null ? {} : { ANNALS_INTERNAL_PORT: String(layout.internalPort) }),
    ANNALS_PUBLIC_URL: settings.publicUrl,
    ANNALS_UPSTREAMS: JSON.stringify(upstreams(settings)),
  };
  return [
    ...layout.replicas.map((replica) => ({
      name: replica.name,
      file: mainFile(replica.service),
      env: { ...base, ...environmentOf(replica, settings, known) },
    })),
    { name: 'gateway', file: gatewayFile, env: { ...base, ...gateway } },
  ];
}

/** What clients see: as configured, or else where the gateway is reached from here. */
export function publicUrlOf(options: Pick<StackOptions, 'host' | 'layout' | 'tuning'>): string {
  return options.tuning.ANNALS_PUBLIC_URL?.replace(/\/+$/, '') ?? localGatewayUrl(options);
}

/** Where the gateway is reached from this machine: a host that stands for every address is on loopback, too. */
export function localGatewayUrl({ host, layout }: Pick<StackOptions, 'host' | 'layout'>): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${layout.gatewayPort}`;
}

/** What the other commands need to know. */
export function runState(
  options: StackOptions,
  settings: StackSettings,
  children: readonly SupervisedChild[],
): Omit<RunState, 'supervisor'> {
  const running = children.flatMap((child) => {
    const identity = child.identity();
    return identity ? [[child.name, identity] as const] : [];
  });
  return {
    url: localGatewayUrl(options),
    databaseUrl: settings.databaseUrl,
    eventstoreUrl: settings.tuning.ANNALS_EVENTSTORE_URL || undefined,
    services: settings.layout.replicas.map(({ service, name, opsPort }) => ({
      service,
      name,
      opsUrl: `http://127.0.0.1:${opsPort}`,
    })),
    children: Object.fromEntries(running),
  };
}

function upstreams({ layout }: StackSettings): Upstream[] {
  return layout.replicas.map(({ service, port, opsPort }) => ({
    service,
    url: port === null ? null : `http://127.0.0.1:${port}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
  }));
}

/** The database driver would take `PG*` for its own settings; `ANNALS_*` is given to each process by name. */
function withoutSettings(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(ANNALS_|PG)/.test(name)));
}
