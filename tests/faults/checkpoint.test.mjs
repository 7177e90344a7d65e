// Calls that go on behind their steps, many in one worker: what kills or stops
// one of the three that are concerned costs no attempt and no record.  The
// function is a plugin's, in a copy of the tree.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../lib/system.mjs';
import { copyTree, makeIn } from '../lib/tree.mjs';

const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-row-'));
const use = (file) => import(pathToFileURL(path.join(tree, file)));
let chaos, checker, system;

test.before(async () => {
  copyTree(tree);
  const dir = path.join(tree, 'plugins/workflows/row');
  fs.mkdirSync(dir, { recursive: true });
  fs.cpSync(path.join(root, 'tests/faults/row'), dir, { recursive: true });
  for (const target of ['sync', 'build']) {
    const r = makeIn(tree, target);
    assert.ok(r.ok, r.said);
  }
  chaos = await use('tests/faults/chaos.mjs');
  checker = await use('tests/faults/checker.mjs');
  system = await use('tests/lib/system.mjs');
});
test.after(() => fs.rmSync(tree, { recursive: true, force: true }));

// Rows of quick steps, and what is known of them from outside.
class Rows {
  constructor(s) {
    this.s = s;
    this.file = path.join(s.dir, 'lines');
    this.gate = path.join(s.dir, 'gate');
    this.sent = new Map(); // event id -> n
    fs.writeFileSync(this.file, '');
  }
  async send(id, n, more = {}) {
    this.sent.set(id, n);
    const data = JSON.stringify({ n, file: this.file, ...more });
    assert.equal((await this.s.rawr('events', 'send', 'row/go', '--id', id, '--data', data)).code, 0);
  }
  // One that stands before the gate in its second step.
  async sendGated(id) {
    fs.writeFileSync(this.gate, '');
    await this.send(id, 3, { gate: this.gate, gateAt: 1 });
  }
  open() { fs.rmSync(this.gate, { force: true }); }
  // {run, i, pid, n} of each time that a step's code ran.
  lines() {
    return fs.readFileSync(this.file, 'utf8').split('\n').filter(Boolean).map((l) => {
      const [run, ...rest] = l.split(' ');
      const [i, pid, n] = rest.map(Number);
      return { run, i, pid, n };
    });
  }
  runs(where = '1') {
    return checker.rows(this.s, `SELECT json_object('id', e.client_id, 'run', r.id, 'state', state, 'output', json(output)) FROM engine_run r JOIN engine_event e ON e.id = r.event WHERE fn = 'rawr-row' AND ${where}`);
  }
  run(id) { return this.runs(`e.client_id = '${id}'`)[0]; }
  jobs() {
    return checker.rows(this.s, "SELECT json_object('run', r.id, 'attempt', attempt, 'crashes', crashes, 'refusals', refusals, 'owner', owner) FROM engine_job j JOIN engine_run r ON r.num = j.run WHERE r.fn = 'rawr-row'");
  }
  ended() { return this.runs('state <> 0'); }
  all(seconds = 60) { return system.until('the end of every row', () => this.ended().length === this.sent.size, seconds); }
  // Every run is completed, has recorded each step once, and has seen what is
  // recorded; no step's code ran again behind one that came after it.
  judge() {
    const lines = new Map(this.runs().map((r) => [r.run, []]));
    for (const l of this.lines()) lines.get(l.run).push(l);
    for (const r of this.runs()) {
      const n = this.sent.get(r.id);
      assert.equal(r.state, 1, `${r.id}: ${JSON.stringify(r)}`);
      assert.deepEqual(r.output.map((v) => v.i), [...Array(n).keys()], r.id);
      const memos = checker.rows(this.s, `SELECT json_array(row_number() OVER (ORDER BY m.id), json(m.value)) FROM engine_memo m JOIN engine_run r ON r.num = m.run WHERE r.id = '${r.run}' ORDER BY m.id`);
      assert.deepEqual(memos, r.output.map((v, i) => [i + 1, { data: v }]), r.id);
      const ran = lines.get(r.run);
      for (const [at, l] of ran.entries())
        assert.ok(at === 0 || l.i === ran[at - 1].i || l.i === ran[at - 1].i + 1, `${r.id}: step ${l.i} behind ${ran[at - 1]?.i}`);
      for (const v of r.output) assert.ok(ran.some((l) => l.pid === v.pid && l.n === v.n), `${r.id}: nobody gave ${JSON.stringify(v)}`);
    }
  }
  // How often a step's code ran beyond once.
  again() { return this.lines().length - [...this.sent.values()].reduce((a, b) => a + b, 0); }
}

const count = (s, what, name) => s.logs(name).split(what).length - 1;
const givenUp = (s) => count(s, '"outcome":"given_up"', 'inngest');
const died = (s) => count(s, '"event":"host_died"', 'runner');

// The runner stands still while calls wait for its word, and no step's code
// runs any more.
async function freeze(s, rows, least) {
  const before = rows.lines().length;
  await system.until('steps', () => rows.lines().length >= before + least);
  chaos.signal(s.pid('runner'), 'SIGSTOP');
  await system.until('the runner stands still', () => chaos.frozen(s.pid('runner')));
  let same = 0, last = -1;
  await system.until('the calls wait', () => {
    const now = rows.lines().length;
    same = now === last ? same + 1 : 0;
    last = now;
    return same > 10;
  });
}
const goOn = (s) => chaos.signal(s.pid('runner'), 'SIGCONT');

async function begin(t, env, n, steps) {
  const s = await chaos.start(t, { RAWR_LEASE: '30', ...env });
  t.after(() => { try { goOn(s); chaos.signal(s.pid('inngest'), 'SIGCONT'); } catch { /* gone */ } });
  const rows = new Rows(s);
  await Promise.all(Array.from({ length: n }, (_, i) => rows.send(`row-${i}`, steps)));
  return [s, rows];
}

test('quick runs end beside a function that blocks the worker they were in', async (t) => {
  const [s, rows] = await begin(t, { RAWR_FUNCTION_WORKERS: '2' }, 0, 0);
  const quick = [];
  await Promise.all(Array.from({ length: 24 }, (_, i) => rows.send(`before-${i}`, 300)));
  await rows.sendGated('gated');
  const gated = await system.until('the step before the gate', () => {
    const run = rows.run('gated')?.run;
    return rows.lines().find((l) => l.run === run && l.i === 1);
  });
  await Promise.all(Array.from({ length: 24 }, (_, i) => rows.send(`behind-${i}`, 20)));
  await system.until('the end of the others', () => rows.ended().length === rows.sent.size - 1, 60);
  assert.equal(rows.run('gated').state, 0);
  assert.ok(s.workers('inngest').includes(gated.pid), 'the worker has died meanwhile');
  for (const r of rows.runs("e.client_id LIKE 'before-%'")) {
    const pids = r.output.map((v) => v.pid);
    const left = pids.lastIndexOf(gated.pid);
    if (left >= 0 && left < pids.length - 1 && pids.slice(left + 1).every((p) => p !== gated.pid)) quick.push(r.id);
  }
  t.diagnostic(`${quick.length} runs had left the worker for the other`);
  assert.deepEqual(rows.jobs().map((j) => [j.attempt, j.crashes]), [[0, 0]]);
  rows.open();
  await rows.all();
  assert.equal(rows.lines().filter((l) => l.run === gated.run && l.i === 1).length, 1, 'the blocking step ran again');
  rows.judge();
  assert.equal(rows.again(), 0, 'a step ran again though nothing died');
  assert.ok(quick.length > 0, 'nobody was in the worker');
});

test('a worker that dies with many calls waiting in it costs them no attempt and no crash', async (t) => {
  const [s, rows] = await begin(t, { RAWR_FUNCTION_WORKERS: '1' }, 12, 200);
  const master = s.pid('inngest'), [worker] = s.workers('inngest');
  await freeze(s, rows, 100);
  const [before, ran] = [died(s), rows.lines().length];
  chaos.signal(master, 'SIGSTOP'); // no other worker yet
  await system.until('the master stands still', () => chaos.frozen(master));
  chaos.signal(worker);
  await system.until('the end of the worker', () => chaos.gone(worker));
  goOn(s);
  const jobs = await system.until('all calls are made again', () => {
    const list = rows.jobs();
    return list.length === 12 && list.every((j) => j.refusals + j.crashes > 0 && j.owner) && list;
  });
  assert.deepEqual([...new Set(jobs.map((j) => `${j.attempt} ${j.crashes}`))], ['0 0']);
  assert.ok(died(s) - before >= 12, 'the calls did not wait in the worker');
  chaos.signal(master, 'SIGCONT');
  await rows.all();
  rows.judge();
  t.diagnostic(`${ran} steps before it, ${rows.again()} ran again`);
});

test('a worker that dies under one step costs a crash to that run alone', async (t) => {
  const [s, rows] = await begin(t, { RAWR_FUNCTION_WORKERS: '1' }, 12, 1000);
  const master = s.pid('inngest'), [worker] = s.workers('inngest');
  await system.until('steps', () => rows.lines().length > 50);
  await rows.sendGated('gated');
  await system.until('the step before the gate', () => {
    const run = rows.run('gated')?.run;
    return rows.lines().some((l) => l.run === run && l.i === 1);
  });
  chaos.signal(s.pid('runner'), 'SIGSTOP');
  chaos.signal(master, 'SIGSTOP');
  await system.until('both stand still', () => chaos.frozen(s.pid('runner')) && chaos.frozen(master));
  chaos.signal(worker);
  await system.until('the end of the worker', () => chaos.gone(worker));
  rows.open();
  goOn(s);
  const jobs = await system.until('all calls are made again', () => {
    const list = rows.jobs();
    return list.length === 13 && list.every((j) => j.refusals + j.crashes > 0 && j.owner) && list;
  });
  const { run } = rows.run('gated');
  for (const j of jobs) assert.deepEqual([j.attempt, j.crashes], [0, j.run === run ? 1 : 0], JSON.stringify(j));
  chaos.signal(master, 'SIGCONT');
  await rows.all(120);
  rows.judge();
  t.diagnostic(`${died(s)} calls cut off, ${rows.again()} steps ran again`);
});

test('calls that wait end in their host when the runner dies, and the next one carries on', async (t) => {
  const [s, rows] = await begin(t, { RAWR_FUNCTION_WORKERS: '2', RAWR_LEASE: '1' }, 12, 200);
  const [workers, before] = [s.workers('inngest'), givenUp(s)];
  await freeze(s, rows, 100);
  await chaos.killRunner(s);
  await rows.all();
  rows.judge();
  const n = givenUp(s) - before;
  t.diagnostic(`${n} calls given up, ${rows.again()} steps ran again`);
  assert.ok(n > 0);
  assert.ok(rows.again() <= 12, 'more than the step that each had told of');
  assert.deepEqual(s.workers('inngest'), workers);
});

test('calls that waited too long for a runner that stands still are made again without a loss', async (t) => {
  const [s, rows] = await begin(t, { RAWR_FUNCTION_WORKERS: '2' }, 12, 200);
  const before = givenUp(s);
  await freeze(s, rows, 100);
  await system.until('the calls are given up', () => givenUp(s) - before >= 12);
  goOn(s);
  await rows.all();
  rows.judge();
  assert.equal(rows.again(), 0, 'what had been told was not recorded');
});
