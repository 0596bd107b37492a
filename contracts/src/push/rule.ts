/** How events become push frames: pure rules beside the events, `rules.ts` finds the `*.push.ts` files. */
import type { z } from 'zod';
import type { AggregateDefinition, DomainEvent, EventDefinition } from '../kit/event.ts';

/** What one event type pushes, and to which channels. */
export interface PushRule {
  readonly kind: 'push-rule';
  readonly type: string;
  readonly channels: (event: DomainEvent) => readonly string[];
  /** Ids and revision only: titles, names and contents are fetched. */
  readonly data: (event: DomainEvent) => Readonly<Record<string, unknown>>;
  /** Whether the event changes who may see its channels: their subscribers are checked anew before the next frame. */
  readonly changesVisibility: boolean;
}

/** Defines the rules of an aggregate's events. */
export function definePush<Events extends Record<string, EventDefinition>>(
  _aggregate: AggregateDefinition<Events>,
  rules: {
    readonly [Type in Extract<keyof Events, string>]?: {
      channels: (event: DomainEvent<Type, z.infer<Events[Type]['data']>>) => readonly string[];
      data: (event: DomainEvent<Type, z.infer<Events[Type]['data']>>) => Readonly<Record<string, unknown>>;
      changesVisibility?: boolean;
    };
  },
): PushRule[] {
  return Object.entries(rules).map(([type, rule]) => ({
    kind: 'push-rule',
    type,
    changesVisibility: false,
    ...(rule as Pick<PushRule, 'channels' | 'data'>),
  }));
}
