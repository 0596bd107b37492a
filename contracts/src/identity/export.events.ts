/** Events of an export of all that is kept about a user [I8]. Streams: `export-<exportId>`. */
import { z } from 'zod';
import { type DomainEventOf, defineAggregate, defineEvent, type EventOf } from '../kit/event.ts';
import { uuid } from '../kit/primitives.ts';

/** An export, from its request on; what it holds is never in the log. */
export const dataExport = defineAggregate('export', {
  DataExportRequested: defineEvent({ version: 1, data: z.object({ exportId: uuid, userId: uuid }) }),
});

export type DataExportEvent = EventOf<typeof dataExport>;
export type DataExportDomainEvent = DomainEventOf<typeof dataExport>;
