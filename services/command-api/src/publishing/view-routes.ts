/** The beacon that readers send [P12]. */
import { viewArticle } from '@annals/contracts/publishing/article.routes';
import { type BoundRoute, bind, type Caller } from '@annals/platform/http/types';
import { streamOf } from '../commands/decider.ts';
import type { Streams } from '../commands/streams.ts';
import { articles } from './deciders.ts';
import type { ViewCounter } from './view-counter.ts';
import { requirePublished } from './visibility.ts';

export interface ViewTools {
  readonly counter: ViewCounter;
  readonly streams: Streams;
  /** Keyed hash of texts. */
  readonly hash: (...parts: string[]) => string;
}

/** Who reads anonymously is told apart by address and browser. */
export function viewRoutes({ counter, streams, hash }: ViewTools): BoundRoute[] {
  return [
    bind(viewArticle, async ({ params: { id: articleId }, caller, userAgent }) => {
      const ref = streamOf(articles, articleId);
      // What is remembered may be behind, but a view more or less does no harm: only what it refuses is read anew.
      if (streams.cached(ref)?.state.status !== 'published')
        requirePublished((await streams.load(ref)).snapshot.state);
      counter.note({ articleId, reader: hash('reader', ...readerOf(caller, userAgent)).slice(0, 32) });
      return { status: 202 };
    }),
  ];
}

function readerOf(caller: Caller, userAgent: string | null): string[] {
  return caller.kind === 'user' ? [caller.userId] : [caller.address, userAgent ?? ''];
}
