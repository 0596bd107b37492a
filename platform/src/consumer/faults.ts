/** Where a test may make a consumer's process die, or stop for a while. */

/**
 * `read`: a batch is read, nothing is done. `performed`: a reaction's commands are done, nothing is recorded.
 * `sent`: a relay's records are sent, Kafka's transaction is open. `written`: effects and checkpoint are written, the
 * transaction is open. `committed`: nobody was told yet.
 */
export type ConsumerFaultPoint = 'read' | 'performed' | 'sent' | 'written' | 'committed';

/** Called at each point of each batch with the consumer's name; what it throws or awaits happens there. */
export type ConsumerFaults = (point: ConsumerFaultPoint, consumer: string) => Promise<void> | void;
