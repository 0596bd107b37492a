import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listQuery } from './list.ts';

const schema = listQuery({
  search: true,
  sort: ['title', 'publishedAt'],
  fields: ['id', 'title', 'content'],
  filters: {
    tag: { value: z.string().min(1).toLowerCase(), operators: ['eq', 'not'] },
    publishedAt: { value: z.string().regex(/^\d{4}$/), operators: ['gte', 'lt'] },
  },
});
const mistakesOf = (query: object) =>
  schema.safeParse(query).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('a list’s query', () => {
  it('starts at page 1 with 20 items where nothing is said', () => {
    expect(schema.parse({})).toEqual({ page: 1, pageSize: 20, filters: [], sort: [] });
  });

  it('reads every parameter', () => {
    const query = {
      ...{ page: '3', pageSize: '50', search: ' trees ', sort: '-publishedAt,title', fields: 'id,title' },
      ...{ tag: 'A,b', 'tag[not]': 'c', 'publishedAt[gte]': '2020' },
    };
    expect(schema.parse(query)).toEqual({
      page: 3,
      pageSize: 50,
      search: 'trees',
      sort: [
        { field: 'publishedAt', descending: true },
        { field: 'title', descending: false },
      ],
      fields: ['id', 'title'],
      filters: [
        { field: 'tag', operator: 'eq', values: ['a', 'b'] },
        { field: 'tag', operator: 'not', values: ['c'] },
        { field: 'publishedAt', operator: 'gte', values: ['2020'] },
      ],
    });
    expect(schema.parse({ cursor: 'start', exclude: 'content' })).toMatchObject({
      cursor: 'start',
      exclude: ['content'],
    });
    expect(schema.parse({ cursor: 'start' })).not.toHaveProperty('page');
  });

  it.each([
    { unheardOf: '1' },
    { 'tag[gte]': 'a' },
    { 'publishedAt[between]': '2020' },
    { page: '0' },
    { page: '-1' },
    { page: '1.5' },
    { page: '1e3' },
    { page: '99999999' },
    { page: ['1', '2'] },
    { pageSize: '0' },
    { pageSize: '101' },
    { cursor: '' },
    { search: '  ' },
    { sort: 'content' },
    { sort: 'title,-title' },
    { sort: '' },
    { fields: 'id,secret' },
    { tag: 'a,,b' },
    { tag: Array.from({ length: 21 }, (_, index) => `t${index}`).join(',') },
    { 'publishedAt[gte]': 'yesterday' },
    { page: '1', cursor: 'start' },
    { fields: 'id', exclude: 'title' },
  ])('refuses %j', (query) => {
    expect(mistakesOf(query)).toHaveLength(1);
  });

  it('goes as deep as 10,000 items by page', () => {
    expect(schema.safeParse({ page: '100', pageSize: '100' }).success).toBe(true);
    expect(schema.safeParse({ page: '500' }).success).toBe(true);
    for (const query of [{ page: '101', pageSize: '100' }, { page: '501' }]) {
      const [issue] = schema.safeParse(query).error?.issues ?? [];
      expect(issue).toMatchObject({ path: ['page'], params: { code: 'page-too-deep' } });
    }
  });

  it('reports every mistake at once', () => {
    expect(mistakesOf({ page: '0', pageSize: '0', sort: 'x', unheardOf: '1' })).toHaveLength(4);
  });

  it('takes pages and cursors alone where nothing else is offered', () => {
    expect(listQuery().parse({ page: '2' })).toEqual({ page: 2, pageSize: 20, filters: [], sort: [] });
    for (const name of ['search', 'sort', 'fields', 'exclude'])
      expect(listQuery().safeParse({ [name]: 'x' }).success).toBe(false);
  });
});
