import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { buildCatalogue, catalogue } from './catalogue.ts';
import { defineAggregate, defineEvent, streamCategory, streamId, upcast } from './kit/event.ts';
import { ERASED, personal, personalFields } from './kit/personal.ts';

const folder = new URL('../fixtures/', import.meta.url);
const fixtures = readdirSync(folder).map((file) => {
  const [type = '', version = '', extension = ''] = file.split('.');
  const data = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>;
  return { file, type, version: Number(version.slice(1)), extension, data };
});
const entries = [...catalogue.values()];

describe('the event catalogue', () => {
  it('has a fixture of every version of every event type ever written, and of nothing else', () => {
    const expected = entries.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, index) => `${type}.v${index + 1}.json`),
    );
    expect(fixtures.map(({ file }) => file).sort()).toEqual(expected.sort());
  });

  it.each(fixtures)('reads $file as the newest version', ({ type, version, data }) => {
    const entry = catalogue.get(type);
    if (!entry) throw new Error(`no event type ${type}`);
    const newest = upcast({ ...entry, data: entry.data.strict() }, version, data);
    if (version === entry.version) expect(newest).toEqual(data);
  });

  it.each(fixtures)('reads $file with its personal fields erased', ({ type, version, data }) => {
    const entry = catalogue.get(type);
    if (!entry) throw new Error(`no event type ${type}`);
    const erased = entry.personalFields.filter((field) => field in data).map((field) => [field, ERASED]);
    expect(upcast(entry, version, { ...data, ...Object.fromEntries(erased) })).toMatchObject(
      Object.fromEntries(erased),
    );
  });

  it('names types in the past tense and PascalCase, and categories without a hyphen', () => {
    for (const { type, category } of entries) {
      expect(type).toMatch(/^([A-Z][a-z]+){2,}$/);
      expect(category).toMatch(/^[a-z]+$/);
    }
  });

  it('keeps who a personal field is about readable, as one of the event’s own fields', () => {
    for (const { subject, personalFields, data } of entries) {
      if (personalFields.length === 0) continue;
      expect(Object.keys(data.shape)).toContain(subject);
      expect(personalFields).not.toContain(subject);
    }
  });
});

describe('definitions', () => {
  const data = z.object({ id: z.string(), name: personal(z.string()).optional() });

  it('are refused without an upcaster for every older version, or without a subject for personal fields', () => {
    expect(() => defineEvent({ version: 3, data: z.object({}), upcasters: { 1: (old) => old } })).toThrow(
      'version 2',
    );
    expect(() => defineEvent({ version: 1, data })).toThrow('subject');
    expect(personalFields(data.shape)).toEqual(['name']);
  });

  it('are refused where two aggregates share a category or an event type', () => {
    const happened = { Happened: defineEvent({ version: 1, data: z.object({}) }) };
    const other = { Passed: defineEvent({ version: 1, data: z.object({}) }) };
    expect(() => buildCatalogue([defineAggregate('a', happened), defineAggregate('a', other)])).toThrow(
      'category a',
    );
    expect(() => buildCatalogue([defineAggregate('a', happened), defineAggregate('b', happened)])).toThrow(
      'Happened',
    );
  });

  it('lift old data step by step, and refuse what does not fit in the end', () => {
    const definition = defineEvent({
      version: 3,
      data: z.object({ total: z.number() }),
      upcasters: { 1: ({ sum }) => ({ amount: sum }), 2: ({ amount }) => ({ total: amount }) },
    });
    expect([upcast(definition, 1, { sum: 7 }), upcast(definition, 2, { amount: 7 })]).toEqual([
      { total: 7 },
      { total: 7 },
    ]);
    expect(() => upcast(definition, 2, { sum: 7 })).toThrow(z.ZodError);
  });
});

describe('stream names', () => {
  it('are a category and an id, which may hold hyphens', () => {
    const stream = 'article-01990000-0000-7000-8000-000000000001';
    expect([streamCategory(stream), streamId(stream)]).toEqual([
      'article',
      '01990000-0000-7000-8000-000000000001',
    ]);
  });
});
