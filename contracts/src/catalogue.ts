/** The event catalogue: every event type of every aggregate, found in the `*.events.ts` files. */
import type { z } from 'zod';
import { discover, ofKind } from './kit/discover.ts';
import type { AggregateDefinition, EventDefinition } from './kit/event.ts';
import { personalFields } from './kit/personal.ts';

/** An event type with what its codec needs to know. */
export interface CatalogueEntry extends EventDefinition<z.ZodObject> {
  readonly type: string;
  readonly category: string;
  /** Fields that are encrypted in the log. */
  readonly personalFields: readonly string[];
}

/** Event types by name. */
export type Catalogue = ReadonlyMap<string, CatalogueEntry>;

/** Builds a catalogue; two aggregates that share a category or a type name throw. */
export function buildCatalogue(aggregates: readonly AggregateDefinition[]): Catalogue {
  const entries = new Map<string, CatalogueEntry>();
  const categories = new Set<string>();
  for (const { category, events } of aggregates) {
    if (categories.has(category)) throw new Error(`two aggregates share the category ${category}`);
    categories.add(category);
    for (const [type, definition] of Object.entries(events)) {
      if (entries.has(type)) throw new Error(`two aggregates share the event type ${type}`);
      entries.set(type, {
        ...definition,
        type,
        category,
        personalFields: personalFields(definition.data.shape),
      });
    }
  }
  return entries;
}

/** Every event type that this release knows. */
export const catalogue: Catalogue = buildCatalogue(
  await discover(
    new URL('./', import.meta.url),
    '.events.ts',
    ofKind<'aggregate', AggregateDefinition>('aggregate'),
  ),
);
