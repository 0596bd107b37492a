/** Asks probes, and says what is wrong with an answer: stale, overclaimed, late, or not one of the promised ones. */
import type { Answer } from '../../e2e/client.ts';
import type { Aspect } from './ledger.ts';
import type { Probe, Question } from './probes.ts';
import type { World } from './world.ts';

/** What an answer was. */
export type Outcome = 'fresh' | 'behind' | 'not-there-yet';

/** What busy machines may add to the wait that was asked for; a deadline, no benchmark. */
const MARGIN_MS = 10_000;

/**
 * Asks `probe`, for the newest of one of the aspects that it shows or (`isDemanding` false) for whatever there is.
 * Null where there is nothing to ask for. Throws what is wrong with the answer.
 */
export async function ask(
  world: World,
  probe: Probe,
  { isDemanding, waitSeconds }: { isDemanding: boolean; waitSeconds: number },
): Promise<Outcome | null> {
  const question = probe.ask(world);
  if (!question) return null;
  const minPosition = isDemanding ? demandOf(world, question) : undefined;
  const headers = {
    prefer: `wait=${waitSeconds}`,
    ...(minPosition === undefined ? {} : { 'annals-min-position': minPosition }),
  };
  const startedAt = performance.now();
  const answer = await question.api.call(probe.route, { ...question.options, headers });
  const tookMs = performance.now() - startedAt;
  const mistake = mistakeIn(world, question, answer, { minPosition, tookMs, waitMs: waitSeconds * 1_000 });
  if (mistake) {
    throw new Error(
      `${probe.route.name} ${mistake}; asked for ${minPosition}, answered ${answer.status} at ${answer.headers.get('annals-position')}: ${JSON.stringify(answer.body).slice(0, 500)}`,
    );
  }
  return answer.status === 200 ? 'fresh' : answer.status === 503 ? 'behind' : 'not-there-yet';
}

/** The newest acknowledged position of one of the aspects that the question is about. */
function demandOf({ ledger }: World, { shows, asksFor }: Question): string | undefined {
  if (asksFor) return ledger.positionOf(asksFor.aspect, asksFor.number);
  const shown = (Object.keys(shows) as Aspect[]).filter((aspect) => ledger.newest(aspect) > 0);
  const aspect = shown[Math.floor(Math.random() * shown.length)];
  return aspect && ledger.positionOf(aspect, ledger.newest(aspect));
}

interface Asked {
  readonly minPosition: string | undefined;
  readonly tookMs: number;
  readonly waitMs: number;
}

function mistakeIn(world: World, question: Question, answer: Answer, asked: Asked): string | null {
  if (answer.status === 503) return mistakeInRefusal(answer, asked);
  if (answer.status === 404 && question.asksFor)
    return asked.minPosition === undefined ? null : 'does not find what was written';
  if (answer.status !== 200) return 'is neither fresh nor behind';
  const position = answer.headers.get('annals-position');
  if (!position) return 'does not say what it reflects';
  if (asked.minPosition !== undefined && position < asked.minPosition) return 'is behind and does not say so';
  for (const [name, read] of Object.entries(question.shows)) {
    const aspect = name as Aspect;
    const [shown, owed] = [read(answer.body), world.ledger.owedAt(aspect, position)];
    if (!(shown >= owed)) return `shows ${aspect} ${shown}, which was ${owed} at the position that it claims`;
  }
  return null;
}

function mistakeInRefusal({ body, headers }: Answer, { minPosition, tookMs, waitMs }: Asked): string | null {
  if (minPosition === undefined) return 'refuses although nothing was demanded';
  if (body.code !== 'projection-behind') return `refuses with ${body.code}`;
  if (!(Number(headers.get('retry-after')) >= 1)) return 'refuses without Retry-After';
  if (tookMs > waitMs + MARGIN_MS) return `took ${Math.round(tookMs)} ms to say that it is behind`;
  return null;
}
