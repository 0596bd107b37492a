/**
 * The fan-out: takes the log's lines, sends each to the followers of its channel, and keeps the newest in a ring.
 * After an event that changes who may follow a channel, later lines of that channel wait in the ring until its
 * followers have been checked.
 */
import { publicChannels } from '@annals/contracts/push/channels';
import type { Position } from '@annals/platform/event-store/port';
import { Bundle } from '../frames/bundle.ts';
import { type PushLine, Ring, type RingLimits } from '../frames/ring.ts';
import { textFrame } from '../frames/text-frame.ts';
import { type ChannelAccess, type Verdict, verdictsFor } from './access.ts';
import { Channel, type EndReason, type Member } from './channel.ts';

/** Callers that have gained no verdict in this many rounds of checking are let go. */
const MAX_ROUNDS = 20;

export interface HubOptions {
  readonly access: ChannelAccess;
  readonly ring: RingLimits;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told how many lines went to how many sockets, for metrics. */
  readonly onDelivered: (deliveries: number) => void;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #channels = new Map<string, Channel>();
  readonly ring: Ring;
  #through: Position;

  /** Nothing before `start` will be published. */
  constructor(start: Position, options: HubOptions) {
    this.#options = options;
    this.#through = start;
    this.ring = new Ring(start, options.ring);
  }

  /** Everything up to here has been published. */
  get through(): Position {
    return this.#through;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /** Publishes a run of lines in the order of their positions; then everything up to `through` has been. */
  publish(lines: readonly PushLine[], through: Position): void {
    const touched: Channel[] = [];
    for (const line of lines) {
      this.ring.push(line);
      const channel = this.#channels.get(line.channel);
      if (!channel) continue;
      if (!channel.gate && channel.members.size > 0) {
        if (channel.lines.length === 0) touched.push(channel);
        channel.lines.push(line);
      }
      if (line.changesVisibility && !channel.isAlwaysPublic) {
        channel.visibilityAt = line.position;
        this.#close(channel, line.position);
      }
    }
    this.#through = through;
    this.#flush(touched);
  }

  /** The channel's object, kept as long as someone follows it or prepares to. Pair with {@link leave}. */
  enter(name: string): Channel {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = new Channel(name, publicChannels.has(name), this.#options.now());
      this.#channels.set(name, channel);
    }
    channel.joining += 1;
    return channel;
  }

  /** Turns a preparation into a membership: lines after {@link through} are delivered from here on. */
  join(channel: Channel, member: Member): void {
    channel.joining -= 1;
    channel.members.add(member);
  }

  /** Ends a preparation (`member` null) or a membership. */
  leave(channel: Channel, member: Member | null): void {
    if (member === null) channel.joining -= 1;
    else channel.members.delete(member);
    if (channel.members.size === 0 && channel.joining === 0) this.#channels.delete(channel.name);
  }

  /** Says that something at `position`, not yet published, changed who may follow the channel. */
  recheck(channel: Channel, position: Position): void {
    if (channel.isAlwaysPublic) return;
    channel.visibilityAt = position;
    this.#close(channel, this.#through);
  }

  /** Checks the followers of every channel that was last checked before `before` (ms since the epoch). */
  revalidate(before: number): void {
    for (const channel of this.#channels.values()) {
      if (channel.isAlwaysPublic || channel.checkedAt >= before) continue;
      channel.publicAt = '';
      this.#close(channel, this.#through);
    }
  }

  /** From here on lines wait until the followers have been checked. */
  #close(channel: Channel, after: Position): void {
    channel.checkedAt = this.#options.now();
    if (channel.gate || channel.members.size === 0) return;
    channel.gate = { after, done: this.#check(channel, after) };
  }

  async #check(channel: Channel, after: Position): Promise<void> {
    const verdicts = await this.#verdicts(channel, after);
    channel.gate = null;
    const waiting = this.ring.after(channel.name, after, Number.POSITIVE_INFINITY);
    for (const member of [...channel.members]) {
      const verdict = waiting ? (verdicts.get(member.userId) ?? 'unavailable') : 'unavailable';
      if (verdict !== 'allowed') this.#end(channel, member, verdict);
    }
    if (!waiting || waiting.length === 0) return;
    const frame = textFrame(waiting.map((line) => line.frame).join('\n'));
    for (const member of channel.members) member.deliver(frame, waiting.length);
    this.#options.onDelivered(waiting.length * channel.members.size);
  }

  /** Verdicts of all followers, none older than the newest event that changes visibility. */
  async #verdicts(channel: Channel, after: Position): Promise<Map<string | null, Verdict>> {
    let verdicts = new Map<string | null, Verdict>();
    let asOf = '';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const wanted = channel.visibilityAt > after ? channel.visibilityAt : after;
      if (wanted > asOf) verdicts = new Map();
      asOf = wanted;
      const missing = new Set(
        [...channel.members].map((member) => member.userId).filter((userId) => !verdicts.has(userId)),
      );
      if (missing.size === 0) break;
      for (const [userId, verdict] of await verdictsFor(this.#options.access, channel, missing, asOf))
        verdicts.set(userId, verdict);
    }
    return channel.visibilityAt > asOf ? new Map() : verdicts;
  }

  #end(channel: Channel, member: Member, reason: EndReason): void {
    this.leave(channel, member);
    member.ended(channel, reason);
  }

  #flush(touched: readonly Channel[]): void {
    const [first] = touched;
    if (!first) return;
    let deliveries = 0;
    if (touched.length === 1) {
      const { frame, size } = Bundle.empty().with({ lines: first.lines });
      for (const member of first.members) member.deliver(frame, size);
      deliveries = size * first.members.size;
    } else {
      for (const member of bundleUp(touched)) {
        if (!member.bundle) continue;
        member.deliver(member.bundle.frame, member.bundle.size);
        deliveries += member.bundle.size;
        member.bundle = null;
      }
    }
    for (const channel of touched) channel.lines = [];
    this.#options.onDelivered(deliveries);
  }
}

/** Gives each follower of the channels its bundle, and returns the followers, each once. */
function bundleUp(channels: readonly Channel[]): Member[] {
  const root = Bundle.empty();
  const members: Member[] = [];
  for (const channel of channels) {
    for (const member of channel.members) {
      if (!member.bundle) members.push(member);
      member.bundle = (member.bundle ?? root).with(channel);
    }
  }
  return members;
}
