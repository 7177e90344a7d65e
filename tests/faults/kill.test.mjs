// Processes die at any moment; what was acknowledged is done, and done once.
import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { Clients, killMaster, killRunner, pause, seed, signal, start, workflows } from './chaos.mjs';
import { judge, one } from './checker.mjs';

// No death may cost an attempt; and a blow that hit nothing proves nothing.
const jobs = (s) => one(s, "SELECT json_object('attempts', coalesce(max(attempt), 0), 'held', count(owner)) FROM engine_job");
const all = { rpc: 2, openapi: 2, workflows: 2, inngest: 4 };
const complete = (s, name) => until(`${name}.fcgi has its workers again`, () => s.workers(name).length >= all[name], 5);
const tell = (t, n, c, hit) => t.diagnostic(`${n} runs, ${c.retries} requests again, ${hit}`);

test('a runner that is killed at random moments loses no run and records nothing twice', async (t) => {
  const rnd = seed(t);
  const s = await start(t);
  const c = new Clients(s);
  let held = 0;
  for (let i = 0; i < 15; i++) {
    await pause(rnd.between(10, 600));
    await killRunner(s, () => {
      const j = jobs(s);
      assert.equal(j.attempts, 0);
      held += j.held;
    });
  }
  await c.stop();
  const n = await judge(s, workflows, c.log);
  tell(t, n, c, `${held} calls cut off`);
  assert.ok(n >= 60 && held > 0);
});

test('a function worker that is killed at random moments costs no run and no attempt', async (t) => {
  const rnd = seed(t);
  const s = await start(t);
  const c = new Clients(s);
  for (let i = 0; i < 30; i++) {
    await pause(rnd.between(10, 300));
    signal(rnd.pick(await until('a worker', () => { const w = s.workers('inngest'); return w.length > 0 && w; }, 15)));
    assert.equal(jobs(s).attempts, 0);
  }
  await complete(s, 'inngest');
  await c.stop();
  const n = await judge(s, workflows, c.log);
  const crashes = s.logs('runner').split('"event":"host_died"').length - 1;
  tell(t, n, c, `${crashes} calls cut off`);
  assert.ok(n >= 60 && crashes > 0);
});

test('a client whose rpc worker was killed asks again and gets one run', async (t) => {
  const rnd = seed(t);
  const s = await start(t);
  const c = new Clients(s, { poll: 5 });
  for (let i = 0; i < 30 || (c.retries === 0 && i < 300); i++) {
    await pause(rnd.between(10, 200));
    signal(rnd.pick(await until('a worker', () => { const w = s.workers('rpc'); return w.length > 0 && w; }, 15)));
  }
  await complete(s, 'rpc');
  await c.stop();
  const n = await judge(s, workflows, c.log);
  tell(t, n, c, `${c.acked()} acknowledged`);
  assert.equal(n, c.acked());
  assert.ok(n >= 60 && c.retries > 0);
});

test('with everything dying at random, every acknowledged run is done once', async (t) => {
  const rnd = seed(t);
  const s = await start(t);
  const responders = Object.keys(all);
  const c = new Clients(s);
  const end = Date.now() + 20000;
  const count = {};
  while (Date.now() < end) {
    const what = rnd.pick(['runner', 'runner', 'worker', 'worker', 'worker', 'worker', 'nginx', 'master', 'replace']);
    const name = rnd.pick(responders);
    const [wait, which] = [rnd.between(20, 500), rnd.next()];
    await pause(wait);
    count[what] = (count[what] ?? 0) + 1;
    if (what === 'runner') await killRunner(s);
    else if (what === 'master') await killMaster(s, name);
    else if (what === 'replace') signal(s.pid(name), 'SIGHUP');
    else {
      const pids = s.workers(what === 'nginx' ? 'nginx' : name);
      if (pids.length > 0) signal(pids[Math.floor(which * pids.length)]);
    }
  }
  for (const name of responders) await complete(s, name);
  await c.stop();
  const n = await judge(s, workflows, c.log);
  tell(t, n, c, JSON.stringify(count));
});
