/** One article with all that its screen shows. */
import { type ProfileDoc, toPersonSummary, unknownPerson } from '@annals/contracts/identity/docs';
import type { PersonSummary } from '@annals/contracts/identity/views';
import { type ArticleDetailsDoc, type CommentDoc, likeKey } from '@annals/contracts/publishing/docs';
import type { ArticleDetail, CommentView } from '@annals/contracts/publishing/views';
import { createPostgresDocuments } from '@annals/platform/read-store/postgres-documents';
import { isId } from '../identity/person-json.ts';
import { sql } from '../lists/sql.ts';
import type { Reader } from '../queries.ts';
import { articleDetails, likes, profileDocuments, type View } from '../views.ts';
import { mayEdit, type Standing, type Viewer } from './standing.ts';

/** An article with the people in it, as one viewer sees it. */
export interface FoundArticle {
  readonly doc: ArticleDetailsDoc;
  readonly people: ReadonlyMap<string, ProfileDoc>;
  readonly isLiked: boolean;
}

/** The article together with what decides who may see it. */
export function standingIn(found: FoundArticle): FoundArticle & Standing {
  const { authorId, isPublished, isDeleted } = found.doc.summary;
  return { ...found, authorId, isPublished, isDeleted };
}

/** The views that {@link findArticle} reads for the viewer. */
export function viewsOf({ userId }: Viewer): readonly View[] {
  return userId === null ? [articleDetails, profileDocuments] : [articleDetails, profileDocuments, likes];
}

/** Finds an article by id or slug, whoever may see it. */
export async function findArticle(
  reader: Reader,
  idOrSlug: string,
  viewer: Viewer,
): Promise<FoundArticle | null> {
  const documents = createPostgresDocuments(reader.client);
  const doc = isId(idOrSlug)
    ? (await documents.findByIds<ArticleDetailsDoc>(articleDetails.name, [idOrSlug])).get(idOrSlug)
    : (await documents.findBy<ArticleDetailsDoc>(articleDetails.name, 'activeSlug', idOrSlug))?.doc;
  if (!doc) return null;
  const ids = [doc.summary.authorId, ...doc.comments.map(({ authorId }) => authorId)];
  const [people, isLiked] = await Promise.all([
    documents.findByIds<ProfileDoc>(profileDocuments.name, [...new Set(ids)]),
    viewer.userId !== null && likedBy(reader, doc.id, viewer.userId),
  ]);
  return { doc, people, isLiked };
}

async function likedBy(reader: Reader, articleId: string, userId: string): Promise<boolean> {
  const rows = await reader.rows(sql`select from ${likes.table} where key = ${likeKey(articleId, userId)}`);
  return rows.length > 0;
}

/** The article as the API shows it: what all see first, what depends on the viewer last. */
export function toDetail({ doc, people, isLiked }: FoundArticle, viewer: Viewer): ArticleDetail {
  const { authorId, isDeleted: _, ...summary } = doc.summary;
  const author = people.get(authorId);
  return {
    ...summary,
    content: doc.content,
    author: {
      ...personOf(people, authorId),
      articleCount: author?.articleCount ?? null,
      followerCount: author?.followerCount ?? null,
    },
    comments: doc.comments.map((comment) => toCommentView(comment, people)),
    isOwner: viewer.userId === authorId,
    canEdit: mayEdit(viewer, { authorId }),
    isLiked,
  };
}

function toCommentView(
  { authorId, ...comment }: CommentDoc,
  people: ReadonlyMap<string, ProfileDoc>,
): CommentView {
  return { ...comment, author: personOf(people, authorId) };
}

function personOf(people: ReadonlyMap<string, ProfileDoc>, id: string): PersonSummary {
  const profile = people.get(id);
  return profile ? toPersonSummary(profile) : unknownPerson(id);
}
