// Two and three runners on one store.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { Clients, frozen, gone, pause, seed, signal, start, workflows } from './chaos.mjs';
import { judge, one, rows } from './checker.mjs';

// A second runner for the time of fn.
async function second(s, fn) {
  const p = s.startRunner({}, 'runner2');
  try { await fn(p.pid); } finally {
    signal(p.pid, 'SIGTERM');
    await until('the end of the second runner', () => gone(p.pid));
  }
}
const owners = (s) => rows(s, 'SELECT DISTINCT json_quote(owner) FROM engine_job WHERE owner IS NOT NULL');
const held = (s, owner) => one(s, `SELECT count(*) FROM engine_job WHERE owner = '${owner}'`);
const writable = (s) =>
  s.request('POST', '/rpc/coordination/saveWorkflow', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ json: { workflow: workflows.get('line') } }), timeout: 150 })
    .then((r) => r.status === 200, () => false);
const lost = (s) => [...s.logs('runner').matchAll(/"event":"calls_lost","count":(\d+)/g)].reduce((n, m) => n + Number(m[1]), 0);

// Stop a runner with calls in flight, but not with the store's lock in hand:
// that would stop every writer, which is another matter.
async function freeze(s, pid, owner) {
  for (let i = 0; ; i++) {
    assert.ok(i < 100, 'no moment to stop the runner in');
    await until('calls in flight', () => held(s, owner) > 0);
    signal(pid, 'SIGSTOP');
    await until('the runner stands still', () => frozen(pid));
    if (held(s, owner) > 0 && await writable(s)) return;
    signal(pid, 'SIGCONT');
    await pause(20 + i);
  }
}

test('a runner that was stopped past its leases finds its answers refused', async (t) => {
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '1' });
  const first = s.pid('runner');
  const c = new Clients(s, { clients: 10, least: 40 });
  const [owner] = await until('the first runner at work', () => { const o = owners(s); return o.length === 1 && o; });
  let stale = 0;
  await second(s, async () => {
    try {
      await until('the second runner at work', () => owners(s).some((o) => o !== owner));
      for (let i = 0; i < 3; i++) {
        await freeze(s, first, owner);
        stale += held(s, owner);
        await until('the second runner has taken over', () => held(s, owner) === 0);
        signal(first, 'SIGCONT');
        await until('the first runner is at work again', () => held(s, owner) > 0);
      }
    } finally { signal(first, 'SIGCONT'); }
    await c.stop();
    const n = await judge(s, workflows, c.log);
    t.diagnostic(`${n} runs, ${c.retries} requests again, ${stale} stale calls, ${lost(s)} refused`);
    assert.ok(lost(s) >= stale, 'a stale answer was taken');
  });
});

test('two runners share the work, and the doorbell passes to the one that is left', async (t) => {
  const s = await start(t);
  const first = s.pid('runner');
  const bell = path.join(s.dir, 'run/runner.sock');
  await second(s, async (pid) => {
    const c = new Clients(s, { least: 40 });
    await until('both at work', () => owners(s).length === 2);
    await c.stop();
    await judge(s, workflows, c.log);
    signal(first, 'SIGTERM');
    await until('the end of the first runner', () => gone(first));
    await until('a doorbell', () => fs.existsSync(bell), 5);
    assert.ok(!gone(pid));
    // Without a bell each would wait for the runner to look by itself: 1 s.
    const began = Date.now();
    const alone = new Clients(s, { clients: 1, least: 8, poll: 5 });
    await alone.stop();
    assert.ok(Date.now() - began < 4000, `8 runs took ${Date.now() - began} ms`);
  });
});

test('the doorbell stays with the first runner when the second leaves', async (t) => {
  const s = await start(t);
  await second(s, async () => {
    const both = new Clients(s, { least: 20 });
    await both.stop();
  });
  // Without a bell each would wait for the runner to look by itself: 1 s.
  const began = Date.now();
  const alone = new Clients(s, { clients: 1, least: 8, poll: 5 });
  await alone.stop();
  assert.ok(Date.now() - began < 4000, `8 runs took ${Date.now() - began} ms`);
});

test('three runners, one of which stands still again and again while the others die, do each run once', async (t) => {
  const rnd = seed(t);
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '2' });
  const first = s.pid('runner');
  const c = new Clients(s, { clients: 12, least: 60 });
  const [owner] = await until('the first runner at work', () => { const o = owners(s); return o.length === 1 && o; });
  const others = new Map(['runner2', 'runner3'].map((name) => [name, s.startRunner({}, name).pid]));
  let stale = 0, deaths = 0;
  const die = async () => {
    const name = rnd.pick([...others.keys()]);
    signal(others.get(name));
    await until(`the end of ${name}`, () => gone(others.get(name)));
    others.set(name, s.startRunner({}, name).pid);
    deaths++;
  };
  try {
    await until('all three at work', () => owners(s).length === 3);
    for (let i = 0; i < (process.env.RAWR_SOAK === '1' ? 40 : 5); i++) {
      await freeze(s, first, owner);
      stale += held(s, owner);
      for (let k = rnd.between(1, 3); k > 0; k--) {
        await pause(rnd.between(20, 300));
        await die();
      }
      await until('the others have taken over', () => held(s, owner) === 0);
      signal(first, 'SIGCONT');
      await until('the first runner is at work again', () => held(s, owner) > 0);
    }
  } finally {
    signal(first, 'SIGCONT');
    await c.stop();
    for (const [name, pid] of others) {
      signal(pid, 'SIGTERM');
      await until(`the end of ${name}`, () => gone(pid));
    }
  }
  const n = await judge(s, workflows, c.log);
  t.diagnostic(`${n} runs, ${stale} stale calls, ${lost(s)} refused, ${deaths} deaths`);
  assert.ok(lost(s) >= stale, 'a stale answer was taken');
});
