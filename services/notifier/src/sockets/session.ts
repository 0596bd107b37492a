/**
 * One client's socket: its messages in, its frames out, its subscriptions. There may be tens of thousands, so a
 * session owns no timer and no closure while it is idle; the sweep of all of them watches the clock.
 */
import { type ClientMessage, closeCodes, type ServerMessage } from '@annals/contracts/push/messages';
import type { Channel, EndReason, Member } from '../channels/channel.ts';
import type { Bundle } from '../frames/bundle.ts';
import { signIn } from './authenticating.ts';
import { type Connection, messageFrame, tooSlow } from './connection.ts';
import type { ErrorCode, Identity, SocketContext } from './context.ts';
import { type ParsedMessage, parseMessage } from './messages.ts';
import { Permits } from './permits.ts';
import { Refusal, subscribe } from './subscribing.ts';

/** A channel that the socket follows, or is about to. */
interface Subscription {
  readonly channel: Channel;
  isLive: boolean;
}

type MessageId = number | string | undefined;
type SubscribeMessage = Extract<ClientMessage, { type: 'subscribe' }>;

const SUBSCRIPTION_FAILED = { code: 'unavailable', message: 'the subscription failed; try again' } as const;

export class Session implements Member {
  readonly #context: SocketContext;
  readonly #connection: Connection;
  readonly #permits: Permits;
  #subscriptions: Map<string, Subscription> | null = null;
  /** Messages that wait for an authentication under way. */
  #waiting: ClientMessage[] | null = null;
  #identity: Identity | null = null;
  #mistakes = 0;
  /** Frames that came after the close. */
  #late = 0;
  /** By when it must have authenticated or followed a public channel; infinite once it has. */
  #settleBy: number;
  #pingAt: number;
  #awaitsPong = false;
  bundle: Bundle | null = null;

  constructor(context: SocketContext, connection: Connection) {
    const now = context.now();
    this.#context = context;
    this.#connection = connection;
    this.#permits = new Permits(context.limits.messagesPerMinute, now);
    this.#settleBy = now + context.limits.authenticateMs;
    this.#pingAt = now + context.limits.pingMs;
  }

  get userId(): string | null {
    return this.#identity?.userId ?? null;
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  /** The channels that it follows, or is about to. */
  channels(): Channel[] {
    return [...this.#all()].map(({ channel }) => channel);
  }

  /** Takes one incoming text frame: messages, one a line. Null: a frame that is no text. */
  receive(data: string | null): void {
    if (this.#isOver()) return;
    this.#alive();
    if (data === null) {
      this.#mistake(undefined, 'bad-message', 'only text frames are understood');
      return;
    }
    let isEmpty = true;
    for (const line of data.split('\n')) {
      if (!this.#connection.isOpen) return;
      if (line.trim() === '') continue;
      isEmpty = false;
      this.#take(parseMessage(line));
    }
    if (isEmpty) this.#mistake(undefined, 'bad-message', 'the frame holds no message');
  }

  /** Answers a ping frame. It counts as a message, and its answer waits like all others where the client does not read. */
  pinged(data: Buffer): void {
    if (this.#isOver()) return;
    this.#alive();
    if (!this.#isPermitted()) this.#mistake(undefined, 'too-many-messages', 'slow down');
    else if (this.#connection.isFull) this.close(tooSlow.code, tooSlow.reason);
    else this.#connection.pong(data);
  }

  /** Takes a pong frame; one that nobody asked for counts as a message. */
  ponged(): void {
    if (this.#isOver()) return;
    const isAnswer = this.#awaitsPong;
    this.#alive();
    if (!isAnswer && !this.#isPermitted()) this.#mistake(undefined, 'too-many-messages', 'slow down');
  }

  /** The client has shown a sign of life. */
  #alive(): void {
    this.#awaitsPong = false;
    this.#pingAt = this.#context.now() + this.#context.limits.pingMs;
  }

  /** Whether the socket is closed or about to be: a client that goes on all the same is cut off. */
  #isOver(): boolean {
    if (this.#connection.isOpen) return false;
    this.#late += 1;
    if (this.#late > this.#context.limits.messagesPerMinute) this.#connection.terminate();
    return true;
  }

  #isPermitted(): boolean {
    return this.#permits.take(this.#context.limits.messagesPerMinute, this.#context.now());
  }

  /** Sends a frame that others may share; a client that does not keep up is closed. */
  deliver(frame: Buffer): void {
    if (this.#connection.isFull) this.close(tooSlow.code, tooSlow.reason);
    else this.#connection.write(frame);
  }

  ended(channel: Channel, reason: EndReason): void {
    this.#subscriptions?.delete(channel.name);
    const detail =
      reason === 'forbidden'
        ? 'you may no longer follow the channel'
        : 'the channel could not be checked; subscribe again';
    this.#fail(undefined, reason, detail, channel.name);
  }

  /** Looks at the clock: closes what is overdue, pings what is silent, cuts off what does not answer. */
  sweep(now: number): void {
    // Where an answer is still owed it decides, within reason, and not the clock.
    const grace = this.#isBusy() ? 2 * this.#context.limits.authenticateMs : 0;
    if (now >= this.#settleBy + grace) this.close(closeCodes.unauthenticated, 'not authenticated in time');
    if (this.#identity && now >= this.#identity.expiresAt) {
      this.close(closeCodes.unauthenticated, 'the token has expired');
    }
    if (now < this.#pingAt || !this.#connection.isOpen) return;
    if (this.#awaitsPong) {
      this.#connection.terminate();
      return;
    }
    this.#awaitsPong = true;
    this.#pingAt = now + this.#context.limits.pongMs;
    this.#connection.ping();
  }

  /** Ends the socket with `code`, and its subscriptions at once. */
  close(code: number, reason: string): void {
    if (this.#connection.close(code, reason)) this.release();
  }

  /** Cuts the connection without a word. */
  terminate(): void {
    this.#connection.terminate();
  }

  /** Gives up all subscriptions: the socket is closed, or about to be. */
  release(): void {
    for (const subscription of this.#all()) this.#leave(subscription);
    this.#subscriptions = null;
    this.#waiting = null;
  }

  #take(parsed: ParsedMessage): void {
    const isPermitted = this.#isPermitted();
    if ('mistake' in parsed) this.#mistake(parsed.id, 'bad-message', parsed.mistake);
    else if (!isPermitted) this.#mistake(parsed.message.id, 'too-many-messages', 'slow down');
    else if (this.#waiting) this.#waiting.push(parsed.message);
    else this.#handle(parsed.message);
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case 'ping':
        this.#send({ ...(message.id === undefined ? {} : { id: message.id }), type: 'pong' });
        break;
      case 'authenticate':
        void this.#authenticate(message.id, message.token);
        break;
      case 'subscribe':
        void this.#subscribe(message);
        break;
      case 'unsubscribe':
        this.#forget(message.channel);
        this.#send({ id: message.id, type: 'ok' });
        break;
    }
  }

  async #authenticate(id: number | string, token: string): Promise<void> {
    const waiting: ClientMessage[] = [];
    this.#waiting = waiting;
    const outcome = await signIn(this.#context, this.#identity, token);
    if (!this.#connection.isOpen) return;
    this.#waiting = null;
    if ('identity' in outcome) {
      this.#identity = outcome.identity;
      this.#settleBy = Number.POSITIVE_INFINITY;
      this.#send({ id, type: 'authenticated', userId: outcome.identity.userId });
    } else if (outcome.code === 'unavailable') this.#fail(id, outcome.code, outcome.detail);
    else this.#mistake(id, outcome.code, outcome.detail);
    for (const message of waiting) this.#resume(message);
  }

  /** Handles a message that has waited; another authentication before it makes it wait again. */
  #resume(message: ClientMessage): void {
    if (this.#waiting) this.#waiting.push(message);
    else if (this.#connection.isOpen) this.#handle(message);
  }

  async #subscribe({ id, channel: name, since }: SubscribeMessage): Promise<void> {
    this.#subscriptions ??= new Map();
    const { hub, limits } = this.#context;
    if (this.#subscriptions.has(name)) {
      this.#fail(id, 'already-subscribed', 'unsubscribe first', name);
      return;
    }
    if (this.#subscriptions.size >= limits.subscriptions) {
      this.#fail(id, 'too-many-subscriptions', `at most ${limits.subscriptions} at a time`, name);
      return;
    }
    const subscription: Subscription = { channel: hub.enter(name), isLive: false };
    this.#subscriptions.set(name, subscription);
    const isWanted = () => this.#subscriptions?.get(name) === subscription;
    const cancelled = () => this.#fail(id, 'cancelled', 'unsubscribed before it began', name);
    const subscriber = {
      userId: this.userId,
      isWanted,
      backlog: () => this.#connection.backlog(),
      replay: (lines: readonly string[]) => {
        this.#settleBy = Number.POSITIVE_INFINITY;
        return this.#connection.replay(lines);
      },
      join: (recovered: boolean) => {
        this.#join(subscription);
        this.#send({ id, type: 'subscribed', channel: name, position: hub.through, recovered });
      },
    };
    try {
      await subscribe(this.#context, subscription.channel, subscriber, since);
      if (!subscription.isLive) cancelled();
    } catch (error) {
      if (!isWanted()) return cancelled();
      this.#forget(name);
      if (!(error instanceof Refusal)) this.#context.metrics.failed(error);
      const { code, message } = error instanceof Refusal ? error : SUBSCRIPTION_FAILED;
      this.#fail(id, code, message, name);
    }
  }

  #join(subscription: Subscription): void {
    subscription.isLive = true;
    this.#context.hub.join(subscription.channel, this);
    this.#settleBy = Number.POSITIVE_INFINITY;
  }

  #forget(name: string): void {
    const subscription = this.#subscriptions?.get(name);
    if (!subscription) return;
    this.#subscriptions?.delete(name);
    this.#leave(subscription);
  }

  #leave({ channel, isLive }: Subscription): void {
    this.#context.hub.leave(channel, isLive ? this : null);
  }

  #all(): Iterable<Subscription> {
    return this.#subscriptions?.values() ?? [];
  }

  /** Whether an authentication or a subscription is under way. */
  #isBusy(): boolean {
    return this.#waiting !== null || [...this.#all()].some(({ isLive }) => !isLive);
  }

  #send(message: ServerMessage): void {
    this.deliver(messageFrame(message));
  }

  #fail(id: MessageId, code: ErrorCode, detail: string, channel?: string): void {
    const [about, where] = [id === undefined ? {} : { id }, channel === undefined ? {} : { channel }];
    this.#send({ ...about, type: 'error', code, detail, ...where });
  }

  #mistake(id: MessageId, code: ErrorCode, detail: string): void {
    this.#mistakes += 1;
    if (this.#mistakes > this.#context.limits.mistakes)
      this.close(closeCodes.badProtocol, 'too many mistakes');
    else this.#fail(id, code, detail);
  }
}
