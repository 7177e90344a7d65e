// The same request to the official RPC handler and to ours: the same answer.
import test from 'node:test';
import { StandardRPCJsonSerializer } from '@orpc/client/standard';
import { Driver, compare } from './lib.mjs';
import { onlyIsoDates } from './meant.mjs';
import { names, official, origin, own, show } from './rpc.mjs';
import { BIGINTS, DATES, NUMBERS, REGEXPS, STRINGS, URLS, plain, rich } from './values.mjs';

onlyIsoDates();
let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const both = (make, salt) => ({ make, salt, show, theirs: official, ours: (q) => own(driver, q) });
const serializer = new StandardRPCJsonSerializer();
const JUNK = ['{', '}', '[', ']', ',', ':', '"', '0', '1', 'e', '-', 'null', '\\', '\ufeff', 'meta', '\\u0000', ' ', '"json"'];

// A path below value: mostly one that is there.
function walk(d, value) {
  const path = [];
  let v = value;
  while (v !== null && typeof v === 'object' && d.chance(0.8)) {
    const keys = Object.keys(v);
    const k = keys.length > 0 && d.chance(0.93) ? d.pick(keys) : d.pick([...STRINGS, 0, 1, -1, 1.5, null, true, '-1', '__proto__', 'length']);
    path.push(Array.isArray(v) && d.chance(0.8) ? Number(k) : k);
    v = v[k];
  }
  return path;
}

// Plain JSON with meta that may or may not fit.
function envelope(d) {
  const leaf = () => d.pick([d.pick(STRINGS), d.pick(BIGINTS), d.pick(DATES), d.pick(URLS), d.pick(REGEXPS), d.pick(NUMBERS), null, [], [[1, 2]], [1, 1, '1'], [[1, 2], [1, 3]], {}, [{}], [null, null]]);
  const json = d.chance(0.3) ? leaf() : d.chance(0.5) ? { a: leaf(), b: [leaf(), leaf()], c: { d: leaf() } } : plain(d, 3);
  const item = () => {
    const p = walk(d, json);
    let v = json;
    for (const k of p) v = v?.[k];
    const fit = typeof v === 'string' ? [0, 1, 4, 5] : v === null ? [1, 2, 3] : Array.isArray(v) ? [6, 7] : [0];
    return [d.chance(0.8) ? d.pick(fit) : d.pick([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 99, '0', null, 0.5, [0], true]), ...p];
  };
  const e = { json };
  if (d.chance(0.85)) e.meta = d.times(4, item);
  if (d.chance(0.04)) e.meta = d.pick([null, 'x', 0, {}, [null], [[]], ['x'], [0], true]);
  if (d.chance(0.05)) e.maps = d.pick([[], [['a']], null, 0, 'x', {}]);
  if (d.chance(0.03)) delete e.json;
  return e;
}

const proto = (d, text) => (d.chance(0.1) ? text.replace('"a"', '"__proto__"').replace('"b"', '"constructor"') : text);
const text = (d) => {
  const t = proto(d, JSON.stringify(d.chance(0.05) ? plain(d) : envelope(d)));
  return d.chance(0.12) ? d.damaged(t, JUNK) : t;
};

function request(d) {
  const name = d.chance(0.75) ? d.pick(['echo', 'gone', 'known', 'made', 'boom', 'read']) : d.pick(names);
  const slash = d.chance(0.9) ? '' : d.pick(['/', '//', '/x', '%20', '?', '?data=1', '#x', '/./', '/../t']);
  const method = d.chance(0.8) ? 'POST' : d.pick(['PUT', 'PATCH', 'DELETE', 'POST']);
  const types = ['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'text/plain', '', 'application/x-www-form-urlencoded', 'application/octet-stream', 'text/event-stream', 'application/jsonx', 'multipart/form-data'];
  const headers = d.chance(0.05) ? {} : { 'content-type': d.chance(0.85) ? types[0] : d.pick(types) };
  if (d.chance(0.02)) headers['content-disposition'] = d.pick(['attachment', 'attachment; filename="a"', "x; filename*=UTF-8''%41", '', 'inline; filename=a']);
  return { method, target: `/rpc/t/${name}${slash}`, headers, body: d.chance(0.03) ? '' : text(d) };
}

test('a call by RPC is answered as the official handler answers it', async () => {
  await compare(4000, both(request, 1));
});

test('a call by GET is answered as the official handler answers it', async () => {
  await compare(1500, both((d) => {
    const data = text(d), more = d.chance(0.1) ? `&data=${d.pick(['', '1', '{}', '{"json":1}', '%7B%7D'])}` : '';
    const encoded = d.chance(0.9) ? encodeURIComponent(data.toWellFormed()) : d.damaged(encodeURIComponent(data.toWellFormed()), ['%', '+', '&', '=', '%7B', '%ff', '%C3']);
    const query = d.chance(0.95) ? `?data=${encoded}${more}` : d.pick(['', '?', '?data', '?data=', '?Data=1', '?a=1']);
    return { method: 'GET', target: `/rpc/t/${d.chance(0.8) ? 'read' : d.pick(names)}${query}`, headers: {} };
  }, 2));
});

// Hosts that new URL() rewrites are one of the differences in meant.mjs.
function keepsHost(url) {
  const authority = /^\s*[a-z]+:[/\\]{2}([^/?#\\]*)/i.exec(url)?.[1] ?? '';
  const host = authority.replace(/^.*@/, '').replace(/:\d*$/, '');
  return /^[a-z_-][\w.-]*$/i.test(host) && !/(?:^|\.)\d[^.]*\.?$/.test(host) && !/xn--/i.test(host);
}
const AROUND = ['/', '//', '\\', ':', '@', '?', '#', '.', '..', '%2e', '%', ' ', '\t', 'é', '[', ']', ';', "'", '"', '<', '`', '{', '|', '0', '80', 'http:', '&', '~', '!', '$', '*', ','];

test('a URL is what new URL() makes of it', async () => {
  await compare(2000, both((d) => {
    const url = d.damaged(d.pick(URLS), AROUND).toWellFormed();
    const special = /^\s*(?:https?|wss?|ftp|file):/i.test(url);
    // Node 20 loses the last slash of x://h/a/.. and x://h/a/.
    if (special ? !keepsHost(url) || url.includes('|') : /(?:\.|%2e)[/?#]?|[[\x00-\x1f]/i.test(url)) return undefined;
    return { method: 'POST', target: '/rpc/t/echo', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ json: url, meta: [[4]] }) };
  }, 6));
});

function form(d) {
  // None that stands in a value: theirs takes it for the end of the part.
  const boundary = d.pick(['QQ', '----WebKitFormBoundaryAbC', "q'Q", 'Q'.repeat(70)]);
  const type = `multipart/form-data; boundary=${d.chance(0.9) ? boundary : `"${boundary}"`}`;
  const part = (name, value, more = '') => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
  const e = envelope(d);
  const files = d.times(3, (i) => {
    const kind = d.pick(['', '', '\r\nContent-Type: text/plain', '\r\nContent-Type: application/json; x=1', '\r\ncontent-type:image/png']);
    return part(String(d.chance(0.93) ? i : d.pick(['01', 'x', '9'])), 'y'.repeat(d.below(5)), d.chance(0.9) ? `; filename="${d.pick(['a.txt', 'b', '', 'a b', 'é', '%22', 'a;b', 'a\\b'])}"${kind}` : '');
  });
  e.maps = files.map(() => walk(d, e.json ?? null));
  if (d.chance(0.1)) e.maps.push(walk(d, e.json ?? null));
  if (d.chance(0.05)) delete e.maps;
  const parts = [part('data', JSON.stringify(e).toWellFormed()), ...files];
  if (d.chance(0.1)) parts.reverse();
  if (d.chance(0.05)) parts.push(part('data', '{"json":2}'));
  const body = `${parts.join('')}--${boundary}--\r\n`;
  return { headers: { 'content-type': type }, body };
}

test('a call with files is answered as the official handler answers it', async () => {
  await compare(1500, both((d) => ({ method: 'POST', target: `/rpc/t/${d.pick(['echo', 'echo', 'gone'])}`, ...form(d) }), 3));
});

// Another URL than those above would be one of the differences in meant.mjs.
function broken(text, otherwise) {
  try {
    return JSON.parse(text).every((i) => i.url.startsWith(`${origin}/rpc/`) && [undefined, null, 'GET', 'POST', 'PUT'].includes(i.method)) ? text : otherwise;
  } catch (e) {
    return e instanceof SyntaxError ? text : otherwise;
  }
}

function batch(d) {
  const outer = d.chance(0.3) ? 'GET' : 'POST';
  const item = () => {
    const get = d.chance(0.3);
    // Of a batch with a GET in it theirs lets any procedure be called.
    const may = outer === 'GET' || get ? ['read', 'read/'] : ['echo', 'read', 'gone', 'boom'];
    const url = `${d.chance(0.95) ? origin : d.pick(['', 'http://h:80', 'HTTP://H'])}/rpc/t/${d.chance(0.9) ? d.pick(may) : d.pick(['nope', '', '../x'])}`;
    const i = { url: get ? `${url}?data=${encodeURIComponent(JSON.stringify(envelope(d)).toWellFormed())}` : url };
    if (!get) i.body = d.chance(0.9) ? envelope(d) : plain(d);
    if (get || d.chance(0.2)) i.method = get ? 'GET' : d.pick(['POST', 'PUT']);
    if (d.chance(0.2)) i.headers = d.pick([{}, { a: 'b' }, null]);
    return d.chance(0.98) ? i : plain(d);
  };
  const items = d.chance(0.97) ? [item(), ...d.times(d.chance(0.9) ? 4 : 11, item)] : plain(d);
  if (Array.isArray(items) && items.length === 0) return undefined; // theirs hangs
  const headers = { 'x-orpc-batch': d.chance(0.5) ? 'buffered' : d.pick(['streaming', 'x', '1']) };
  const json = JSON.stringify(items).toWellFormed();
  if (outer === 'GET') return { method: 'GET', target: `/rpc/__batch__?batch=${encodeURIComponent(json)}`, headers };
  return { method: 'POST', target: '/rpc/__batch__', headers: { ...headers, 'content-type': 'application/json' }, body: d.chance(0.95) ? json : broken(d.damaged(json, JUNK), json) };
}

// Items are answered in the order in which they are done: ours is that of the request.
const inOrder = ([status, type, body]) => {
  if (status !== 207) return [status, type, body];
  if (type !== 'text/event-stream') return [status, type, JSON.parse(body).sort((a, b) => a.index - b.index).map((x) => JSON.stringify(x)), body.length];
  const index = (event) => Number(/"index":(\d+)/.exec(event)?.[1] ?? -1);
  return [status, type, body.split('\n\n').sort((a, b) => index(a) - index(b))];
};

test('a batch is answered as the official handler answers it', async () => {
  const ask = both(batch, 4);
  await compare(1500, { ...ask, theirs: async (q) => inOrder(await ask.theirs(q)), ours: async (q) => inOrder(await ask.ours(q)) });
});

/*
 * What the official client makes of a value, through us and back through it.
 * The official serializer's own round trip says what should come out.
 */
async function sent(value) {
  const [json, meta, maps, blobs] = serializer.serialize(value);
  const form = new FormData();
  form.set('data', JSON.stringify({ json, meta, maps }));
  blobs.forEach((b, i) => form.set(String(i), b));
  const request = new Request(origin, { method: 'POST', body: blobs.length > 0 ? form : JSON.stringify({ json, meta }) });
  const type = blobs.length > 0 ? request.headers.get('content-type') : 'application/json';
  return { method: 'POST', target: '/rpc/t/echo', headers: { 'content-type': type }, body: Buffer.from(await request.arrayBuffer()) };
}
// A form names the type of a file that has none.
const file = (v) => ({ name: v.name, type: v.type || 'application/octet-stream', size: v.size });
function told(v) {
  if (v instanceof File) return told(file(v));
  if (v instanceof Date) return `Date ${v.getTime()}`;
  if (v instanceof URL || v instanceof RegExp) return `${v.constructor.name} ${v}`;
  if (typeof v === 'bigint' || v === undefined || Number.isNaN(v)) return `${typeof v} ${v}`;
  if (v instanceof Set) return { set: [...v].map(told) };
  if (v instanceof Map) return { map: [...v].map(([k, x]) => [told(k), told(x)]) };
  if (Array.isArray(v)) return v.map(told);
  if (v !== null && typeof v === 'object') return Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => [k, told(x)]);
  return v;
}
test('a value of the official client comes back to it as it was', async () => {
  await compare(2500, {
    salt: 5, make: (d) => ({ value: rich(d, 4) }), show: ({ value }) => told(value),
    theirs: ({ value }) => told(JSON.parse(JSON.stringify(value === undefined ? { v: 1 } : { v: 1 })).v && value),
    ours: async ({ value }) => {
      const [status, , body] = await own(driver, await sent(value));
      const { json, meta = [] } = JSON.parse(body);
      return status === 200 ? told(serializer.deserialize(json, meta)) : body;
    },
  });
});
