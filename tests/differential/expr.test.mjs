// Expressions that mean something in CEL mean the same here.
import test from 'node:test';
import { evaluate } from '@marcbachmann/cel-js';
import { Driver, compare } from './lib.mjs';

let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const vars = {
  event: { name: 'app/user.created', data: { id: 'u1', n: 5.5, half: 2.5, zero: 0.5, yes: true, no: false, list: [1.5, 2.5], words: ['a', 'b', ''], map: { x: { y: 'deep' } }, word: 'Hällo', quote: "it's" } },
};
/*
 * Well-typed text of one type: CEL knows no truthiness, ours has one number
 * type, so numbers are doubles that are not whole.  CEL's relations are all of
 * one rank, theirs of two, so each stands in brackets.
 */
const literal = (s) => `'${s.replace(/[\\']/g, (c) => `\\${c}`).replaceAll('\n', '\\n')}'`;
const make = {
  number: (d, n) => {
    if (n <= 0) return d.pick(['0.5', '1.5', '2.25', '1e-3', 'event.data.n', 'event.data.half', "event['data'].zero", 'event.data.list[0]']);
    return d.pick([() => `${make.number(d, n - 1)} ${d.pick(['+', '-', '*'])} ${make.number(d, n - 1)}`, () => `(${make.number(d, n - 1)})`, () => `-${make.number(d, 0)}`, () => `(${make.bool(d, n - 1)} ? ${make.number(d, n - 1)} : ${make.number(d, n - 1)})`, () => make.number(d, 0)])();
  },
  text: (d, n) => {
    if (n <= 0) return d.pick([literal(''), literal('a'), literal("it's"), literal('\\'), '"a\\"b"', '"\\u00e4"', "'\\x41'", 'event.data.id', 'event.name', 'event.data.word', 'event.data.map.x.y', 'event.data["quote"]', 'event.data.words[1]']);
    return d.pick([() => `${make.text(d, n - 1)} + ${make.text(d, n - 1)}`, () => `(${make.text(d, n - 1)})`, () => `(${make.bool(d, n - 1)} ? ${make.text(d, n - 1)} : ${make.text(d, n - 1)})`, () => make.text(d, 0)])();
  },
  bool: (d, n) => {
    if (n <= 0) return d.pick(['true', 'false', 'event.data.yes', 'event.data.no']);
    const order = d.pick(['<', '<=', '>', '>=', '==', '!=']);
    return d.pick([
      () => `(${make.number(d, n - 1)} ${order} ${make.number(d, n - 1)})`, () => `(${make.text(d, n - 1)} ${order} ${make.text(d, n - 1)})`,
      () => `${make.bool(d, n - 1)} ${d.pick(['&&', '||'])} ${make.bool(d, n - 1)}`, () => `((${make.bool(d, n - 1)}) ${d.pick(['==', '!='])} (${make.bool(d, n - 1)}))`, () => `!${make.bool(d, 0)}`, () => `!(${make.bool(d, n - 1)})`, () => `(${make.bool(d, n - 1)})`,
      () => `(${make.text(d, n - 1)}).${d.pick(['startsWith', 'endsWith', 'contains'])}(${make.text(d, n - 1)})`,
      () => `(${make.text(d, n - 1)} in event.data.words)`, () => `(${make.number(d, n - 1)} in [${make.number(d, 0)}, ${make.number(d, 0)}])`, () => `(${make.text(d, 0)} in event.data.map)`,
      () => `has(event.data.${d.pick(['id', 'nope', 'map.x', 'map.nope'])})`, () => `(size(${d.pick(['event.data.words', 'event.data.id', 'event.data.word', 'event.data.map', '[1, 2]', "'ab'"])}) ${order} ${d.below(4)})`,
      () => `(${make.bool(d, n - 1)} ? ${make.bool(d, n - 1)} : ${make.bool(d, n - 1)})`,
    ])();
  },
};

test('an expression of CEL has the value that CEL gives it', async () => {
  await compare(4000, {
    salt: 51,
    make: (d) => {
      const text = d.pick([make.bool, make.bool, make.number, make.text])(d, 4);
      if (text.length > 4000) return undefined;
      try { return { text, value: evaluate(text, vars) }; } catch { return undefined; }
    },
    theirs: ({ value }) => value,
    ours: async ({ text }) => { const [code, said] = (await driver.ask('expr', text, JSON.stringify(vars))).map(String); return code === 'ok' ? JSON.parse(said) : said; },
  });
});

test('what CEL cannot parse is no expression here either', async () => {
  const JUNK = ['(', ')', '[', ']', '&&', '||', '&', '|', '=', '==', '!', '<', '?', ':', '.', ',', "'", '"', '\\', '+', '1', 'a', ' ', 'in', 'true', 'null', '%', '/', '@', '#', '{', ';'];
  await compare(3000, {
    salt: 52,
    make: (d) => {
      const text = d.damaged(make.bool(d, 2), JUNK);
      if (/\.\s*in\b/.test(text)) return undefined; // a member's name here
      try { evaluate(text, vars); } catch (e) { return e.name === 'ParseError' ? { text } : undefined; }
      return undefined;
    },
    theirs: () => 'bad',
    ours: async ({ text }) => { const [code, said] = (await driver.ask('expr', text, JSON.stringify(vars))).map(String); return code !== 'ok' && / at \d+$/.test(said) ? 'bad' : said; },
  });
});
