// A strict reader of Prometheus' exposition format, version 0.0.4: what its own
// promtool would refuse, or warn of, is an error here.
import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?|[+-]Inf|NaN)$/;

function labels(text, line) {
  const out = {};
  for (let rest = text; rest !== '';) {
    const m = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,(?=.)|$)/.exec(rest);
    assert.ok(m, `labels of ${line}`);
    assert.ok(!(m[1] in out) && !m[1].startsWith('__'), `label ${m[1]} of ${line}`);
    out[m[1]] = m[2];
    rest = rest.slice(m[0].length);
  }
  return out;
}

// The buckets of each histogram: they grow, the last is +Inf and the count.
function histogram(name, samples) {
  const rows = new Map();
  for (const s of samples) {
    const { le, ...rest } = s.labels, key = JSON.stringify(rest);
    if (!rows.has(key)) rows.set(key, { buckets: [] });
    const row = rows.get(key);
    if (s.name === `${name}_bucket`) row.buckets.push([le === '+Inf' ? Infinity : Number(le), s.value]);
    else if (s.name === `${name}_sum`) row.sum = s.value;
    else if (s.name === `${name}_count`) row.count = s.value;
    else assert.fail(`${s.name} in the histogram ${name}`);
  }
  for (const [key, r] of rows) {
    for (let i = 1; i < r.buckets.length; i++)
      assert.ok(r.buckets[i][0] > r.buckets[i - 1][0] && r.buckets[i][1] >= r.buckets[i - 1][1], `buckets of ${name} ${key}`);
    assert.equal(r.buckets.at(-1)[0], Infinity, `${name} ${key}`);
    assert.equal(r.buckets.at(-1)[1], r.count, `${name} ${key}`);
    assert.equal(typeof r.sum, 'number', `${name} ${key}`);
  }
}

// -> {types: Map, value(name, labels): the sum of the series that have them}
export function parse(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const types = new Map(), help = new Map(), samples = [], seen = new Set();
  let family;
  for (const line of text.slice(0, -1).split('\n')) {
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta) {
      const [, what, name, rest] = meta, into = what === 'HELP' ? help : types;
      assert.match(name, NAME);
      assert.ok(!into.has(name), `${what} of ${name} comes twice`);
      if (what === 'TYPE') assert.ok(['counter', 'gauge', 'histogram'].includes(rest), line);
      assert.ok(what === 'HELP' ? !types.has(name) : help.has(name), `${name}: HELP, then TYPE`);
      into.set(name, rest);
      family = name;
      continue;
    }
    const m = LINE.exec(line);
    assert.ok(m, `not a sample: ${JSON.stringify(line)}`);
    const base = types.get(family) === 'histogram' ? m[1].replace(/_(bucket|sum|count)$/, '') : m[1];
    assert.equal(base, family, `${line} stands below ${family}`);
    assert.ok(!seen.has(`${m[1]}{${m[2]}}`), `${line} comes twice`);
    seen.add(`${m[1]}{${m[2]}}`);
    samples.push({ name: m[1], family, labels: labels(m[2] ?? '', line), value: Number(m[3]) });
  }
  for (const [name, type] of types) {
    const mine = samples.filter((s) => s.family === name);
    assert.ok(mine.length > 0, `${name} has no sample`);
    assert.equal(name.endsWith('_total'), type === 'counter', `a counter's name ends with _total, and no other: ${name}`);
    if (type !== 'gauge') for (const s of mine) assert.ok(s.value >= 0, s.name);
    if (type === 'histogram') histogram(name, mine);
  }
  const value = (name, want = {}) => {
    const found = samples.filter((s) => s.name === name && Object.entries(want).every(([k, v]) => s.labels[k] === v));
    return found.length === 0 ? undefined : found.reduce((n, s) => n + s.value, 0);
  };
  return { types, help, samples, value };
}
