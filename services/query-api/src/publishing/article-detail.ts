/** One article with all that its screen shows. */
import { type ProfileDoc, toPersonSummary, unknownPerson } from '@annals/contracts/identity/docs';
import type { PersonSummary } from '@annals/contracts/identity/views';
import {
  type CategoryDoc,
  toCategorySummary,
  unknownCategory,
} from '@annals/contracts/publishing/category.docs';
import {
  type ArticleDetailsDoc,
  type CommentDoc,
  likeKey,
  publicComment,
  wholeComment,
} from '@annals/contracts/publishing/docs';
import type { ArticleDetail, CommentView } from '@annals/contracts/publishing/views';
import { isId } from '../identity/person-json.ts';
import type { Reader } from '../queries.ts';
import { articleDetails, categoryDocuments, likes, profileDocuments, type View } from '../views.ts';
import { mayEdit, type Standing, type Viewer } from './standing.ts';

type People = Readonly<Record<string, ProfileDoc>>;

/** An article with the people in it, as one viewer sees it. */
export interface FoundArticle {
  readonly doc: ArticleDetailsDoc;
  readonly people: People;
  /** Null where there is none, or none that is known yet. */
  readonly category: CategoryDoc | null;
  readonly isLiked: boolean;
}

/** The article together with what decides who may see it. */
export function standingIn(found: FoundArticle): FoundArticle & Standing {
  const { authorId, isPublished, isDeleted } = found.doc.summary;
  return { ...found, authorId, isPublished, isDeleted };
}

/** The views that {@link findArticle} reads for the viewer. */
export function viewsOf({ userId }: Viewer): readonly View[] {
  const documents = [articleDetails, profileDocuments, categoryDocuments];
  return userId === null ? documents : [...documents, likes];
}

/** Finds an article by id or slug, whoever may see it. */
export async function findArticle(
  reader: Reader,
  idOrSlug: string,
  viewer: Viewer,
): Promise<FoundArticle | null> {
  const { documents } = reader;
  const byId = isId(idOrSlug);
  const [found, isLiked] = await Promise.all([
    documents.findWith<ArticleDetailsDoc, ProfileDoc>(
      articleDetails.name,
      byId ? { key: idOrSlug } : { field: 'activeSlug', value: idOrSlug },
      { field: 'people', view: profileDocuments.name },
    ),
    byId ? likedBy(reader, idOrSlug, viewer) : undefined,
  ]);
  if (!found) return null;
  const { doc, others: people } = found;
  const [category, liked] = await Promise.all([
    categoryOf(reader, doc),
    isLiked ?? likedBy(reader, doc.id, viewer),
  ]);
  return { doc, people, category, isLiked: liked };
}

/** The category that the article stands under. */
export async function categoryOf(
  { documents }: Reader,
  { summary: { categoryId } }: ArticleDetailsDoc,
): Promise<CategoryDoc | null> {
  if (categoryId === null) return null;
  const found = await documents.findByIds<CategoryDoc>(categoryDocuments.name, [categoryId]);
  return found.get(categoryId) ?? null;
}

async function likedBy(reader: Reader, articleId: string, { userId }: Viewer): Promise<boolean> {
  if (userId === null) return false;
  const { rows } = await reader.client.query({
    name: 'liked',
    text: `select from views.${likes.name} where key = $1`,
    values: [likeKey(articleId, userId)],
  });
  return rows.length > 0;
}

/** The article as the API shows it: what all see first, what depends on the viewer last. */
export function toDetail({ doc, people, category, isLiked }: FoundArticle, viewer: Viewer): ArticleDetail {
  const { authorId, categoryId, isDeleted: _, ...summary } = doc.summary;
  const author = people[authorId];
  return {
    ...summary,
    content: doc.content,
    author: {
      ...personOf(people, authorId),
      articleCount: author?.articleCount ?? null,
      followerCount: author?.followerCount ?? null,
    },
    category:
      categoryId === null ? null : category ? toCategorySummary(category) : unknownCategory(categoryId),
    comments: doc.comments.map((comment) => toCommentView(comment, people, viewer)),
    isOwner: viewer.userId === authorId,
    canEdit: mayEdit(viewer, { authorId }),
    isLiked,
  };
}

function toCommentView(comment: CommentDoc, people: People, viewer: Viewer): CommentView {
  const { authorId } = comment;
  const seesAll = viewer.canModerate || viewer.userId === authorId;
  const view = seesAll ? wholeComment(comment) : publicComment(comment);
  return { ...view, author: personOf(people, authorId) };
}

function personOf(people: People, id: string): PersonSummary {
  const profile = people[id];
  return profile ? toPersonSummary(profile) : unknownPerson(id);
}
