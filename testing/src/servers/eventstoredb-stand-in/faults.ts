/** What can be made to go wrong in the stand-in, and what it counts. */

/** What can be made to go wrong in the stand-in, and what it counts. */
import grpc, { type Metadata, status } from '@grpc/grpc-js';

export type Call = 'append' | 'read' | 'subscribe' | 'features';

/** One thing that goes wrong, `times` times (default 1), with the next calls of its kind. */
export type Fault = { readonly on: Call; readonly times?: number; readonly after?: number } & (
  | {
      /** The whole call ends with a gRPC status. Of appends: `isApplied` tells whether it was appended before. */
      readonly act: 'fail';
      readonly code:
        | 'UNAVAILABLE'
        | 'CANCELLED'
        | 'UNKNOWN'
        | 'INTERNAL'
        | 'DEADLINE_EXCEEDED'
        | 'PERMISSION_DENIED';
      readonly isApplied?: boolean;
    }
  /** The call says that another node leads. */
  | { readonly act: 'not-leader'; readonly host: string; readonly port: number; readonly isApplied?: boolean }
  /** The answer to this append alone is an error, as a batch append can tell it. */
  | {
      readonly act: 'refuse';
      readonly error: 'Timeout' | 'Unknown' | 'NotReady';
      readonly isApplied: boolean;
    }
  /** The answer comes when {@link Faults.release} is called. */
  | { readonly act: 'hold' }
  /** There is no answer, though the connection stays. Of subscriptions: nothing more is delivered. */
  | { readonly act: 'silence'; readonly isApplied?: boolean }
  /** The answer of an append holds no position. */
  | { readonly act: 'no-position' }
  /** A subscription is told a checkpoint past what it was given, and then again the one before. */
  | { readonly act: 'checkpoint-ahead' }
  /** A subscription as of servers before 23.10: nothing tells that it is live, nor that it no longer is. An event in `everyMs`. */
  | { readonly act: 'tell-nothing'; readonly everyMs: number }
);

/** Since the start, or since the faults were cleared. */
export interface Counts {
  readonly append: number;
  readonly batchAppend: number;
  readonly read: number;
  readonly subscribe: number;
  /** Appends that have arrived, in whichever call. */
  readonly arrived: number;
  /** Calls that carried credentials. */
  readonly withCredentials: number;
}

const NONE = { append: 0, batchAppend: 0, read: 0, subscribe: 0, arrived: 0, withCredentials: 0 };

export class Faults {
  #rules: { fault: Fault; left: number; skip: number }[] = [];
  #release = Promise.withResolvers<void>();
  #counts = { ...NONE };

  add(fault: Fault): void {
    this.#rules.push({ fault, left: fault.times ?? 1, skip: fault.after ?? 0 });
  }

  /** Forgets all faults and counts, and lets go what is held. */
  clear(): void {
    this.#rules = [];
    this.#counts = { ...NONE };
    this.release();
  }

  /** What shall go wrong with a call that comes now. */
  take(on: Call): Fault | undefined {
    const rule = this.#rules.find((one) => one.fault.on === on && one.left > 0);
    if (!rule) return undefined;
    if (rule.skip-- > 0) return undefined;
    rule.left--;
    return rule.fault;
  }

  get released(): Promise<void> {
    return this.#release.promise;
  }

  release(): void {
    const { resolve } = this.#release;
    this.#release = Promise.withResolvers();
    resolve();
  }

  count(what: Exclude<keyof Counts, 'arrived' | 'withCredentials'>, metadata: Metadata): void {
    this.#counts[what]++;
    if (metadata.get('authorization').length > 0) this.#counts.withCredentials++;
  }

  /** An append has arrived. */
  arrived(): void {
    this.#counts.arrived++;
  }

  get counts(): Counts {
    return { ...this.#counts };
  }
}

/** The gRPC error of a fault; undefined where it is none that ends a call. */
export function callError(fault: Fault | undefined): Partial<grpc.StatusObject> | undefined {
  if (fault?.act === 'fail') {
    return { code: status[fault.code], details: `the stand-in was told to fail with ${fault.code}` };
  }
  if (fault?.act !== 'not-leader') return undefined;
  const metadata = new grpc.Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', fault.host);
  metadata.set('leader-endpoint-port', String(fault.port));
  return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
}
