/** Routes of avatars [I1]. */
import { z } from 'zod';
import { uuid } from '../kit/primitives.ts';
import { changed, defineRoute } from '../kit/route.ts';

/** Bytes of an image. */
export const MAX_AVATAR_BYTES = 256 * 1024;

const shared = { service: 'command-api', tag: 'identity' } as const;

export const setAvatar = defineRoute({
  ...shared,
  name: 'setAvatar',
  method: 'PUT',
  path: '/v1/me/avatar',
  summary: 'Set the own picture: a PNG or JPEG of up to 256 KiB and 1024 pixels a side, without its metadata',
  access: 'user',
  body: z.strictObject({
    image: z
      .base64()
      .min(4)
      .max(Math.ceil(MAX_AVATAR_BYTES / 3) * 4)
      .meta({ description: 'The file, in Base64' }),
  }),
  success: changed,
});

export const removeAvatar = defineRoute({
  ...shared,
  name: 'removeAvatar',
  method: 'DELETE',
  path: '/v1/me/avatar',
  summary: 'Remove the own picture',
  access: 'user',
  success: changed,
});

export const getAvatar = defineRoute({
  ...shared,
  name: 'getAvatar',
  method: 'GET',
  path: '/v1/avatars/{id}',
  summary: 'A picture, as avatarUrl of profiles names it',
  access: 'anyone',
  style: 'plain',
  params: z.strictObject({ id: uuid }),
  success: { status: 200, schema: z.string(), mediaType: 'image/*' },
});
