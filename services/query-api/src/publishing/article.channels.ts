/** `article:<id>`: for whoever may see the article. */
import { defineChannel } from '../push/channel-rule.ts';
import { articleList } from '../views.ts';
import { maySee, standingOf } from './standing.ts';

export const articleChannel = defineChannel('article', {
  views: [articleList],
  async mayFollow(reader, id, viewer) {
    const standing = await standingOf(reader, id);
    return standing !== null && maySee(viewer, standing);
  },
});
