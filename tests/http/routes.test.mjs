// Who may call what: one test per caller kind and family, through nginx and
// past it (straight at the responder, as a CGI, where no nginx has filtered).
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System, direct } from '../lib/system.mjs';

const token = (kind) => `rawr_${kind}_test${kind}_${crypto.randomBytes(24).toString('hex').slice(0, 40)}`;
const tokens = { fp: token('fp'), pub: token('pub') };
const families = {
  rpc: { responder: 'rpc', method: 'POST', uri: '/rpc/state/getRuntimeState', body: '{"json":{}}', headers: { 'content-type': 'application/json' } },
  openapi: { responder: 'openapi', method: 'GET', uri: '/api/orpc/state/runtime' },
  workflows: { responder: 'workflows', method: 'GET', uri: '/api/workflows/coordination/runs/none' },
  inngest: { responder: 'inngest', method: 'GET', uri: '/api/inngest' },
  engine: { responder: 'engine', method: 'GET', uri: '/v1/runs/none' },
  probes: { responder: 'openapi', method: 'GET', uri: '/livez/openapi' },
  events: { responder: 'engine', method: 'POST', uri: '/e/0123456789abcdef', body: '{"name":"x","data":{}}', headers: { 'content-type': 'application/json' } },
};
const callers = {
  'an anonymous caller': {},
  'a first-party token': { authorization: `Bearer ${tokens.fp}` },
  'a published token': { authorization: `Bearer ${tokens.pub}` },
  'an unknown token': { authorization: `Bearer ${token('fp')}` },
  'a runtime signature': { 'x-inngest-signature': `t=${Math.floor(Date.now() / 1000)}&s=${'0'.repeat(64)}` },
  'a malformed credential': { authorization: 'Basic dXNlcjpwYXNz' },
};
// Status per caller and family: [through nginx, past it]; ok = admitted.
const ok = 'admitted';
const required = {
  'an anonymous caller': { rpc: [401, 401], openapi: [401, 401], workflows: [401, 401], inngest: [401, 401], engine: [401, 401], events: [401, 401], probes: [ok, ok] },
  'a first-party token': { rpc: [ok, ok], openapi: [403, 403], workflows: [403, 403], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a published token': { rpc: [403, 403], openapi: [ok, ok], workflows: [ok, ok], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'an unknown token': { rpc: [401, 401], openapi: [403, 403], workflows: [403, 403], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a runtime signature': { rpc: [403, 403], openapi: [403, 403], workflows: [403, 403], inngest: [401, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a malformed credential': { rpc: [401, 401], openapi: [401, 401], workflows: [401, 401], inngest: [401, 401], engine: [401, 401], events: [401, 401], probes: [ok, ok] },
};
const open = {
  'an anonymous caller': { rpc: [ok, ok], openapi: [ok, ok], workflows: [ok, ok], inngest: [401, 401], engine: [401, 401], events: [401, 401], probes: [ok, ok] },
  'a first-party token': { rpc: [ok, ok], openapi: [403, 403], workflows: [403, 403], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a published token': { rpc: [403, 403], openapi: [ok, ok], workflows: [ok, ok], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'an unknown token': { rpc: [401, 401], openapi: [403, 403], workflows: [403, 403], inngest: [403, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a runtime signature': { rpc: [403, 403], openapi: [403, 403], workflows: [403, 403], inngest: [401, 401], engine: [403, 401], events: [403, 401], probes: [403, 403] },
  'a malformed credential': { rpc: [401, 401], openapi: [401, 401], workflows: [401, 401], inngest: [401, 401], engine: [401, 401], events: [401, 401], probes: [ok, ok] },
};
const expectStatus = (got, want, uri) =>
  want === ok ? assert.ok(got === 200 || (got === 404 && /runs\/none/.test(uri)), `${uri}: ${got}`) : assert.equal(got, want, uri);

async function system(env) {
  const s = await System.create({ RAWR_APPS: 'http://127.0.0.1:1/', ...env });
  fs.mkdirSync(path.join(s.dir, 'keys'), { mode: 0o700 });
  fs.writeFileSync(path.join(s.dir, 'keys/first-party.tokens'), `# test\n${tokens.fp}\n`, { mode: 0o600 });
  fs.writeFileSync(path.join(s.dir, 'keys/published.tokens'), `${tokens.pub}\n`, { mode: 0o600 });
  await s.up();
  return s;
}

for (const [mode, matrix] of Object.entries({ required, open }))
  test(`with RAWR_AUTH=${mode}`, async (t) => {
    const s = await system({ RAWR_AUTH: mode });
    try {
      for (const [caller, headers] of Object.entries(callers))
        for (const [family, f] of Object.entries(families)) {
          const [through, past] = matrix[caller][family];
          await t.test(`${caller} on ${family} gets ${through} through nginx`, async () => {
            const r = await s.request(f.method, f.uri, { headers: { ...f.headers, ...headers }, body: f.body });
            expectStatus(r.status, through, f.uri);
            if (r.status >= 400) assert.ok(!r.text.includes(tokens.fp) && !r.text.includes(tokens.pub));
          });
          await t.test(`${caller} on ${family} gets ${past} past nginx`, () => {
            const r = direct(s, f.responder, { method: f.method, uri: f.uri, headers: { ...f.headers, ...headers }, body: f.body ?? '', addr: '127.0.0.1' });
            expectStatus(r.status, past, f.uri);
          });
        }
    } finally { await s.close(); }
  });

test('addresses and odd requests', async (t) => {
  const s = await System.start();
  try {
    await t.test('/rpc refuses an address outside RAWR_FIRST_PARTY_FROM past nginx', () => {
      const f = families.rpc;
      assert.equal(direct(s, 'rpc', { ...f, addr: '203.0.113.9' }).status, 401);
    });
    await t.test('/api/inngest tells an address outside RAWR_ENGINE_FROM nothing', () => {
      const r = direct(s, 'inngest', { uri: '/api/inngest', addr: '203.0.113.9' });
      assert.equal(r.status, 401);
      assert.equal(r.text, '{"message":"Unauthorized"}');
    });
    await t.test('the engine API tells an address outside RAWR_APPS_FROM nothing', () => {
      for (const uri of ['/e/0123456789abcdef', '/v1/runs/none', '/fn/register', '/dev']) {
        const r = direct(s, 'engine', { method: 'POST', uri, addr: '203.0.113.9' });
        assert.deepEqual([r.status, r.text], [401, '{"error":"Authentication failed","status":401}'], uri);
      }
    });
    await t.test('nginx refuses /rpc, /api/inngest and the engine API to addresses that do not count, with problem+json', async () => {
      const other = await System.start({ RAWR_FIRST_PARTY_FROM: '203.0.113.0/24', RAWR_ENGINE_FROM: '203.0.113.0/24', RAWR_APPS: 'http://127.0.0.1:1/', RAWR_APPS_FROM: '203.0.113.0/24' });
      try {
        for (const uri of ['/rpc/state/getRuntimeState', '/api/inngest', '/e/0123456789abcdef', '/fn/register', '/v0/runs/x/batch', '/v1/runs/x', '/dev']) {
          const r = await other.request('POST', uri, { headers: { 'content-type': 'application/json' }, body: '{"json":{}}' });
          assert.equal(r.status, 403);
          assert.equal(r.headers['content-type'], 'application/problem+json');
          assert.equal(r.json.code, 'FORBIDDEN');
          assert.ok(r.json.request_id && r.json.fix);
        }
      } finally { await other.close(); }
    });
    await t.test('a cross-site page cannot post to /rpc', async () => {
      const r = await s.rpc('state/getRuntimeState', {}, { 'sec-fetch-site': 'cross-site' });
      assert.equal(r.status, 403);
      assert.equal(r.json.json.code, 'FORBIDDEN');
    });
    await t.test('a header that counts and comes twice is refused', async () => {
      const raw = await rawRequest(s.port, ['POST /rpc/state/getRuntimeState HTTP/1.1', 'Host: x', 'X-Request-Id: a', 'X-Request-Id: b', 'Content-Type: application/json', 'Content-Length: 11', 'Connection: close', '', '{"json":{}}'].join('\r\n'));
      assert.match(raw, /^HTTP\/1\.1 400 /);
      assert.match(raw, /x-request-id came more than once/);
    });
    const smuggled = {
      'an encoded slash cannot climb from /rpc into /api/inngest': 'GET /rpc/..%2fapi/inngest HTTP/1.1',
      'an encoded dot segment cannot climb from /api/orpc into /rpc': 'GET /api/orpc/%2e%2e/%2e%2e/rpc/state/nothing HTTP/1.1',
      'a NUL in the path is refused': 'GET /rpc/state%00/getRuntimeState HTTP/1.1',
      'a control byte in the path is refused': 'GET /rpc/\x01 HTTP/1.1',
      'an encoded line end in the path adds no header': 'GET /rpc/x%0d%0aX-Evil:y HTTP/1.1',
      'an encoded slash cannot climb from /e into /rpc': 'GET /e/..%2frpc/state/getRuntimeState HTTP/1.1',
      'an encoded dot segment cannot climb from /v1 into /api/inngest': 'GET /v1/%2e%2e/api/inngest HTTP/1.1',
      'another case of a mount is not the mount': 'GET /API/INNGEST HTTP/1.1',
    };
    for (const [name, line] of Object.entries(smuggled))
      await t.test(name, async () => {
        const raw = await rawRequest(s.port, `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.match(raw, /^HTTP\/1\.1 (400|401|403|404) /);
        assert.doesNotMatch(raw, /^X-Evil/mi);
      });
    // Each of these reads as one mount for nginx and as /rpc for the responder.
    const disguised = {
      'backslashes': '/rawr/plugins/web/..\\..\\..\\rpc/coordination/listWorkflows',
      'encoded slashes': '/rpc/coordination/listWorkflows/..%2f..%2f..%2frawr%2fplugins%2fweb%2fy%2fz/..',
    };
    for (const [name, uri] of Object.entries(disguised))
      await t.test(`a path disguised by ${name} does not lead past the rule of /rpc`, async () => {
        const other = await System.start({ RAWR_FIRST_PARTY_FROM: '203.0.113.0/24' });
        try {
          assert.equal((await other.rpc('coordination/listWorkflows', {})).status, 403);
          const raw = await rawRequest(other.port, `POST ${uri} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"json":{}}`);
          assert.match(raw, /^HTTP\/1\.1 (403|404) /);
          assert.match(raw, /NOT_FOUND|application\/problem\+json/, 'not the responder\'s own refusal of the caller');
        } finally { await other.close(); }
      });
    const browsers = {
      'a host name that is not ours': { host: 'rebound.evil.example', origin: 'http://rebound.evil.example', 'sec-fetch-site': 'same-origin' },
      'a form of another site': { origin: 'http://evil.example', 'content-type': 'multipart/form-data; boundary=x' },
      'a form of another port': { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site', 'content-type': 'text/plain' },
    };
    for (const [name, headers] of Object.entries(browsers))
      await t.test(`/rpc refuses ${name}`, async () => {
        const r = await s.request('POST', '/rpc/state/getRuntimeState', { headers: { 'content-type': 'application/json', ...headers }, body: '--x\r\ncontent-disposition: form-data; name="data"\r\n\r\n{"json":{}}\r\n--x--\r\n' });
        assert.equal(r.status, 403, r.text);
      });
    for (const [name, text, status] of [
      ['a request line that is too long', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 414],
      ['a header that is too large', `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'x'.repeat(9000)}\r\nConnection: close\r\n\r\n`, 400],
      ['a length and chunks at once', 'POST /rpc/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n', 400],
      ['TRACE', 'TRACE /rpc/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405]])
      await t.test(`nginx refuses ${name} with problem+json`, async () => {
        const raw = await rawRequest(s.port, text);
        assert.match(raw, new RegExp(`^HTTP/1\\.1 ${status} `));
        assert.match(raw, /^Content-Type: application\/problem\+json/m);
      });
    await t.test('a length and a chunked body at once are refused', async () => {
      assert.match(await rawRequest(s.port, 'POST /rpc/state/getRuntimeState HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n'), /^HTTP\/1\.1 400 /);
    });
    await t.test('a body over the limit gets problem+json from nginx', async () => {
      const r = await s.request('POST', '/rpc/coordination/saveWorkflow', { headers: { 'content-type': 'application/json' }, body: 'x'.repeat(1048577) });
      assert.equal(r.status, 413);
      assert.equal(r.json.code, 'PAYLOAD_TOO_LARGE');
    });
    await t.test('a body over the limit is refused past nginx too', () => {
      const r = direct(s, 'rpc', { method: 'POST', uri: '/rpc/coordination/saveWorkflow', headers: { 'content-type': 'application/json' }, body: 'x'.repeat(1048577), addr: '127.0.0.1' });
      assert.equal(r.status, 413);
    });
    await t.test('a responder that is down is a 502 in problem+json', async () => {
      const down = await System.start();
      try {
        process.kill(down.pid('openapi'), 'SIGTERM');
        const r = await (async () => {
          for (const end = Date.now() + 10000; Date.now() < end;) {
            const x = await down.get('/api/orpc/state/runtime');
            if (x.status !== 200) return x;
          }
        })();
        assert.ok([502, 503].includes(r.status));
        assert.equal(r.headers['content-type'], 'application/problem+json');
        assert.equal(r.json.retryable, true);
        assert.equal((await down.rpc('state/getRuntimeState', {})).status, 200, 'the others go on');
      } finally { await down.close(); }
    });
  } finally { await s.close(); }
});

async function rawRequest(port, text) {
  const net = await import('node:net');
  return new Promise((resolve, reject) => {
    const c = net.connect(port, '127.0.0.1', () => c.write(text));
    let out = '';
    c.on('data', (d) => { out += d.toString('latin1'); });
    c.on('end', () => resolve(out));
    c.on('error', reject);
    c.setTimeout(10000, () => { c.destroy(); resolve(out); });
  });
}
