/** What a user has asked for and must prove by a mailed token [I5]: few at a time, the newest address alone. Pure. */
import type { VerificationEvent } from '@annals/contracts/identity/verification.events';
import { Problem } from '@annals/contracts/problems';

export interface VerificationState {
  /** When the newest requests end, of either kind at most {@link MAX_OPEN}: those of one leave the other alone. */
  readonly resets: readonly string[];
  readonly emails: readonly string[];
  /** The newest request for an address. */
  readonly email: EmailRequest | null;
}

interface EmailRequest {
  readonly requestId: string;
  readonly email: string;
  /** The password that whoever asked knew. */
  readonly passwordId?: string | undefined;
}

export const initial: VerificationState = { resets: [], emails: [], email: null };

/** Mails that one account can cause within the life of a token. */
export const MAX_OPEN = 5;
/** Tokens that replace a password are worth stealing, so they live shorter than others. */
const RESET_SECONDS = 3_600;
const EMAIL_SECONDS = 24 * 3_600;

/** Folds one event. Total. */
export function evolve(state: VerificationState, event: VerificationEvent): VerificationState {
  const withIt = (ends: readonly string[]) => [...ends, event.data.expiresAt].slice(-MAX_OPEN);
  switch (event.type) {
    case 'PasswordResetRequested':
      return { ...state, resets: withIt(state.resets) };
    case 'EmailChangeRequested': {
      const { requestId, email, passwordId } = event.data;
      return { ...state, emails: withIt(state.emails), email: { requestId, email, passwordId } };
    }
    default:
      return event satisfies never;
  }
}

interface Request {
  readonly userId: string;
  readonly requestId: string;
  readonly now: string;
}

/** Asks for a token that may replace the password; beyond a few open requests nothing happens. */
export function requestReset(
  state: VerificationState,
  {
    userId,
    requestId,
    passwordId,
    proof,
    now,
  }: Request & { readonly passwordId: string; readonly proof: string },
): VerificationEvent[] {
  if (openAt(state.resets, now).length >= MAX_OPEN) return [];
  const expiresAt = after(now, RESET_SECONDS);
  return [{ type: 'PasswordResetRequested', data: { userId, requestId, passwordId, proof, expiresAt } }];
}

/** Asks for a token that proves an address. Throws `too-many-requests` beyond a few open requests. */
export function requestEmail(
  state: VerificationState,
  {
    userId,
    requestId,
    email,
    passwordId,
    now,
  }: Request & { readonly email: string; readonly passwordId: string },
): VerificationEvent[] {
  const open = openAt(state.emails, now);
  if (open.length >= MAX_OPEN) {
    const retryAfter = Math.ceil((Date.parse(open[0] ?? now) - Date.parse(now)) / 1_000);
    throw new Problem('too-many-requests', 'Enough mails are on their way; try again later.', { retryAfter });
  }
  const expiresAt = after(now, EMAIL_SECONDS);
  return [{ type: 'EmailChangeRequested', data: { userId, requestId, email, passwordId, expiresAt } }];
}

/**
 * The address that the request is to prove; null where a newer one counts, or where the password that was known to
 * whoever asked is not the one that counts any more: who is put out by a new password leaves no way back behind.
 */
export function provenBy(state: VerificationState, requestId: string, passwordId: string): string | null {
  const { email: newest } = state;
  if (newest?.requestId !== requestId) return null;
  return newest.passwordId === undefined || newest.passwordId === passwordId ? newest.email : null;
}

function openAt(ends: readonly string[], now: string): string[] {
  return ends.filter((end) => end > now).sort();
}

function after(now: string, seconds: number): string {
  return new Date(Date.parse(now) + seconds * 1_000).toISOString();
}
