/** The push socket's route: a WebSocket upgrade, see `messages.ts`. */
import { defineRoute } from '../kit/route.ts';

export const openPush = defineRoute({
  name: 'openPush',
  method: 'GET',
  path: '/v1/push',
  service: 'notifier',
  tag: 'push',
  summary: 'Follow channels over a WebSocket (subprotocol annals.v1)',
  access: 'anyone',
  throttle: 'none',
  style: 'plain',
  success: { status: 101 },
  problems: ['upgrade-required', 'forbidden', 'unavailable'],
});
