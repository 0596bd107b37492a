import { expect, it, vi } from 'vitest';
import { uuidv5, uuidv7 } from './uuid.ts';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';

it('names the same thing the same, as RFC 9562 says', () => {
  expect(uuidv5('www.example.com', DNS)).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  expect(uuidv5('www.example.com', DNS.toUpperCase())).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  expect(uuidv5('übrige', DNS)).not.toBe(uuidv5('ubrige', DNS));
});

it('refuses a namespace that is no UUID', () => {
  for (const namespace of ['', 'www', `${DNS}00`, DNS.replace('6b', 'xx')])
    expect(() => uuidv5('www.example.com', namespace)).toThrow(TypeError);
});

it('makes ids that begin with the time and differ', () => {
  vi.useFakeTimers({ now: 0x017f22e279b0 });
  const ids = Array.from({ length: 1_000 }, uuidv7);
  vi.useRealTimers();
  for (const id of ids) expect(id).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(ids.length);
});
