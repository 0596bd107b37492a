/** Where a test may hold up the following of a view. */

/** `following`: events have arrived, and are not applied yet. */
export type FollowerFaultPoint = 'following';

/** Called for each batch with the name of what is followed; what it throws or awaits happens there. */
export type FollowerFaults = (point: FollowerFaultPoint, view: string) => Promise<void> | void;
