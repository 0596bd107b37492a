/** Nothing is throttled where a guarantee is not about throttles. */
export const unlimited: Readonly<Record<string, string>> = {
  ANNALS_THROTTLE_READ: '10000000',
  ANNALS_THROTTLE_WRITE: '10000000',
  ANNALS_THROTTLE_LOGIN: '10000000',
  ANNALS_THROTTLE_REFRESH: '10000000',
  ANNALS_LOGIN_NETWORK_LOCK_AFTER: '10000000',
};
