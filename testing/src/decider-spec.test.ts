import { Problem } from '@annals/contracts/problems';
import { describe, expect, it } from 'vitest';
import { deciderSpec } from './decider-spec.ts';

type DoorEvent =
  | { readonly type: 'Opened'; readonly data: { readonly by: string } }
  | { readonly type: 'Closed'; readonly data: object };
interface Door {
  readonly isOpen: boolean;
  readonly visitors: readonly string[];
}

const door = {
  initial: { isOpen: false, visitors: [] } as Door,
  evolve: (state: Door, event: DoorEvent): Door =>
    event.type === 'Opened'
      ? { isOpen: true, visitors: [...state.visitors, event.data.by] }
      : { ...state, isOpen: false },
};
const opened: DoorEvent = { type: 'Opened', data: { by: 'ada' } };
const mistake = { pointer: '/by', code: 'required', message: 'who?' };

function open(state: Door, by: string): DoorEvent[] {
  if (by === '') throw new Problem('validation-failed', 'no name', { mistakes: [mistake] });
  return state.isOpen ? [] : [{ type: 'Opened', data: { by } }];
}

const spec = deciderSpec(door);

describe('deciderSpec', () => {
  it('passes for the right events, nothing, and the right refusal', () => {
    const state = spec
      .given()
      .when((door) => open(door, 'ada'))
      .thenEvents(opened);
    expect(state).toEqual({ isOpen: true, visitors: ['ada'] });
    spec
      .given(opened)
      .when((door) => open(door, 'grace'))
      .thenNothing();
    spec
      .given()
      .when((door) => open(door, ''))
      .thenRefused('validation-failed', [mistake]);
    expect(spec.given(opened, { type: 'Closed', data: {} }).state.isOpen).toBe(false);
  });

  it('fails for other events, also for further ones', () => {
    const outcome = spec.given().when((door) => open(door, 'ada'));
    expect(() => outcome.thenEvents({ type: 'Opened', data: { by: 'grace' } })).toThrow();
    expect(() => outcome.thenEvents()).toThrow();
    expect(() => outcome.thenEvents(opened, opened)).toThrow();
    expect(() => outcome.thenNothing()).toThrow();
    expect(() => outcome.thenRefused('forbidden')).toThrow();
  });

  it('fails for another refusal, other mistakes, and a refusal where events are expected', () => {
    const outcome = spec.given().when((door) => open(door, ''));
    expect(() => outcome.thenRefused('forbidden')).toThrow();
    expect(() => outcome.thenRefused('validation-failed', [])).toThrow();
    expect(() => outcome.thenEvents()).toThrow('no name');
    expect(() => outcome.thenNothing()).toThrow('no name');
  });

  it('does not take a bug for a refusal', () => {
    const buggy = () => {
      throw new TypeError('undefined is not a function');
    };
    expect(() => spec.given().when(buggy)).toThrow(TypeError);
  });

  it('fails where deciding or folding changes what it was given', () => {
    const visitors = (state: Door) => state.visitors as string[];
    const greedy = (state: Door): DoorEvent[] => {
      visitors(state).push('me');
      return [];
    };
    expect(() => spec.given(opened).when(greedy)).toThrow(TypeError);
    const mutating = deciderSpec({
      ...door,
      evolve: (state: Door) => Object.assign(state, { isOpen: true }),
    });
    expect(() => mutating.given(opened)).toThrow(TypeError);
  });
});
