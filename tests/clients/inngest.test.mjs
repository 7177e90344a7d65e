// The function host, called as an Inngest engine calls it: canonical bodies
// (with the same RFC 8785 package that the official SDK uses), HMAC, and a
// register endpoint of its own.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { System, bin, chain, freePort, root } from '../lib/system.mjs';
import { execFileSync } from 'node:child_process';

const canonicalize = createRequire(createRequire(import.meta.url).resolve('inngest'))('canonicalize');
const sha1 = (s) => crypto.createHash('sha1').update(s).digest('hex');
let sys, key, fallback, registered, engine;

const secret = (k) => k.replace(/^signkey-\w+-/, '');
const hmac = (k, body, t) => crypto.createHmac('sha256', secret(k)).update(body).update(String(t)).digest('hex');
const now = () => Math.floor(Date.now() / 1000);
const sign = (k, body, t = now()) => `t=${t}&s=${hmac(k, body, t)}`;

test.before(async () => {
  const port = await freePort();
  engine = http.createServer((q, r) => {
    const chunks = [];
    q.on('data', (c) => chunks.push(c));
    q.on('end', () => {
      registered = { path: q.url, headers: q.headers, body: JSON.parse(Buffer.concat(chunks)) };
      r.setHeader('content-type', 'application/json');
      r.end('{"ok":true,"modified":true}');
    });
  }).listen(port, '127.0.0.1');
  sys = await System.create({ RAWR_RUNNER: 'off', RAWR_ENGINE: 'inngest', RAWR_INNGEST_URL: `http://127.0.0.1:${port}` });
  fs.mkdirSync(path.join(sys.dir, 'keys'), { mode: 0o700 });
  key = `signkey-test-${crypto.randomBytes(16).toString('hex')}`;
  fallback = `signkey-test-${crypto.randomBytes(16).toString('hex')}`;
  fs.writeFileSync(path.join(sys.dir, 'keys/signing.key'), `${key}\n`, { mode: 0o600 });
  fs.writeFileSync(path.join(sys.dir, 'keys/signing.key.fallback'), `${fallback}\n`, { mode: 0o600 });
  await sys.up();
});
test.after(async () => { engine.close(); await sys.close(); });

const send = (method, query, body, headers) =>
  sys.request(method, `/api/inngest${query}`, { headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers }, body });
const call = (fnId, value, { stepId = 'step', with: k = key, t, bytes } = {}) => {
  const canonical = canonicalize(value);
  return send('POST', `?fnId=${fnId}&stepId=${stepId}`, bytes ?? canonical, { 'x-inngest-signature': sign(k, canonical, t) });
};
const request = (data, steps = {}, extra = {}) => {
  const event = { name: 'rawr/coordination.workflow.run', id: 'evt-x', ts: Date.now(), user: {}, data };
  return { ctx: { attempt: 0, max_attempts: 3, run_id: '01JRUN00000000000000000000', disable_immediate_execution: false, use_api: false, env: '', stack: { stack: Object.keys(steps), current: Object.keys(steps).length }, ...extra }, event, events: [event], steps, defers: {}, use_api: false, version: -1 };
};

test('an unsigned request is told nothing', async () => {
  for (const [m, b] of [['GET'], ['PUT', '{}'], ['POST', '{}']]) {
    const r = await send(m, '', b);
    assert.equal(r.status, 401);
    assert.equal(r.text, '{"message":"Unauthorized"}');
    assert.equal(r.headers['x-inngest-sdk'], undefined);
    assert.equal(r.headers['x-inngest-sdk-handled'], 'true');
  }
});

test('a signed GET introspects without showing a secret', async () => {
  const r = await send('GET', '', undefined, { 'x-inngest-signature': sign(key, '') });
  assert.equal(r.status, 200);
  assert.equal(r.json.mode, 'cloud');
  assert.equal(r.json.authentication_succeeded, true);
  assert.ok(r.json.function_count >= 1);
  assert.ok(!r.text.includes(secret(key)));
  assert.match(r.headers['x-inngest-sdk'], /^c:v\d/);
  const [, t, s] = /t=(\d+)&s=([0-9a-f]{64})/.exec(r.headers['x-inngest-signature']);
  assert.equal(s, hmac(key, r.text, t), 'the reply is signed');
});

for (const [name, options, status] of [
  ['the fallback key', () => ({ with: fallback }), 206], ['a signature of 4 minutes ago', () => ({ t: now() - 240 }), 206],
  ['a signature of 6 minutes ago', () => ({ t: now() - 360 }), 401], ['a signature of 6 minutes ahead', () => ({ t: now() + 360 }), 401],
  ['another key', () => ({ with: 'signkey-test-00' }), 401],
  ['bytes that are not canonical, signed canonically', () => ({ bytes: JSON.stringify(request({ runId: 'none', workflow: {}, input: {} }), null, 2) }), 206]])
  test(`${name} gets ${status}`, async () => {
    const value = request({ runId: 'none', workflow: {}, input: {} });
    const o = options();
    if (o.bytes) value.event.ts = JSON.parse(o.bytes).event.ts, value.events = [value.event];
    const r = await call('rawr-coordination-workflow-runner', value, o);
    assert.equal(r.status, status, r.text);
  });

test('a PUT registers every function with the configured server', async () => {
  const r = await send('PUT', '', undefined, { 'x-inngest-signature': sign(key, '') });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.json.modified, true);
  assert.equal(r.headers['x-inngest-sync-kind'], 'out_of_band');
  assert.equal(registered.path, '/fn/register');
  const hash = crypto.createHash('sha256').update(Buffer.from(secret(key), 'hex')).digest('hex');
  assert.equal(registered.headers.authorization, `Bearer signkey-test-${hash}`);
  const fn = registered.body.functions.find((f) => f.id === 'rawr-coordination-workflow-runner');
  assert.equal(fn.name, 'Coordination Workflow Runner');
  assert.deepEqual(fn.triggers, [{ event: 'rawr/coordination.workflow.run' }]);
  assert.equal(fn.steps.step.retries.attempts, 2);
  assert.equal(new URL(fn.steps.step.runtime.url).searchParams.get('fnId'), fn.id);
});

test('an engine of any make drives a coordination run to its end, step by step', async () => {
  const workflow = chain('wf-host', ['a', 'b']);
  workflow.desks[1].memoryScope = { persist: true };
  await sys.rpc('coordination/saveWorkflow', { workflow });
  await sys.rpc('coordination/queueRun', { workflowId: 'wf-host', runId: 'run-host', input: { z: 1, a: 2 } });
  const steps = {}, seen = [];
  let status, body;
  for (let i = 0; i < 30 && status !== 200; i++) {
    const r = await call('rawr-coordination-workflow-runner', request({ runId: 'run-host', workflow, input: { z: 1, a: 2 } }, steps));
    ({ status, json: body } = r);
    if (status === 200) break;
    assert.equal(status, 206, r.text);
    assert.equal(body.length, 1);
    assert.equal(body[0].op, 'StepRun');
    assert.equal(body[0].id, sha1(body[0].userland.id));
    seen.push(body[0].userland.id);
    steps[body[0].id] = { data: body[0].data };
  }
  assert.deepEqual(seen, ['coordination/run-start', 'desk/a/started', 'desk/a/memory-read', 'desk/a/execute', 'desk/a/completed',
    'desk/b/started', 'desk/b/memory-read', 'desk/b/execute', 'desk/b/memory-write', 'desk/b/completed', 'coordination/run-completed']);
  assert.equal(body.deskId, 'b');
  const run = (await sys.get('/api/orpc/coordination/runs/run-host')).json.run;
  assert.equal(run.status, 'completed');
  assert.equal(run.traceLinks[1].label, 'Inngest Trace (01JRUN00000000000000000000)');
});

test('an unknown function is an error that is retried', async () => {
  const r = await call('rawr-nothing', request({}));
  assert.equal(r.status, 500);
  assert.match(r.json.message, /was not found/);
});

test('inngest.fcgi without a key does not start, and says which file to make', () => {
  fs.renameSync(path.join(sys.dir, 'keys/signing.key'), path.join(sys.dir, 'keys/away'));
  try {
    execFileSync(path.join(bin, 'inngest.fcgi'), [], { env: { ...sys.env, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET', REQUEST_URI: '/api/inngest' }, cwd: root, stdio: 'pipe' });
    assert.fail('it started');
  } catch (e) { assert.match(String(e.stderr), /signing\.key/); } finally { fs.renameSync(path.join(sys.dir, 'keys/away'), path.join(sys.dir, 'keys/signing.key')); }
});

test('inngest.fcgi --dev refuses to start where a key is configured', () => {
  try {
    execFileSync(path.join(bin, 'inngest.fcgi'), ['--dev'], { env: { ...sys.env, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET', REQUEST_URI: '/api/inngest' }, cwd: root, stdio: 'pipe' });
    assert.fail('it started');
  } catch (e) { assert.match(String(e.stderr), /dev/); assert.ok(!String(e.stderr).includes(secret(key))); }
});
