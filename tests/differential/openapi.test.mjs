// The same request to the official OpenAPI handler and to ours: the same answer.
import test from 'node:test';
import { StandardOpenAPIJsonSerializer, StandardBracketNotationSerializer } from '@orpc/openapi-client/standard';
import { Driver, compare } from './lib.mjs';
import { onlyIsoDates } from './meant.mjs';
import { official, own, show } from './rpc.mjs';
import { STRINGS, plain, rich } from './values.mjs';

onlyIsoDates();
let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const both = (make, salt) => ({ make, salt, show, theirs: official, ours: (q) => own(driver, q) });
const json = new StandardOpenAPIJsonSerializer();
const bracket = new StandardBracketNotationSerializer();
const KEYS = ['a', 'b', 'id', 'rest', '0', '1', '2', '01', '10', '9998', '9999', '10000', '', '', 'a.b', '\\', '\\\\', ']', '[', 'x]y', 'é', '__proto__', 'constructor', 'length', '+', ' ', '-1', '1e1'];

// A field's name: bracket notation, and what looks like it.
const name = (d) => {
  const first = d.pick(['a', 'b', 'c', d.pick(KEYS)]);
  const n = `${first}${d.times(3, () => `[${d.chance(0.6) ? d.pick(['', '0', '1', 'a', 'b', '2']) : d.pick(KEYS)}]`).join('')}`;
  return d.chance(0.12) ? d.damaged(n, ['[', ']', '\\', '[]', '][', 'a', '0']) : n;
};
const pairs = (d) => {
  // Half of them as a client writes a value.
  if (d.chance(0.5)) return bracket.serialize(json.serialize(plain(d, 4))[0]).filter(([, v]) => ['string', 'number', 'boolean'].includes(typeof v)).map(([k, v]) => [k, String(v)]);
  return d.times(6, () => [name(d), d.pick(STRINGS)]);
};
const encoded = (d) => {
  const text = new URLSearchParams(pairs(d).map((p) => p.map((s) => s.toWellFormed()))).toString();
  if (d.chance(0.85)) return text;
  return d.damaged(text, ['&', '=', '%', '+', '%5B', '[', ']', '%zz', '%C3', '%00', ';', '&&']);
};

const SEGMENTS = ['1', 'fixed', 'u', 'é', 'a b', 'a+b', '%', '%zz', '%2F', '%C3%A9', '%C3', '%00', '..', '.', '%2e%2E', '', 'x'.repeat(80), 'a?b', 'a#b', '{id}', '"<>`', "'", '|', ':', ';', '@', ',', '*', '%20'];
const segment = (d) => {
  const s = d.pick(SEGMENTS);
  return d.chance(0.6) ? encodeURIComponent(s) : s.replaceAll(' ', '%20').replaceAll('é', '%C3%A9');
};
const path = (d) => {
  const make = [() => '/echo', () => '/made', () => '/gone', () => '/known', () => '/boom', () => `/t/${segment(d)}`, () => '/t/fixed', () => `/t/${segment(d)}/u/${segment(d)}`,
    () => `/f/${[segment(d), ...d.times(3, () => segment(d))].join('/')}`, () => `/${segment(d)}`, () => '', () => '/f', () => '/t'];
  const p = `/api${d.pick(make)()}`;
  return d.chance(0.93) ? p : `${p}${d.pick(['/', '//', '/x', '/../t'])}`;
};

test('a GET is answered as the official handler answers it', async () => {
  await compare(3000, both((d) => ({ method: 'GET', target: `${path(d)}${d.chance(0.7) ? `?${encoded(d)}` : ''}`, headers: {} }), 11));
});

const TYPES = ['application/json', 'application/json;charset=utf-8', 'text/plain', 'text/plain;charset=latin1', 'application/octet-stream', 'text/event-stream', '', 'Application/Json', 'image/png'];
test('a body of any type is answered as the official handler answers it', async () => {
  await compare(3000, both((d) => {
    const type = d.chance(0.75) ? TYPES[0] : d.pick(TYPES);
    const text = JSON.stringify(plain(d, 4)).replace(/"b"/g, d.chance(0.05) ? '"__proto__"' : '"b"');
    const body = d.chance(0.05) ? Buffer.from([0xef, 0xbb, 0xbf, d.below(256), d.below(256)]) : d.chance(0.15) ? d.damaged(text, ['{', '}', ',', '"', '\\', '0', 'e']) : text;
    const headers = d.chance(0.95) ? { 'content-type': type } : {};
    if (d.chance(0.05)) headers['content-disposition'] = d.pick(['attachment', 'attachment; filename="a.b"', "x; filename*=UTF-8''%e2%82%ac", 'filename=x', "filename*=utf-8'en'a", 'filename="a\\"b"']);
    return { method: d.chance(0.6) ? 'POST' : d.pick(['PUT', 'PATCH', 'DELETE']), target: `${path(d)}${d.chance(0.2) ? `?${encoded(d)}` : ''}`, headers, body: d.chance(0.05) ? undefined : body };
  }, 12));
});

test('a form is answered as the official handler answers it', async () => {
  await compare(2500, both((d) => {
    const method = d.chance(0.8) ? 'POST' : d.pick(['PUT', 'PATCH', 'DELETE']);
    if (d.chance(0.5)) return { method, target: path(d), headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: encoded(d) };
    const boundary = '----WebKitFormBoundaryQ';
    // Node 20 takes U+FEFF from a part's beginning.
    const escaped = (s) => s.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22').toWellFormed();
    const parts = [...pairs(d).map((p) => [...p, '']), // A file below __proto__ makes theirs throw.
      ...d.times(2, () => [name(d).replace('__proto__', 'p'), 'yy', '; filename="f.txt"\r\nContent-Type: text/css'])];
    const body = parts.map(([k, v, more]) => `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(k)}"${more}\r\n\r\n${v.replaceAll('\ufeff', '').toWellFormed()}\r\n`).join('');
    return { method, target: path(d), headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }, body: `${body}--${boundary}--\r\n` };
  }, 13));
});

// Tagged values cannot come in by OpenAPI, and go out as plain JSON.
const told = (v) => JSON.parse(JSON.stringify(v) ?? 'null');
test('a value that was serialized for a body comes back as it was', async () => {
  await compare(2000, {
    salt: 14, make: (d) => ({ value: json.serialize(rich(d, 4))[0] }), show: ({ value }) => told(value),
    theirs: ({ value }) => told(value),
    ours: async ({ value }) => JSON.parse((await own(driver, { method: 'POST', target: '/api/echo', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) ?? '' }))[2] || 'null'),
  });
});
