/** Commands on categories [P11]. The route table lets staff alone through. */
import * as routes from '@annals/contracts/publishing/category.routes';
import { defineCommand } from '../commands/command.ts';
import { categories } from './deciders.ts';
import * as domain from './domain/category.ts';
import { categorySlugOf } from './slug.ts';

const byId = ({ params }: { params: { id: string } }) => params.id;

export const createCategory = defineCommand(routes.createCategory, categories, {
  location: (id) => `/v1/categories/${id}`,
  decide: ({ id, state, body: { name, slug = categorySlugOf(name) } }) =>
    domain.create(state, { categoryId: id, name, slug }),
});

export const renameCategory = defineCommand(routes.renameCategory, categories, {
  target: byId,
  decide: ({ state, body }) => domain.rename(state, body),
});

export const retireCategory = defineCommand(routes.retireCategory, categories, {
  target: byId,
  decide: ({ state }) => domain.retire(state),
});
