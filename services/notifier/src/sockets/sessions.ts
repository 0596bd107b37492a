/** All sockets of this process: watched by one timer, put out together with their log-in session, drained at the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { closeCodes } from '@annals/contracts/push/messages';
import type { Position } from '@annals/platform/event-store/port';
import type { Hub } from '../channels/hub.ts';
import type { PushLimits } from '../limits.ts';
import type { Identity } from './context.ts';
import type { Session } from './session.ts';

/** No access token lives longer than this, so nobody needs to remember an end for longer. */
const REMEMBERED_MS = 20 * 60_000;

export class Sessions {
  readonly #sessions = new Set<Session>();
  /** When a user was disabled or a log-in session ended, by id, oldest first. */
  readonly #ended = new Map<string, number>();
  readonly #limits: PushLimits;
  readonly #now: () => number;

  constructor(limits: PushLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#sessions.size;
  }

  add(session: Session): void {
    this.#sessions.add(session);
  }

  /** The socket is closed. */
  remove(session: Session): void {
    this.#sessions.delete(session);
    session.release();
  }

  /** Puts out the sockets of these users and log-in sessions, now and while their tokens might still be shown. */
  putOut(ids: ReadonlySet<string>): void {
    const now = this.#now();
    for (const id of ids) {
      this.#ended.delete(id);
      this.#ended.set(id, now);
    }
    for (const session of this.#sessions) {
      const { identity } = session;
      if (identity && (ids.has(identity.userId) || ids.has(identity.sessionId))) {
        session.close(closeCodes.unauthenticated, 'the session has ended');
      }
    }
  }

  /** A user was enabled again. */
  readmit(userId: string): void {
    this.#ended.delete(userId);
  }

  /** Whether the user was disabled, or the session ended, lately. */
  isEnded({ userId, sessionId }: Identity): boolean {
    return this.#ended.has(userId) || this.#ended.has(sessionId);
  }

  /** The user has lost a permission at `position`: the channels that it opened are checked. */
  permissionsChanged(userId: string, position: Position, hub: Hub): void {
    for (const session of this.#sessions) {
      if (session.userId !== userId) continue;
      for (const channel of session.channels()) if (!channel.isPublic) hub.recheck(channel, position);
    }
  }

  /** Looks at the clock for all sockets. */
  sweep(): void {
    const now = this.#now();
    for (const session of this.#sessions) session.sweep(now);
    for (const [id, at] of this.#ended) {
      if (now - at < REMEMBERED_MS) break;
      this.#ended.delete(id);
    }
  }

  /** Closes all sockets with 3001, some at a time so that their clients do not all come back at once. */
  async drain(): Promise<void> {
    const sessions = [...this.#sessions];
    for (let first = 0; first < sessions.length; first += this.#limits.drainBatch) {
      if (first > 0) await sleep(this.#limits.drainMs);
      for (const session of sessions.slice(first, first + this.#limits.drainBatch)) {
        session.close(closeCodes.goingAway, 'the server is going away');
      }
    }
    const deadline = performance.now() + this.#limits.closeMs;
    while (this.#sessions.size > 0 && performance.now() < deadline) await sleep(20);
    for (const session of this.#sessions) session.terminate();
  }
}
