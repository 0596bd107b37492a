/** What errors of the client mean to the port. */
import {
  AccessDeniedError,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  UnsupportedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { EventTooLarge } from '../port.ts';

const ANSWERS = [
  AccessDeniedError,
  EventTooLarge,
  InvalidArgumentError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  UnsupportedError,
  WrongExpectedVersionError,
];

/** The client, or what it was asked, did not answer in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** What is in the log is not what this adapter, or an EventStoreDB that it supports, has written. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}

/**
 * False for the server's final answers. Whatever else the client says, a lost connection, another leader, a timeout, an
 * error of its own or of another store's stream, leaves the outcome unknown, and a later attempt may not meet it.
 */
export function isTransient(error: unknown): boolean {
  return !(error instanceof UnreadableRecord) && !ANSWERS.some((type) => error instanceof type);
}
