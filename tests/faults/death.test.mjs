// SIGKILL before every write, sync, truncation and reply of every process that
// writes: the engine, the responders, the importer and the exporter.  A sample
// of them by default; all with RAWR_SOAK=1.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System, chain, until } from '../lib/system.mjs';
import { Peer } from '../lib/fcgi.mjs';
import { frozen, gone, seed, start, signal } from './chaos.mjs';
import { judge } from './checker.mjs';
import { Death, FAR, Nurse, chosen, life, live, workflowId } from './lives.mjs';
import { Teller } from './teller.mjs';
import { files, installation, judgeExported, judgeImported, must, place, rawr } from './transfer.mjs';

// How many deaths where only a sample is tried.
const sample = { runner: 20, rpc: 12, workflows: 16, inngest: 16 };

for (const victim of Object.keys(sample))
  test(`whatever write of ${victim} is its last, everything acknowledged is done once`, async (t) => {
    const rnd = seed(t);
    const s = await start(t, { RAWR_FUNCTION_WORKERS: '2', RAWR_WORKERS: '1' });
    const death = new Death(s.dir);
    const first = s.pid(victim);
    signal(first);
    await until(`the end of ${victim}`, () => gone(first));
    const c = new Teller(s);
    let version = 1, deaths = 0, total;
    const once = async (n) => {
      death.at(n);
      await live(c, `at-${n}`, version++);
      const left = death.left();
      death.at(0);
      return left;
    };
    const nurse = new Nurse(s, victim, death.env);
    try {
      await live(c, 'warm', version++);
      total = FAR - await once(FAR);
      for (const n of chosen(rnd, total, sample[victim])) if (await once(n) <= 0) deaths++;
    } finally { nurse.leave(); }
    const runs = await judge(s, new Map([[workflowId, life(1)]]), c.ledger);
    t.diagnostic(`${deaths} deaths at ${total} boundaries, ${runs} runs, ${c.unanswered} requests again`);
    assert.ok(deaths >= Math.min(8, total / 2), `only ${deaths} deaths`);
  });

// ----------------------------------------------------------- import and export

// act(env, name): one whole execution, that may be killed; it gives its exit
// code.  same: what it left, for comparison; whileDead: looks at what a killed
// one has left.
async function sweep(t, act, same, whileDead = () => {}) {
  const rnd = seed(t);
  const s = await System.create();
  t.after(() => fs.rmSync(s.dir, { recursive: true, force: true }));
  const death = new Death(s.dir);
  s.from = installation(path.join(s.dir, 'from'));
  const whole = place(s, 'whole');
  death.at(FAR);
  assert.equal(await act(s, { ...whole.env, ...death.env }, 'whole'), 0);
  const total = FAR - death.left();
  const want = await same(s, whole, 'whole');
  assert.ok(Object.keys(want).length > 3);
  let deaths = 0;
  for (const n of chosen(rnd, total, 16)) {
    const p = place(s, `at-${n}`);
    death.at(n);
    if (await act(s, { ...p.env, ...death.env }, `at-${n}`) === 'SIGKILL') deaths++;
    death.at(0);
    await whileDead(s, p, want, `after a death at ${n}`);
    assert.equal(await act(s, p.env, `at-${n}`), 0, `again after a death at ${n}`);
    assert.deepEqual(await same(s, p, `at-${n}`), want, `after a death at ${n}`);
    await must(s, p.env, 'db', 'check');
    fs.rmSync(p.dir, { recursive: true });
  }
  t.diagnostic(`${deaths} deaths at ${total} boundaries`);
  assert.ok(deaths >= 8);
}

test('an import that is killed at any write is run again and leaves what one that was not leaves', (t) =>
  sweep(t, async (s, env) => (await rawr(s, env, 'import', s.from)).code,
    async (s, p) => {
      await must(s, p.env, 'export', path.join(p.dir, 'out'));
      return files(path.join(p.dir, 'out'));
    }, judgeImported));

test('an export that is killed at any write is run again and writes what one that was not writes', (t) =>
  sweep(t, async (s, env, name) => {
    const store = path.join(env.RAWR_VAR, 'rawr.db');
    if (!fs.existsSync(store)) await must(s, { ...env, LD_PRELOAD: '' }, 'import', s.from);
    return (await rawr(s, env, 'export', path.join(s.dir, name, 'out'))).code;
  }, async (s, p) => files(path.join(p.dir, 'out')), (s, p, want, what) => judgeExported(path.join(p.dir, 'out'), want, what)));

test('a worker that is killed at any write of a group of saves loses none that it acknowledged', async (t) => {
  const s = await start(t, { RAWR_WORKERS: '1' });
  const death = new Death(s.dir);
  for (const name of ['runner', 'rpc']) {
    const pid = s.pid(name);
    signal(pid, 'SIGTERM');
    await until(`the end of ${name}`, () => gone(pid));
  }
  s.startResponder('rpc', death.env);
  const saves = async (name, n) => {
    const peers = await until('a worker that serves', async () => {
      try { return await Promise.all(Array.from({ length: 6 }, () => Peer.open(s, 'rpc'))); } catch { return undefined; }
    });
    try {
      for (const p of peers) assert.equal((await p.ask('GET', '/health')).status, 200);
      const [worker] = s.workers('rpc');
      signal(worker, 'SIGSTOP');
      await until('the worker stands still', () => frozen(worker));
      const sent = [];
      for (const [i, p] of peers.entries()) sent.push((await p.rpc('coordination/saveWorkflow', { workflow: chain(`${name}-${i}`, ['a']) })).answer);
      death.at(n);
      signal(worker, 'SIGCONT');
      return await Promise.all(sent);
    } finally {
      for (const p of peers) p.close();
    }
  };
  await saves('warm', FAR);
  const total = FAR - death.left();
  let deaths = 0, told = 0;
  for (let n = 1; n <= total; n++) {
    const answers = await saves(`at-${n}`, n);
    if (death.left() <= 0) deaths++;
    death.at(0);
    const { workflows } = (await until('an answer', async () => { const r = await s.rpc('coordination/listWorkflows', {}); return r.status === 200 && r; })).json.json;
    const there = new Set(workflows.map((w) => w.workflowId));
    for (const [i, a] of answers.entries()) if (a?.status === 200) { told++; assert.ok(there.has(`at-${n}-${i}`), `at-${n}-${i} was acknowledged`); }
  }
  t.diagnostic(`${deaths} deaths at ${total} boundaries, ${told} acknowledged`);
  assert.ok(deaths >= total / 2 && told > 0);
});
