/** One published article, its author and readers, and writers that change each aspect of them step by step. */
import { followUser } from '@annals/contracts/identity/follow.routes';
import { registerUser, updateMe } from '@annals/contracts/identity/user.routes';
import {
  createArticle,
  likeArticle,
  publishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { createCategory, renameCategory } from '@annals/contracts/publishing/category.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { type Answer, Api, uniqueName } from '../../e2e/client.ts';
import { newPerson, type Person } from '../../e2e/people.ts';
import { type Aspect, Ledger } from './ledger.ts';

export interface World {
  readonly author: Person;
  /** The author's first follower, who follows nobody else. */
  readonly follower: Person;
  readonly anonymous: Api;
  readonly articleId: string;
  /** What all the author's articles stand under, and nobody else's. */
  readonly categoryId: string;
  /** A word of all the author's articles, their tag and their category, and of nobody else's. */
  readonly word: string;
  readonly ledger: Ledger;
  /** The revision that the article had when each version of its title was written, by version. */
  readonly titleRevisions: readonly number[];
  /** The comments' ids, the first one first. */
  readonly commentIds: readonly string[];
  /** What the usernames of those who register begin with, and nobody else's. */
  readonly newcomers: string;
  /** Takes the next step of `aspect`, and records it. */
  step(aspect: Aspect): Promise<void>;
  /** Which aspects can still change: there are only so many readers who can like and follow. */
  canStep(aspect: Aspect): boolean;
}

/** Makes the world; `readers` is how many likes it can have, and how many followers besides the first. `importer`: a service token. */
export async function createWorld(url: string, importer: string, readers: number): Promise<World> {
  const author = await newPerson(url, 'author');
  const follower = await newPerson(url, 'follower');
  const fans: Person[] = [];
  for (let n = 0; n < readers; n++) fans.push(await newPerson(url, 'fan'));
  const word = `w${uniqueName('fresh').replaceAll('-', '')}`;
  const service = new Api(url, importer);
  const category = await service.ok(createCategory, { body: { name: `${word} 0` } });
  const categoryId: string = category.body.id;
  const write = async (): Promise<Answer> => {
    const title = `About ${word} ${uniqueName('n')}`;
    const body = { title, content: `<p>Of ${word}.</p>`, tags: [word], categoryId };
    const created = await author.api.ok(createArticle, { body });
    return author.api.ok(publishArticle, { params: { id: created.body.id } });
  };
  const newcomers = uniqueName('new');
  const ledger = new Ledger();
  const first = await write();
  ledger.record('published', positionOf(first));
  const followed = await follower.api.ok(followUser, { params: { id: author.id } });
  ledger.record('followers', positionOf(followed));
  const articleId: string = first.body.id;
  const titleRevisions: number[] = [];
  const commentIds: string[] = [];

  const steps: Record<Aspect, () => Promise<Answer>> = {
    title: async () => {
      const title = `About ${word} ${titleRevisions.length + 1}`;
      const answer = await author.api.ok(updateArticle, { params: { id: articleId }, body: { title } });
      titleRevisions.push(answer.body.revision);
      return answer;
    },
    name: () => author.api.ok(updateMe, { body: { lastName: `N${ledger.newest('name') + 1}` } }),
    comments: async () => {
      const answer = await author.api.ok(addComment, {
        params: { id: articleId },
        body: { content: `Comment ${commentIds.length + 1}` },
      });
      commentIds.push(answer.body.id);
      return answer;
    },
    likes: async () => {
      const fan = fans[ledger.newest('likes')];
      if (!fan) throw new Error('everybody likes it already');
      return fan.api.ok(likeArticle, { params: { id: articleId } });
    },
    followers: async () => {
      const fan = fans[ledger.newest('followers') - 1];
      if (!fan) throw new Error('everybody follows the author already');
      return fan.api.ok(followUser, { params: { id: author.id } });
    },
    published: write,
    category: () => {
      const name = `${word} ${ledger.newest('category') + 1}`;
      return service.ok(renameCategory, { params: { id: categoryId }, body: { name } });
    },
    registered: async () => {
      const username = `${newcomers}-${ledger.newest('registered')}`;
      return service.ok(registerUser, { body: { username, email: `${username}@example.org` } });
    },
  };
  return {
    author,
    follower,
    anonymous: new Api(url),
    articleId,
    word,
    categoryId,
    ledger,
    titleRevisions,
    commentIds,
    newcomers,
    step: async (aspect) => ledger.record(aspect, positionOf(await steps[aspect]())),
    canStep: (aspect) => {
      if (aspect === 'likes') return ledger.newest('likes') < fans.length;
      return aspect !== 'followers' || ledger.newest('followers') <= fans.length;
    },
  };
}

function positionOf(answer: Answer): string {
  const position = answer.headers.get('annals-position');
  if (!position) throw new Error('a command answered without Annals-Position');
  return position;
}
