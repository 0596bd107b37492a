/** Commands on the own picture [I1]. */
import * as routes from '@annals/contracts/identity/avatar.routes';
import { Problem } from '@annals/contracts/problems';
import { defineCommand } from '../commands/command.ts';
import { ownId } from './caller.ts';
import { users } from './deciders.ts';
import { MAX_SIDE, toAvatarImage } from './domain/avatar-image.ts';
import * as domain from './domain/user.ts';

export const setAvatar = defineCommand(routes.setAvatar, users, {
  target: ({ caller }) => ownId(caller),
  prepare({ body: { image } }) {
    const file = Buffer.from(image, 'base64');
    const found = file.length <= routes.MAX_AVATAR_BYTES ? toAvatarImage(file) : null;
    if (found) return found;
    const message = `must be a PNG or JPEG of up to ${MAX_SIDE} pixels a side`;
    throw new Problem('validation-failed', 'The picture can not be used.', {
      mistakes: [{ pointer: '/image', code: 'invalid-image', message }],
    });
  },
  decide: ({ state, newId }) => domain.changeAvatar(state, newId),
  stage: ({ id, newId, prepared }, { avatars }) => avatars.stage(newId, id, prepared),
});

export const removeAvatar = defineCommand(routes.removeAvatar, users, {
  target: ({ caller }) => ownId(caller),
  decide: ({ state }) => domain.changeAvatar(state, null),
});
