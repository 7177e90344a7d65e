// Replacing processes on purpose: nobody notices.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { Clients, pause, seed, signal, start, workflows } from './chaos.mjs';
import { judge, one } from './checker.mjs';

const responders = ['rpc', 'openapi', 'workflows', 'inngest'];

function signed(s) {
  const key = fs.readFileSync(path.join(s.dir, 'keys/signing.key'), 'utf8').trim().replace(/^signkey-\w+-/, '');
  return () => {
    const stamp = String(Math.floor(Date.now() / 1000));
    return { 'x-inngest-signature': `t=${stamp}&s=${crypto.createHmac('sha256', key).update(stamp).digest('hex')}` };
  };
}

// Connections that stay open and always ask; every answer is looked at.  POST:
// what nginx would send again by itself proves nothing.
function load(s, connections) {
  const json = { 'content-type': 'application/json' };
  const sign = signed(s);
  const kinds = [
    () => [200, 'POST', '/rpc/coordination/listWorkflows', { headers: json, body: '{"json":{}}' }],
    () => [200, 'POST', '/api/orpc/coordination/workflows/line/validate', { headers: json, body: '{}' }],
    () => [404, 'POST', '/api/workflows/coordination/workflows/none/run', { headers: json, body: '{}' }],
    () => [200, 'GET', '/api/inngest', { headers: sign() }],
  ];
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const l = { answers: 0, failures: [], stopping: false };
  const one = async (make) => {
    while (!l.stopping) {
      const [want, method, uri, options] = make();
      try {
        const r = await s.request(method, uri, { ...options, agent });
        if (r.status !== want || r.json === undefined) l.failures.push(`${uri}: ${r.status} ${r.text.slice(0, 200)}`);
      } catch (e) { l.failures.push(`${uri}: ${e.message}`); }
      l.answers++;
    }
  };
  const done = Promise.all(Array.from({ length: connections }, (_, i) => one(kinds[i % kinds.length])));
  l.stop = async () => { l.stopping = true; await done; agent.destroy(); };
  return l;
}

test('every responder replaces its workers under load without one failed request', async (t) => {
  const s = await start(t, { RAWR_LEASE: '30' });
  const c = new Clients(s, { clients: 8, least: 20 });
  const l = load(s, 24);
  for (let round = 0; round < 10; round++)
    for (const name of responders) {
      const old = s.workers(name);
      const before = l.answers;
      signal(s.pid(name), 'SIGHUP');
      await until(`${name}.fcgi has new workers`, () => { const now = s.workers(name); return now.length === old.length && !now.some((p) => old.includes(p)); });
      await until('answers from them', () => l.answers > before + 40);
    }
  await l.stop();
  await c.stop();
  await judge(s, workflows, c.log);
  t.diagnostic(`${l.answers} answers`);
  assert.deepEqual(l.failures, []);
  assert.equal(c.retries, 0, 'requests that had to be sent again');
  assert.ok(!s.logs('runner').includes('"event":"host_died"'), 'a function call was cut off');
});

test('a system that is brought down while runs execute finishes them when it is up again', async (t) => {
  const rnd = seed(t);
  // One call at a time: a quick run that has begun ends before the runner does.
  const s = await start(t, { RAWR_LEASE: '30', RAWR_CONCURRENCY: '1' });
  const c = new Clients(s);
  let left = 0;
  for (let i = 0; i < 4; i++) {
    await until('runs under way', () => c.open() > 4);
    await pause(rnd.between(50, 500));
    await s.down();
    const jobs = one(s, "SELECT json_object('left', count(*), 'held', count(owner)) FROM engine_job");
    assert.equal(jobs.held, 0, 'a lease was kept over the end of the runner');
    left += jobs.left;
    await s.up();
  }
  await c.stop();
  const n = await judge(s, workflows, c.log);
  t.diagnostic(`${n} runs, ${left} jobs left by the four ends`);
  assert.ok(left > 0, 'every end found nothing under way');
});
