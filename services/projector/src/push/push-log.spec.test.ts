import { pushFrames, pushLogKey } from '@annals/contracts/push/docs';
import { pushRules } from '@annals/contracts/push/rules';
import { projectionSpec } from '@annals/testing/projection-spec';
import { expect, test } from 'vitest';
import { ARTICLE, created, deleted, liked, published } from '../samples.fixture.ts';
import { pushLog } from './push-log.projection.ts';

const spec = projectionSpec(pushLog);

test('a row per channel and event, as sockets would have got it', () => {
  const projected = spec.given(published(), liked(ARTICLE));
  const frames = projected.events.flatMap((event) => pushFrames(pushRules, event));
  expect(frames.map(({ channel }) => channel)).toEqual([
    'articles',
    `article:${ARTICLE}`,
    `article:${ARTICLE}`,
  ]);
  projected.thenKeys(...frames.map(pushLogKey));
  for (const frame of frames) {
    projected.thenDocument(pushLogKey(frame), frame);
    projected.thenColumns(pushLogKey(frame), { position: frame.position, at: frame.at });
  }
});

test('a draft’s deletion is no news for the public', () => {
  const projected = spec.given(deleted(false));
  const [event] = projected.events;
  projected.thenKeys(`article:${ARTICLE}@${event?.position}`);
});

test('what no rule names is not handled', () => {
  expect(() => spec.given(created())).toThrow('does not handle');
});
