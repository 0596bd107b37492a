import { expect, test } from 'vitest';
import type { LogPage } from '../live.ts';
import type { Position } from '../port.ts';
import { formatPosition } from '../position.ts';
import { AnnouncedLog } from './announced-log.ts';

const at = (number: number): Position => formatPosition('aaaaaaaa', number);

function pageOf(...numbers: readonly number[]): LogPage {
  const entries = numbers.map((number) => ({
    event: {
      ...{ id: `${number}`, type: 'T', data: {}, metadata: {}, stream: 's', revision: 0 },
      position: at(number),
    },
    bytes: 1,
  }));
  return { entries, isHead: true };
}

test('a page that comes after its feed has ended moves no other feed', async () => {
  const asked: { readonly after: Position; readonly answer: (page: LogPage) => void }[] = [];
  const page = (after: Position) =>
    new Promise<LogPage>((resolve) => {
      asked.push({ after, answer: resolve });
    });
  const log = new AnnouncedLog({ reader: { page }, onFailure: () => {} });
  const [former, own] = [new AbortController(), new AbortController()];

  const formerPage = log.feed(at(5), former.signal).next();
  former.abort();
  const feed = log.feed(at(6), own.signal);
  const first = feed.next();
  asked[0]?.answer(pageOf(6, 7, 8));
  await formerPage;
  asked[1]?.answer(pageOf());
  expect(await first).toMatchObject({ value: { entries: [] } });
  const second = feed.next();
  log.notify(at(8));
  await Promise.resolve();
  asked[2]?.answer(pageOf(7, 8));
  expect(asked.map(({ after }) => after)).toEqual([at(5), at(6), at(6)]);
  expect(await second).toMatchObject({
    value: { entries: [{ event: { id: '7' } }, { event: { id: '8' } }] },
  });
  own.abort();
});
