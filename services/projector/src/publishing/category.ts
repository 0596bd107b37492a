/** The fold of a category, shared by its row and its document. */
import { reservation } from '@annals/contracts/identity/reservation.events';
import { type DomainEventOf, streamCategory, streamId } from '@annals/contracts/kit/event';
import type { CategoryDoc } from '@annals/contracts/publishing/category.docs';
import { category } from '@annals/contracts/publishing/category.events';

export const categoryAggregates = [category, reservation] as const;

type Change = DomainEventOf<typeof category>;
type Lapse = Extract<DomainEventOf<typeof reservation>, { type: 'ReservationLapsed' }>;

const byCategory = (event: Change) => event.data.categoryId;

export const categoryKeys = {
  CategoryCreated: byCategory,
  CategoryRenamed: byCategory,
  CategoryRetired: byCategory,
  ReservationLapsed: (event: Lapse) =>
    streamCategory(event.stream) === category.category ? streamId(event.stream) : [],
};

/** Folds one event into its category. */
export function evolveCategory(current: CategoryDoc | null, event: Change | Lapse): CategoryDoc | null {
  const { revision } = event;
  const at = event.metadata.occurredAt;
  if (event.type === 'CategoryCreated') {
    const { categoryId: id, slug, name } = event.data;
    return { id, slug, name, isRetired: false, createdAt: at, updatedAt: at, revision };
  }
  if (!current) return null;
  switch (event.type) {
    case 'CategoryRenamed':
      return { ...current, slug: event.data.slug, name: event.data.name, updatedAt: at, revision };
    case 'CategoryRetired':
      return { ...current, isRetired: true, updatedAt: at, revision };
    case 'ReservationLapsed':
      return { ...current, revision };
  }
}
