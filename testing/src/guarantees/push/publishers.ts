/** A load that publishes: every command of it is pushed on `articles`, on `article:<id>`, or both. */

import type { Route } from '@annals/contracts/kit/route';
import {
  createArticle,
  likeArticle,
  publishArticle,
  unlikeArticle,
  unpublishArticle,
  updateArticle,
} from '@annals/contracts/publishing/article.routes';
import { addComment } from '@annals/contracts/publishing/comment.routes';
import { type Answer, type CallOptions, uniqueName } from '../../e2e/client.ts';
import { newPerson, type Person } from '../../e2e/people.ts';

/** Does a command, whatever it takes, or fails. */
export type Call = (person: Person, route: Route, options: CallOptions) => Promise<Answer>;

export interface Publishers {
  readonly author: Person;
  /** Published for good: everybody may follow it. */
  readonly publicId: string;
  /** Published and unpublished in turn: its author alone may follow it all the time. */
  readonly changingId: string;
  /** Where the log was before the first turn. */
  readonly since: string;
  /** The turns that may be taken at the same time as others, but not at the same time as themselves. */
  readonly turns: readonly (() => Promise<void>)[];
}

/** Writes the articles that the turns are about. */
export async function createPublishers(url: string, call: Call): Promise<Publishers> {
  const author = await newPerson(url, 'author');
  const reader = await newPerson(url, 'reader');
  const draft = async (): Promise<string> => {
    const body = { title: `About ${uniqueName('something')}`, content: '<p>Words.</p>' };
    return (await call(author, createArticle, { body })).body.id;
  };
  const [publicId, changingId] = [await draft(), await draft()];
  const { headers } = await call(author, publishArticle, { params: { id: publicId } });
  const [ofPublic, ofChanging] = [{ params: { id: publicId } }, { params: { id: changingId } }];
  let turn = 0;
  return {
    author,
    publicId,
    changingId,
    since: headers.get('annals-position') ?? '',
    turns: [
      async () => {
        const id = await draft();
        await call(author, publishArticle, { params: { id } });
      },
      async () => {
        turn += 1;
        await call(author, updateArticle, { ...ofPublic, body: { tags: [`t${turn}`] } });
      },
      async () => void (await call(reader, addComment, { ...ofPublic, body: { content: 'Well said.' } })),
      async () => {
        await call(reader, likeArticle, ofPublic);
        await call(reader, unlikeArticle, ofPublic);
      },
      async () => {
        await call(author, publishArticle, ofChanging);
        await call(author, unpublishArticle, ofChanging);
      },
    ],
  };
}
