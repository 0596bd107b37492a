/** Accounts: what of it only the owner sees. The public side is joined from the profile. */
import { type AccountDoc, accountsView } from '@annals/contracts/identity/docs';
import { reservation } from '@annals/contracts/identity/reservation.events';
import { user } from '@annals/contracts/identity/user.events';
import { ERASED } from '@annals/contracts/kit/personal';
import { defineProjection } from '@annals/platform/consumer/projection';
import { lapsesOf } from './profile.ts';

const byUser = (event: { readonly data: { readonly userId: string } }) => event.data.userId;

export const accounts = defineProjection<AccountDoc>()({
  ...accountsView,
  aggregates: [user, reservation],
  erasers: ['UserErased'],
  keys: {
    UserRegistered: byUser,
    ProfileUpdated: byUser,
    PermissionGranted: byUser,
    PermissionRevoked: byUser,
    UserDisabled: byUser,
    UserEnabled: byUser,
    PasswordChanged: byUser,
    EmailConfirmed: byUser,
    AvatarChanged: byUser,
    UserErased: byUser,
    ReservationLapsed: lapsesOf('user'),
  },
  evolve: (current, event) => {
    const { revision } = event;
    if (event.type === 'UserRegistered') {
      const { userId, email } = event.data;
      // Nobody can sign in to an erased account.
      if (email === ERASED) return null;
      return { id: userId, email, emailConfirmed: false, permissions: [], preferences: {}, revision };
    }
    if (!current) return null;
    switch (event.type) {
      case 'PermissionGranted': {
        const permissions = [...new Set([...current.permissions, event.data.permission])].sort();
        return { ...current, permissions, revision };
      }
      case 'PermissionRevoked': {
        const permissions = current.permissions.filter((held) => held !== event.data.permission);
        return { ...current, permissions, revision };
      }
      case 'EmailConfirmed':
        return { ...current, email: event.data.email, emailConfirmed: true, revision };
      case 'UserErased':
        return null;
      case 'AvatarChanged':
      case 'PasswordChanged':
      case 'ProfileUpdated':
      case 'UserDisabled':
      case 'UserEnabled':
      case 'ReservationLapsed':
        return { ...current, revision };
    }
  },
});
