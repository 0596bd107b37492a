/** One article: now [P7], or as of then [P13]. */
import { Problem } from '@annals/contracts/problems';
import { getArticle } from '@annals/contracts/publishing/article.routes';
import type { Basis } from '@annals/platform/consumer/coherence';
import { representation } from '@annals/platform/http/conditional';
import { bind, type RouteRequest } from '@annals/platform/http/types';
import type { ViewKey } from '@annals/platform/read-store/documents';
import { isId } from '../identity/person-json.ts';
import { pick } from '../lists/sparse.ts';
import { defineQueries, type QueryContext } from '../queries.ts';
import { articleDetails, articleHistory, categoryDocuments, profileDocuments } from '../views.ts';
import { asOfThen, changesUntil, stateAsOf } from './article-as-of.ts';
import {
  categoryOf,
  type FoundArticle,
  findArticle,
  standingIn,
  toDetail,
  viewsOf,
} from './article-detail.ts';
import { requireEditable, requireVisible, type Viewer, viewerOf } from './standing.ts';

type Request = RouteRequest<typeof getArticle>;

/** An article that the viewer may see, and the position of what was read. */
interface Seen {
  readonly article: FoundArticle;
  readonly position: string;
  readonly basis: Basis | null;
}

export const articleDetailQueries = defineQueries((context) => [
  bind(getArticle, async (request) => {
    const viewer = viewerOf(request.caller);
    const { asOf, ...choice } = request.query;
    const { article, position, basis } =
      asOf === undefined
        ? await readNow(context, request, viewer)
        : await readAsOf(context, request, viewer, asOf);
    const detail = toDetail(article, viewer);
    return representation(request, {
      revision: detail.revision,
      body: choice.fields || choice.exclude ? pick({ ...detail }, choice) : detail,
      position,
      basis,
    });
  }),
]);

async function readNow(context: QueryContext, request: Request, viewer: Viewer): Promise<Seen> {
  const { idOrSlug } = request.params;
  const resources = (found: FoundArticle | null | undefined) => resourcesOf(idOrSlug, found ?? null);
  const { data, position, basis } = await context.read(
    request,
    { views: viewsOf(viewer), resources, isQuick: true },
    (reader) => findArticle(reader, idOrSlug, viewer),
  );
  return { article: requireVisible(viewer, data && standingIn(data)), position, basis };
}

async function readAsOf(
  context: QueryContext,
  request: Request,
  viewer: Viewer,
  asOf: string,
): Promise<Seen> {
  if (request.caller.kind === 'anonymous') throw new Problem('unauthenticated', 'Send an access token.');
  const views = [...viewsOf(viewer), articleHistory];
  const { idOrSlug } = request.params;
  const resources = (found: FoundArticle | null | undefined) => [
    ...resourcesOf(idOrSlug, found ?? null),
    ...(found ? changesUntil(found.doc.id, found.doc.summary.revision) : []),
  ];
  const { data, position } = await context.read(request, { views, resources }, async (reader) => {
    const found = await findArticle(reader, idOrSlug, viewer);
    if (!found) return null;
    // A stranger is told nothing about when it was there.
    const standing = requireEditable(viewer, standingIn(found));
    const doc = asOfThen(found.doc, asOf, await stateAsOf(reader, found.doc.id, asOf));
    return { ...standing, doc, category: await categoryOf(reader, doc) };
  });
  return { article: requireVisible(viewer, data), position, basis: null };
}

/** The documents that an answer is made of. Of what is not found by its slug nobody knows the key. */
function resourcesOf(idOrSlug: string, found: FoundArticle | null): readonly ViewKey[] {
  if (!found) return isId(idOrSlug) ? [{ view: articleDetails.name, key: idOrSlug }] : [];
  const { categoryId } = found.doc.summary;
  return [
    { view: articleDetails.name, key: found.doc.id },
    // Those too whose profile is not there yet.
    ...found.doc.people.map((key) => ({ view: profileDocuments.name, key })),
    ...(categoryId ? [{ view: categoryDocuments.name, key: categoryId }] : []),
  ];
}
