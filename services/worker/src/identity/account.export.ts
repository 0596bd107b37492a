/** What is kept about the account itself: its history, log-ins and sessions. */
import { defineExport } from '../exports/section.ts';

/** Everything that happened to the account, as it is in the log. */
export const accountSection = defineExport('account', async (userId, { log }) => {
  const streams = await Promise.all([log.read(`user-${userId}`), log.read(`verification-${userId}`)]);
  return streams
    .flat()
    .filter(({ type }) => type !== 'ReservationLapsed')
    .map(({ type, data, metadata }) => ({ at: metadata.occurredAt, type, data }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
});

/** From where and with what the user logs in. */
export const accessSection = defineExport('access', (userId, { commands }) =>
  commands.get(`/internal/users/${userId}/records`),
);
