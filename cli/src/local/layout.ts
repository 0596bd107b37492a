/** What the local profile consists of: processes and their ports. */
import { fileURLToPath } from 'node:url';

/** The five services, in the order in which they are started and listed. */
export const serviceNames = ['command-api', 'query-api', 'notifier', 'projector', 'worker'] as const;
export type LocalService = (typeof serviceNames)[number];

/** One process of a service. */
export interface Replica {
  readonly service: LocalService;
  /** From 1. */
  readonly number: number;
  /** Its {@link replicaName}. */
  readonly name: string;
  /** Null for services that clients do not reach. */
  readonly port: number | null;
  readonly opsPort: number;
}

/** All ports of a stack. */
export interface Layout {
  readonly gatewayPort: number;
  /** Where services reach those that have several replicas; null where each has but one, reached directly. */
  readonly internalPort: number | null;
  readonly postgresPort: number;
  readonly replicas: readonly Replica[];
}

/** Every service with `count` replicas at most. */
export const MAX_REPLICAS = 9;

const withoutPort: ReadonlySet<LocalService> = new Set(['projector', 'worker']);
const POSTGRES_OFFSET = 9;
const INTERNAL_OFFSET = 8;
const OPS_OFFSET = 1_000;
const REPLICA_STEP = 10;

/**
 * The layout that follows from the gateway's port: services on the next ones, their operations ports 1,000 above,
 * further replicas 10 apart, PostgreSQL at + 9, what services reach each other at, where it is needed, at + 8.
 */
export function layoutFrom(gatewayPort: number, replicas = 1): Layout {
  return {
    gatewayPort,
    internalPort: replicas > 1 ? gatewayPort + INTERNAL_OFFSET : null,
    postgresPort: gatewayPort + POSTGRES_OFFSET,
    replicas: listReplicas(
      replicas,
      (replica, index) => gatewayPort + REPLICA_STEP * (replica - 1) + index + 1,
    ),
  };
}

/** A layout of ports that the caller chose, e.g. free ones; `nextPort` is asked once per port. */
export function layoutOf(nextPort: () => number, replicas = 1): Layout {
  return {
    gatewayPort: nextPort(),
    internalPort: replicas > 1 ? nextPort() : null,
    postgresPort: nextPort(),
    replicas: listReplicas(replicas, nextPort, nextPort),
  };
}

/** How many ports {@link layoutOf} asks for. */
export function portCount(replicas: number): number {
  return 2 + (replicas > 1 ? 1 : 0) + replicas * serviceNames.length * 2;
}

/** `command-api`, or `command-api-2` from the second replica on. */
export function replicaName(service: LocalService, number: number): string {
  return number === 1 ? service : `${service}-${number}`;
}

function listReplicas(
  count: number,
  portOf: (replica: number, index: number) => number,
  opsPortOf = (replica: number, index: number) => portOf(replica, index) + OPS_OFFSET,
): Replica[] {
  return Array.from({ length: count }, (_, offset) => offset + 1).flatMap((number) =>
    serviceNames.map((service, index) => ({
      service,
      number,
      name: replicaName(service, number),
      port: withoutPort.has(service) ? null : portOf(number, index),
      opsPort: opsPortOf(number, index),
    })),
  );
}

/** Every port that the stack will listen on, with what it is for. */
export function portsOf(layout: Layout): { readonly name: string; readonly port: number }[] {
  return [
    { name: 'gateway', port: layout.gatewayPort },
    ...(layout.internalPort === null ? [] : [{ name: 'gateway (internal)', port: layout.internalPort }]),
    { name: 'PostgreSQL', port: layout.postgresPort },
    ...layout.replicas.flatMap(({ name, port, opsPort }) => [
      ...(port === null ? [] : [{ name, port }]),
      { name: `${name} (operations)`, port: opsPort },
    ]),
  ];
}

/** The file that a service's process runs. */
export function mainFileOf(service: LocalService): string {
  return fileURLToPath(new URL(`../../../services/${service}/src/main.ts`, import.meta.url));
}

/** The repository's folder. */
export const repositoryFolder = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[/\\]$/, '');
