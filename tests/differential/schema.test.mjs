// A value against a schema: ajv and both of our checkers are of one mind.
import test from 'node:test';
import Ajv from 'ajv';
import { Driver, compare } from './lib.mjs';

let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const KEYS = ['a', 'b', 'c', 'constructor', '0'];
function value(d, depth = 3) {
  const r = d.below(depth > 0 ? 9 : 7);
  if (r <= 4) return d.pick([null, true, false, 0, -0, 1, 2, -1, 1.5, 3, 1e300, '', 'a', 'ab', 'abc', '1', 'true', 'null']);
  if (r <= 6) return d.pick(['x', 'a', 1, 2]);
  if (r === 7) return d.times(4, () => value(d, depth - 1));
  return Object.fromEntries(d.times(4, () => [d.pick(KEYS), value(d, depth - 1)]));
}

// What a contract's schema may say, and what a desk's may.
const contract = ['type', 'type', 'required', 'properties', 'properties', 'additionalProperties', 'patternProperties', 'items', 'minLength', 'minimum', 'const', 'enum', 'anyOf', 'title'];
const desk = ['type', 'type', 'types', 'required', 'properties', 'properties', 'additionalProperties', 'items', 'enum', 'oneOf', 'anyOf', 'allOf', 'title', 'minLength'];
function schema(d, words, depth = 3) {
  const below = () => schema(d, words, depth - 1);
  const list = () => [below(), ...d.times(2, below)];
  const make = {
    type: () => d.pick(['object', 'object', 'array', 'string', 'number', 'integer', 'boolean', 'null']),
    types: () => [...new Set([make.type(), make.type()])],
    required: () => [...new Set(d.times(2, () => d.pick(KEYS)))],
    properties: () => Object.fromEntries(d.times(3, () => [d.pick(KEYS), below()])),
    additionalProperties: () => (d.chance(0.5) ? false : below()),
    patternProperties: () => ({ '^.*$': below() }),
    items: below,
    minLength: () => d.below(4),
    minimum: () => d.pick([0, 1, 1.5, -2]),
    const: () => value(d, 0),
    enum: () => d.times(3, () => value(d, 0)).concat(value(d, 0)).filter((x, i, all) => all.findIndex((y) => Object.is(y + 0, x + 0) || y === x) === i),
    oneOf: list, anyOf: list, allOf: list,
    title: () => 'x',
  };
  const leafs = ['type', 'types', 'required', 'minLength', 'minimum', 'const', 'enum', 'title'];
  const s = {};
  for (let n = 1 + d.below(3); n > 0; n--) {
    const w = d.pick(words);
    if (depth > 0 || leafs.includes(w)) s[w === 'types' ? 'type' : w] = make[w]();
  }
  return s;
}

const ajv = new Ajv({ strict: false, logger: false, ownProperties: true, meta: false, validateSchema: false });
const theirs = (without) => ({ def, v }) => {
  const known = JSON.parse(JSON.stringify(def), (k, x) => (without.includes(k) && typeof x !== 'object' ? undefined : x));
  const valid = ajv.compile(known)(v);
  ajv.removeSchema();
  return valid;
};
const asked = (op, isValid) => async ({ def, v }) => {
  const [code, said] = (await driver.ask(op, JSON.stringify(def), JSON.stringify(v))).map(String);
  return code === 'ok' ? isValid(said) : `${code} ${said}`;
};

test("a contract's schema takes what ajv takes", async () => {
  await compare(700, { salt: 41, make: (d) => ({ def: schema(d, contract), v: value(d) }), theirs: theirs([]), ours: asked('schema', (issues) => issues === 'null') });
});

test("a desk's schema takes what ajv takes", async () => {
  // minLength is none of its keywords: it says nothing there.
  await compare(700, { salt: 42, make: (d) => ({ def: schema(d, desk), v: value(d) }), theirs: theirs(['minLength']), ours: asked('desk', (fault) => fault === '') });
});
