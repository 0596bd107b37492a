/** What articles push: `articles` (public publications) and `article:<id>`. */
import { definePush } from '../push/rule.ts';
import { article } from './article.events.ts';
import { comment } from './comment.events.ts';
import { like } from './like.events.ts';

interface ArticleChange {
  readonly data: { readonly articleId: string };
  readonly revision: number;
}

const own = (event: ArticleChange) => [`article:${event.data.articleId}`];
const everywhere = (event: ArticleChange) => ['articles', ...own(event)];
const data = (event: ArticleChange) => ({ id: event.data.articleId, revision: event.revision });

export const articlePush = definePush(article, {
  ArticleUpdated: { channels: own, data },
  ArticleScheduled: { channels: own, data },
  ArticleUnscheduled: { channels: own, data },
  ArticleFeatured: { channels: own, data },
  ArticleUnfeatured: { channels: own, data },
  ArticlePublished: { channels: everywhere, data, changesVisibility: true },
  ArticleUnpublished: { channels: everywhere, data, changesVisibility: true },
  ArticleDeleted: {
    channels: (event) => (event.data.wasPublished ? everywhere(event) : own(event)),
    data,
    changesVisibility: true,
  },
  ArticleRestored: {
    channels: (event) => (event.data.isPublished ? everywhere(event) : own(event)),
    data,
    changesVisibility: true,
  },
});

export const likePush = definePush(like, {
  ArticleLiked: { channels: own, data: (event) => ({ id: event.data.articleId, userId: event.data.userId }) },
  ArticleUnliked: {
    channels: own,
    data: (event) => ({ id: event.data.articleId, userId: event.data.userId }),
  },
});

export const commentPush = definePush(comment, {
  CommentAdded: {
    channels: own,
    data: (event) => ({ id: event.data.commentId, articleId: event.data.articleId }),
  },
  CommentHidden: {
    channels: own,
    data: (event) => ({ id: event.data.commentId, articleId: event.data.articleId }),
  },
});
