/** A category: created, renamed, and at some time retired [P11]. Pure. */
import type { UniqueKey } from '@annals/contracts/kit/unique-key';
import { Problem } from '@annals/contracts/problems';
import type { CategoryEvent } from '@annals/contracts/publishing/category.events';
import { normaliseTitle } from './title.ts';

interface Named {
  readonly name: string;
  readonly slug: string;
}

export type CategoryState =
  | { readonly status: 'none' }
  | ({ readonly status: 'open' | 'retired'; readonly categoryId: string } & Named);

export const initial: CategoryState = { status: 'none' };

/** Folds one event. Total. */
export function evolve(state: CategoryState, event: CategoryEvent): CategoryState {
  if (event.type === 'CategoryCreated') return { status: 'open', ...event.data };
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'CategoryRenamed':
      return { ...state, ...event.data };
    case 'CategoryRetired':
      return { ...state, status: 'retired' };
    default:
      return event satisfies never;
  }
}

/** A retired category is still shown, so it keeps both. */
export function keys(state: CategoryState): readonly UniqueKey[] {
  if (state.status === 'none') return [];
  return [
    { kind: 'category-name', parts: [normaliseTitle(state.name)] },
    { kind: 'category-slug', parts: [state.slug] },
  ];
}

/** Creates a category; creating what is there changes nothing. */
export function create(state: CategoryState, data: { categoryId: string } & Named): CategoryEvent[] {
  return state.status === 'none' ? [{ type: 'CategoryCreated', data }] : [];
}

/** Gives a category another name or slug; a retired one, too. */
export function rename(
  state: CategoryState,
  { name, slug }: { readonly [Field in keyof Named]?: string | undefined },
): CategoryEvent[] {
  const { categoryId, ...before } = existing(state);
  const after = { name: name ?? before.name, slug: slug ?? before.slug };
  if (after.name === before.name && after.slug === before.slug) return [];
  return [{ type: 'CategoryRenamed', data: { categoryId, ...after } }];
}

/** Retires a category; retiring it twice is retiring it once. */
export function retire(state: CategoryState): CategoryEvent[] {
  const { status, categoryId } = existing(state);
  return status === 'retired' ? [] : [{ type: 'CategoryRetired', data: { categoryId } }];
}

/** Throws `validation-failed` unless articles may be put into the category. */
export function requireOpen(state: CategoryState | null): void {
  if (state?.status === 'open') return;
  const mistake =
    state?.status === 'retired'
      ? { code: 'retired-category', message: 'takes no new articles' }
      : { code: 'unknown-category', message: 'is no category' };
  throw new Problem('validation-failed', `The category ${mistake.message}.`, {
    mistakes: [{ pointer: '/categoryId', ...mistake }],
  });
}

function existing(state: CategoryState): Exclude<CategoryState, { status: 'none' }> {
  if (state.status === 'none') throw new Problem('not-found', 'There is no such category.');
  return state;
}
