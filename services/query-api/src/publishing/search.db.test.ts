import { as, openReadSide, type ReadSide } from '@annals/testing/read-side';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Article, ids, person } from '../facts.fixture.ts';
import { articleList, articleSearch, profiles, type View } from '../views.ts';

let side: ReadSide;
const ada = person('ada.l', 'Ada', 'Lovelacé');
const grace = person('grace');
const article = (title: string, content: string, author = grace) =>
  new Article({ author, title, content: `<p>${content}</p>` });

const engines = article('Analytical engines', 'They compute numbers.');
const about = article('A story', 'It is all about the analytical engine and nothing else.');
const receive = article('How to receive mail', 'Letters arrive.');
const cafe = article('Le café', 'Rendez-vous.');
const byAda = article('Notes', 'Unrelated words.', ada);
const named = article('On Lovelace', 'A life.');
const secret = article('Secret zyxomma', 'Hidden.');
const all = [engines, about, receive, cafe, byAda, named];

beforeAll(async () => {
  side = await openReadSide();
  await side.append(...ada.facts, ...grace.facts);
  for (const one of all) await side.append(one.created(), one.published());
  await side.append(secret.created());
});
afterAll(() => side?.drop());

const found = async (search: string, rest = '', user?: string) =>
  ids(await side.fresh(`/v1/articles?search=${encodeURIComponent(search)}${rest}`, user ? { as: user } : {}));

describe('P5 search', () => {
  test('ranks titles over contents', async () => {
    expect(await found('analytical engine')).toEqual([engines.id, about.id]);
  });

  test('knows words by their stem, whatever their case and accents', async () => {
    for (const text of ['engine', 'ENGINES', 'engined'])
      expect(await found(text)).toEqual([engines.id, about.id]);
    expect(await found('computing')).toEqual([engines.id]);
    expect(await found('cafe')).toEqual([cafe.id]);
    expect(await found('càfé')).toEqual([cafe.id]);
  });

  test('takes phrases, alternatives and exclusions', async () => {
    expect(await found('"engine and nothing"')).toEqual([about.id]);
    expect(await found('engine -story')).toEqual([engines.id]);
    expect((await found('cafe or mail')).sort()).toEqual([receive.id, cafe.id].sort());
  });

  test('finds what an author wrote, below a title of that name', async () => {
    for (const text of ['lovelace', 'Lovelacé', 'ada lovelace', 'ada.l'])
      expect(await found(text)).toContain(byAda.id);
    expect(await found('lovelace')).toEqual([named.id, byAda.id]);
  });

  test('shows what matches, wherever it stands in the text', async () => {
    const filling = 'Nothing of interest is said in this sentence. '.repeat(200);
    const long = article(
      'A long one',
      `On pâté. ${filling}The <b>quagga</b> grazed. ${filling}Its kin, the okapi & others, did not. ${filling}The ibexes ate. An aurochs slept, and a tapir.`,
    );
    await side.append(long.created(), long.published());
    const shown = async (search: string) => {
      const { body } = await side.fresh(`/v1/articles?search=${encodeURIComponent(search)}`);
      return String(body.results[0]?.highlights.content);
    };
    expect(await shown('quagga')).toContain('The <mark>quagga</mark> grazed');
    expect(await shown('OKAPI')).toContain('Its kin, the <mark>okapi</mark> &amp; others, did not');
    expect(await shown('ibex')).toContain('<mark>ibexes</mark>');
    const both = await shown('quagga okapi');
    expect(both).toMatch(/<mark>quagga<\/mark>.* … .*<mark>okapi<\/mark>/s);
    expect(await shown('"aurochs slept"')).toContain('<mark>aurochs</mark> <mark>slept</mark>');
    // Not to be found letter by letter.
    expect(await shown('pate')).toContain('<mark>pâté</mark>');
    // Words of the title alone.
    expect(await shown('long')).toMatch(/^On pâté. Nothing of interest/);
  });

  test('forgives a typo of a word that some title has, where nothing matches', async () => {
    expect(await found('recieve')).toEqual([receive.id]);
    expect(await found('how to recieve mails')).toEqual([receive.id]);
    expect(await found('lettres')).toEqual([]);
    expect(await found('analitical engins')).toEqual([engines.id, about.id]);
    expect(await found('anylytical')).toEqual([engines.id, about.id]);
    for (const asMeant of ['anylytical -story', '"anylytical"', 'anylytical or analitical'])
      expect(await found(asMeant)).toEqual([]);
    const { body } = await side.fresh('/v1/articles?search=recieve');
    expect(body.results[0].highlights.title).toBe('How to <mark>receive</mark> mail');
    expect(await found('qwertzuiop')).toEqual([]);
    const ligature = 'ﬃ'.repeat(199);
    await side.append(article('Ffiffi', 'Ligatures.').created());
    expect(await found(ligature)).toEqual([]);
  });

  test('forgives typos in the name of an author, where nothing matches', async () => {
    const maria = person('m_wroblewski', 'Maria', 'Wróblewska');
    const byMaria = article('Some poems', 'They rhyme.', maria);
    await side.append(...maria.facts, byMaria.created(), byMaria.published());
    for (const text of ['wroblevska', 'Maria Wroblewksa', 'maira wróblewska', 'M wroblewsky'])
      expect([text, await found(text)]).toEqual([text, [byMaria.id]]);
    expect((await side.fresh('/v1/articles?search=wroblevska&sort=title')).body.count).toBe(1);
    for (const another of ['anna wroblevska', 'wroblevska -maria', '"wroblevska"', 'wroblevska poems'])
      expect([another, await found(another)]).toEqual([another, []]);
    // Titles of that name come first, whichever of the two is misspelt.
    expect(await found('lovelase')).toEqual([named.id, byAda.id]);
  });

  test('I8 knows nothing of the name of one who was erased, typos or not', async () => {
    const emil = person('emil', 'Emil', 'Zugschwert');
    const byEmil = article('Small things', 'Matter.', emil);
    await side.append(...emil.facts, byEmil.created(), byEmil.published());
    expect(await found('zugschwerd')).toEqual([byEmil.id]);
    await side.append({ type: 'UserErased', data: { userId: emil.id } });
    expect(await found('zugschwerd')).toEqual([]);
    const { rows } = await side.pool.query(
      `select from views.${profiles.name} p where p::text ilike '%zugschwert%'`,
    );
    expect(rows).toEqual([]);
  });

  test('finds no draft of another, not by a typo either, and none keeps a typo from being forgiven', async () => {
    for (const text of ['zyxomma', 'zyxxomma', 'hidden']) {
      expect(await found(text)).toEqual([]);
      expect(await found(text, '', as(ada.id))).toEqual([]);
    }
    expect(await found('zyxomma', '', as(grace.id))).toEqual([secret.id]);
    expect(await found('zyxxomma', '', as(grace.id))).toEqual([secret.id]);
    const own = article('Recieve nothing', 'A draft with the very typo.', ada);
    await side.append(own.created());
    expect(await found('recieve')).toEqual([receive.id]);
  });

  test('goes together with filters, orders, counts and cursors', async () => {
    expect(await found('engine', '&title[contains]=story')).toEqual([about.id]);
    expect(await found('engine', '&sort=title')).toEqual([about.id, engines.id]);
    const page = (await side.fresh('/v1/articles?search=engine&pageSize=1')).body;
    expect(page.count).toBe(2);
    const start = (await side.fresh('/v1/articles?search=engine&cursor=start&pageSize=1')).body;
    const second = await side.fresh(start.next);
    expect(ids(second)).toEqual([about.id]);
    expect(second.body.next).toBeNull();
    expect(ids(await side.fresh(second.body.previous))).toEqual([engines.id]);
  });

  test('shows nothing that is hidden by now, whichever view is behind; the walk goes on', async () => {
    const some = [1, 2, 3, 4].map((n) => article(`Serval ${n}`, 'A cat.'));
    for (const one of some) await side.append(one.created(), one.published());
    const [first = '', second = '', third = '', fourth = ''] = some.map(({ id }) => id);
    expect(await found('serval')).toEqual([fourth, third, second, first]);
    const hide = async (view: View, id: string, isPublic: boolean) => {
      await side.pool.query(`update views.${view.name} set is_public = $2 where key = $1`, [id, isPublic]);
      // Kept answers follow events.
      await side.append(article('A draft', 'Of nothing.').created());
    };
    for (const view of [articleList, articleSearch]) {
      for (const hidden of [fourth, third, second]) {
        await hide(view, hidden, false);
        for (const rest of ['', '&author=grace', '&sort=-createdAt'])
          expect(await found('serval', rest)).toEqual(
            [fourth, third, second, first].filter((id) => id !== hidden),
          );
        const seen: string[] = [];
        for (let url = '/v1/articles?search=serval&cursor=start&pageSize=2'; url !== null; ) {
          const { body } = await side.fresh(url);
          seen.push(...ids({ body }));
          url = body.next;
        }
        expect(seen).toEqual([fourth, third, second, first].filter((id) => id !== hidden));
        await hide(view, hidden, true);
      }
    }
  });

  test('shows no text that is not public any more, where a name is found in a list that is behind', async () => {
    const hide = `update views.${articleSearch.name} set is_public = $2 where key = $1`;
    const shown = async () => {
      await side.append(article('A draft', 'Of nothing.').created());
      const { body } = await side.fresh('/v1/articles?search=ada.l');
      return body.results[0];
    };
    expect(await shown()).toMatchObject({ id: byAda.id, highlights: { title: 'Notes' } });
    await side.pool.query(hide, [byAda.id, false]);
    expect(await shown()).toMatchObject({ id: byAda.id, highlights: { title: '', content: '' } });
    await side.pool.query(hide, [byAda.id, true]);
  });

  test('of nothing but stop words, operators or punctuation finds nothing', async () => {
    for (const text of ['the', 'or', '-', '"', '!!', '(((', "''", '&|!', 'a:*', '\\'])
      expect(await found(text)).toEqual([]);
  });

  test('follows a new title and a new content', async () => {
    await side.append(cafe.updated({ title: 'Le thé', slug: 'le-the' }));
    expect(await found('cafe')).toEqual([]);
    expect(await found('rendez')).toEqual([cafe.id]);
    await side.append(cafe.updated({ content: '<p>Adieu.</p>' }));
    expect(await found('rendez')).toEqual([]);
    expect(await found('adieu')).toEqual([cafe.id]);
  });

  test('indexes the largest contents of the oddest words', async () => {
    const pair = (n: number, base: number) =>
      `${(n % 9_973).toString(36)}${String.fromCharCode(base + (n % 500))}-${n.toString(36)}`;
    const odd = [0x61, 0x430, 0x4e00].map((base) => {
      const words = Array.from({ length: 100_000 }, (_, n) => pair(n, base)).join(' ');
      return article(
        `Odd words ${base}`,
        Buffer.from(words).subarray(0, 500_000).toString().replaceAll('\ufffd', ''),
      );
    });
    for (const one of odd) await side.append(one.created(), one.published());
    expect((await found('odd words')).sort()).toEqual(odd.map(({ id }) => id).sort());
    const { rows } = await side.pool.query('select * from consumers.parked_keys');
    expect(rows).toEqual([]);
  });
});
