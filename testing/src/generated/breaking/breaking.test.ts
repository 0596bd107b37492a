import { describe, expect, it } from 'vitest';
import { asyncApi, type GeneratedDocument, openApi } from '../documents.ts';
import { breaksOfSchema } from './schemas.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests change whatever they like in a document
type Document = any;

/** Tells what a change of today's document breaks. */
function breaker({ render, parse, breaks }: GeneratedDocument) {
  const today = parse(render());
  return (change: (document: Document) => void): readonly string[] => {
    const after: Document = structuredClone(today);
    change(after);
    return breaks(today, after);
  };
}
const openApiAfter = breaker(openApi);
const asyncApiAfter = breaker(asyncApi);

const bodyOf = (document: Document, path: string): Document =>
  document.paths[path].post.requestBody.content['application/json'].schema;

describe('an API that changes', () => {
  it('breaks nobody by staying as it is, nor by routes, optional fields and values that are new', () => {
    expect(openApiAfter(() => {})).toEqual([]);
    const additions = openApiAfter((document) => {
      document.paths['/v1/new'] = document.paths['/v1/articles'];
      bodyOf(document, '/v1/articles').properties.colour = { type: 'string' };
      bodyOf(document, '/v1/articles').properties.title.maxLength += 1;
      document.components.schemas.Person.properties.colour = { type: 'string' };
    });
    expect(additions).toEqual([]);
  });

  it('breaks nobody by a value where there never was any', () => {
    const before = { type: 'object', properties: { place: { type: 'null' } }, required: ['place'] };
    const place = { anyOf: [{ type: 'object', properties: {} }, { type: 'null' }] };
    const after = { ...before, properties: { place } };
    expect(breaksOfSchema({ before: {}, after: {}, side: 'read' }, before, after, 'x')).toEqual([]);
    expect(breaksOfSchema({ before: {}, after: {}, side: 'read' }, after, before, 'x')).not.toEqual([]);
  });

  it.each<[string, (document: Document) => void, string]>([
    [
      'a route is removed',
      (document) => delete document.paths['/v1/articles'].post,
      'POST /v1/articles: removed',
    ],
    [
      'a field of an answer is removed',
      (document) => {
        delete document.components.schemas.Profile.properties.bio;
      },
      'GET /v1/users/{idOrUsername} 200.bio: removed',
    ],
    [
      'a field of an answer may be missing',
      (document) => {
        document.components.schemas.CommandAnswer.required = ['id'];
      },
      'POST /v1/articles 201.revision: may be missing now',
    ],
    [
      'a field of an answer becomes null',
      (document) => {
        document.components.schemas.CommandAnswer.properties.revision.type = ['integer', 'null'];
      },
      'POST /v1/articles 201.revision: was integer, is integer or null',
    ],
    [
      'a field of a request is required',
      (document) => {
        bodyOf(document, '/v1/articles').properties.colour = { type: 'string' };
        bodyOf(document, '/v1/articles').required.push('colour');
      },
      'POST /v1/articles body.colour: required now',
    ],
    [
      'a field of a request is not taken any more',
      (document) => delete bodyOf(document, '/v1/articles').properties.tags,
      'POST /v1/articles body.tags: removed',
    ],
    [
      'a field of a request takes less',
      (document) => {
        bodyOf(document, '/v1/articles').properties.title.maxLength = 10;
      },
      'POST /v1/articles body.title: maxLength was 200, is 10',
    ],
    [
      'a field of a request changes its type',
      (document) => {
        bodyOf(document, '/v1/articles').properties.title.type = 'integer';
      },
      'POST /v1/articles body.title: was string, is integer',
    ],
    [
      'a parameter is removed',
      (document) => {
        const { get } = document.paths['/v1/articles'];
        get.parameters = get.parameters.filter(({ name }: Document) => name !== 'sort');
      },
      'GET /v1/articles query parameter sort: removed',
    ],
  ])('breaks clients where %s', (_, change, told) => {
    expect(openApiAfter(change)).toContain(told);
  });
});

describe('topics and messages that change', () => {
  const published = (document: Document) => document.channels.publishing.messages['article-published'];

  it('break nobody by staying as they are, nor by messages and fields that are new', () => {
    expect(asyncApiAfter(() => {})).toEqual([]);
    const additions = asyncApiAfter((document) => {
      document.channels.publishing.messages['article-featured'] = published(document);
      published(document).payload.properties.colour = { type: 'string' };
      published(document).payload.required.push('colour');
    });
    expect(additions).toEqual([]);
  });

  it.each<[string, (document: Document) => void, string]>([
    [
      'a topic is removed',
      (document) => delete document.channels.publishing,
      'annals.publishing.v1: removed',
    ],
    [
      'a topic gets another name',
      (document) => {
        document.channels.publishing.address = 'annals.articles.v1';
      },
      'annals.publishing.v1: removed',
    ],
    [
      'a kind of record is removed',
      (document) => delete document.channels.publishing.messages['article-published'],
      'annals.publishing.v1 article-published: removed',
    ],
    [
      'a field is removed',
      (document) => delete published(document).payload.properties.authorId,
      'annals.publishing.v1 article-published payload.authorId: removed',
    ],
    [
      'a field changes its type',
      (document) => {
        published(document).payload.properties.tags = { type: 'string' };
      },
      'annals.publishing.v1 article-published payload.tags: was array, is string',
    ],
    [
      'a header may be missing',
      (document) => {
        published(document).headers.required = [];
      },
      'annals.publishing.v1 article-published headers.ce_id: may be missing now',
    ],
    [
      'a message of clients needs more',
      (document) => {
        document.channels.push.messages.subscribe.payload.required.push('since');
      },
      '/v1/push subscribe payload.since: required now',
    ],
  ])('break consumers where %s', (_, change, told) => {
    expect(asyncApiAfter(change)).toContain(told);
  });
});
