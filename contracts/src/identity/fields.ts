/** What people give when they register or change their account. */
import { z } from 'zod';

const UUID_LIKE = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** 3–30 letters, digits, `_`, `.` or `-`, starting with a letter or digit, not like a UUID; unique whatever its case. */
export const username = z
  .string()
  .min(3)
  .max(30)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'letters, digits, "_", "." and "-", starting with a letter or digit')
  .refine((value) => !UUID_LIKE.test(value), 'must not look like a UUID');
/** An address; stored and compared in lower case. */
export const email = z
  .email()
  .max(254)
  .transform((value) => value.toLowerCase());
/** The length alone; the policy (I2) is checked by the domain, all rules at once. */
export const password = z.string().max(256);
