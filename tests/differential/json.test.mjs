// The same text to JSON.parse and JSON.stringify of Node.js and to ours.
import test from 'node:test';
import { Driver, compare } from './lib.mjs';
import { NUMBERS, STRINGS, plain } from './values.mjs';

let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const JUNK = ['{', '}', '[', ']', ',', ':', '"', "'", '\\', '\\u', '\\ud800', '\\udc00', '\\/', '\\x', '0', '-', '+', '.', 'e', 'E', '00', '1', '9', 'true', 'nul', 'NaN', 'Infinity', '\ufeff', '\u00a0', '\u2028', '\t', '\n', '\r', '\f', ' ', '\u0000', '\u001f', '\u007f', '//', '/*'];
const digits = (d, n) => Array.from({ length: 1 + d.below(n) }, () => d.below(10)).join('');
const number = (d) => `${d.pick(['', '', '-'])}${d.chance(0.3) ? '0' : digits(d, d.chance(0.8) ? 6 : 30)}${d.chance(0.5) ? `.${digits(d, d.chance(0.8) ? 6 : 25)}` : ''}${d.chance(0.4) ? `${d.pick(['e', 'E'])}${d.pick(['', '+', '-'])}${digits(d, 3)}` : ''}`;
const double = (d) => { const b = Buffer.alloc(8); for (let i = 0; i < 8; i++) b[i] = d.below(256); return b.readDoubleLE(); };
const escaped = (d) => `"${d.times(8, () => (d.chance(0.5) ? `\\u${d.below(65536).toString(16).padStart(4, '0')}` : d.pick(['\\n', '\\"', '\\\\', '\\/', '\\b', '\\f', '\\r', '\\t', 'é', '😀', 'a', '\u007f', '\u2029']))).join('')}"`;

const texts = [
  (d) => JSON.stringify(plain(d, 5), null, d.pick([0, 0, 1, '\t'])),
  (d) => d.damaged(JSON.stringify(plain(d, 4)), JUNK),
  (d) => number(d),
  (d) => d.damaged(number(d), JUNK),
  (d) => { const x = d.chance(0.8) ? double(d) : d.pick(NUMBERS); return d.chance(0.5) ? String(x) : x.toPrecision(1 + d.below(21)); },
  (d) => escaped(d),
  (d) => `{${d.times(8, () => `${d.chance(0.5) ? escaped(d) : JSON.stringify(d.pick(STRINGS))}:${d.below(3)}`).join(',')}}`,
  (d) => `{${d.times(8, () => `"${d.chance(0.5) ? digits(d, 10) : d.pick(['b', 'a'])}":${d.below(9)}`).join(',')}}`,
  (d) => `${d.pick(JUNK)}${JSON.stringify(plain(d, 2))}${d.pick(JUNK)}`,
];
// A member __proto__ is lost here on purpose (docs/protocol.md).
const without = (k, v) => { if (v !== null && typeof v === 'object' && Object.hasOwn(v, '__proto__')) delete v['__proto__']; return v; };

// Bytes, for what is not UTF-8 counts as well.
const bytes = (d) => {
  const b = Buffer.from(d.pick(texts)(d));
  for (let n = d.chance(0.15) ? 1 + d.below(3) : 0; n > 0 && b.length > 0; n--) b[d.below(b.length)] = d.pick([0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0xf4, 0xf8, 0xff, 0xef, 0xbb]);
  return b;
};

test('a text is parsed and written as Node.js does it', async () => {
  const decoder = new TextDecoder();
  await compare(25000, {
    salt: 21, make: bytes, show: (b) => b.toString('latin1'),
    theirs: (b) => {
      try {
        const v = JSON.parse(decoder.decode(b), without);
        return ['ok', JSON.stringify(v), JSON.stringify(v, null, 2)];
      } catch (e) {
        if (e instanceof SyntaxError) return ['BAD_REQUEST'];
        throw e;
      }
    },
    ours: async (b) => { const [code, ...rest] = (await driver.ask('json', b)).map(String); return code === 'ok' ? [code, ...rest] : [code]; },
  });
});
