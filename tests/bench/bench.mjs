// bench.mjs DIRECTORY - every figure in one run, sides in turns, as ratios.
// The programs are RAWR_BIN's, the data is below TMPDIR (run.sh sets both).
// BENCH_ONLY=reads,durable names the parts that are wanted, of those in
// `everything`; "all" has the slow ones too.
import assert from 'node:assert/strict';
import nodeOs from 'node:os';
import fs from 'node:fs';
import path from 'node:path';
import { System, chain, until } from '../lib/system.mjs';
import { inTurns, median, pssBytes, run, series, writtenBytes, cpuSeconds } from './measure.mjs';
import { engines } from './engines.mjs';
import { RPC, SAVE, Others } from './others.mjs';
import { sleepers, waiting } from './scale.mjs';
import { sdk } from './sdk.mjs';
import { Table, k, kb, mb, ms, us } from './table.mjs';

const ROUNDS = 3, STARTS = 3, AT_ONCE = 50, STEPS = 5;
const REFERENCE = 'the reference', LEAN = 'oRPC alone, lean';
const OURS = ['rpc', 'openapi', 'workflows', 'inngest', 'runner'];
const dir = process.argv[2];
const bin = (name) => path.join(dir, 'bin', name);

async function timed(what) {
  const start = process.hrtime.bigint();
  await what();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

// -------------------------------------------------------------- what is read

const ours = (sys) => OURS.map((name) => sys.pid(name));
const withNginx = (sys, roots) => [sys.pid('nginx'), ...roots];
const statusPath = (runId) => `/api/orpc/coordination/runs/${runId}`;
const statusBody = (runId) => JSON.stringify({ json: { runId } });

const sides = (sys, others) => [[sys.port, ''], ...Object.values(others.peers).map(({ prefix }) => [others.port, prefix])];

async function completedRun(sys, others) {
  const runId = 'run-bench', workflow = chain('wf-bench', ['a', 'b', 'c']);
  assert.equal((await sys.rpc('coordination/saveWorkflow', { workflow })).status, 200);
  assert.equal((await sys.rpc('coordination/queueRun', { workflowId: 'wf-bench', runId, input: { version: '1.4.0' } })).status, 200);
  const stored = await sys.finish(runId);
  assert.equal(stored.status, 'completed');
  others.storeRun(stored);
  for (const [port, prefix] of sides(sys, others)) {
    const at = (p) => `${prefix}${p}`;
    const rpc = await sys.request('POST', at(RPC), { port, headers: { 'content-type': 'application/json' }, body: statusBody(runId) });
    const api = await sys.request('GET', at(statusPath(runId)), { port });
    assert.deepEqual([rpc.status, rpc.json], [200, { json: { run: stored } }], at(RPC));
    assert.deepEqual([api.status, api.json], [200, { run: stored }], at(statusPath(runId)));
  }
  return runId;
}

// -------------------------------------------------------------------- figures

async function reads(sys, others, runId, table) {
  const get = (url, roots) => () => series({ url, processes: withNginx(sys, roots) });
  const post = (url, roots) => () => series({ url, body: statusBody(runId), processes: withNginx(sys, roots) });
  const r = await inTurns({
    ceiling: get(`${others.base}/ceiling`, []),
    hello: get(`${others.base}/hello`, [others.hello.pid]),
    rpc: post(sys.base + RPC, [sys.pid('rpc')]),
    api: get(sys.base + statusPath(runId), [sys.pid('openapi')]),
    ...Object.fromEntries(Object.entries(others.peers).flatMap(([kind, { prefix, process }]) => [
      [`${kind}Rpc`, post(`${others.base}${prefix}${RPC}`, [process.pid])],
      [`${kind}Api`, get(`${others.base}${prefix}${statusPath(runId)}`, [process.pid])],
    ])),
  }, ROUNDS);
  table.ratio('nginx alone (hello beside it)', k, r.ceiling.perSecond, 'hello', r.hello.perSecond, {});
  for (const [name, mine, reference, lean] of [['RPC read', r.rpc, r.referenceRpc, r.leanRpc], ['OpenAPI read', r.api, r.referenceApi, r.leanApi]]) {
    table.ratio(name, k, mine.perSecond, 'hello', r.hello.perSecond, { least: 0.75 });
    table.ratio(name, k, mine.perSecond, REFERENCE, reference.perSecond, { least: 3 });
    table.ratio(name, k, mine.perSecond, LEAN, lean.perSecond, {});
    table.ratio(`${name}, CPU with nginx`, us, mine.cpuUs, 'hello', r.hello.cpuUs, {});
    table.ratio(`${name}, CPU with nginx`, us, mine.cpuUs, REFERENCE, reference.cpuUs, { most: 0.25 });
    table.ratio(`${name}, CPU with nginx`, us, mine.cpuUs, LEAN, lean.cpuUs, {});
  }
  const one = await inTurns({
    rpc: () => series({ url: sys.base + RPC, body: statusBody(runId), connections: 1, seconds: 1 }),
    reference: () => series({ url: `${others.base}/reference${RPC}`, body: statusBody(runId), connections: 1, seconds: 1 }),
    lean: () => series({ url: `${others.base}/lean${RPC}`, body: statusBody(runId), connections: 1, seconds: 1 }),
  }, ROUNDS);
  table.ratio('RPC read, one client, p50', ms, one.rpc.p50Ms, REFERENCE, one.reference.p50Ms, { most: 0.4 });
  table.ratio('RPC read, one client, p50', ms, one.rpc.p50Ms, LEAN, one.lean.p50Ms, {});
}

// A valid workflow of about 3 KB whose id is to be filled in.
function template() {
  const workflow = chain('@ID@', Array.from({ length: 10 }, (_, i) => `desk-${i}`), { name: 'Bench', description: 'd'.repeat(300) });
  const file = path.join(dir, 'workflow.json'), text = JSON.stringify({ json: { workflow } });
  assert.ok(text.length > 2800 && text.length < 3400, `${text.length} bytes`);
  assert.equal(text.split('@ID@').length, 2);
  fs.writeFileSync(file, text);
  return { file, text };
}

let n_commits = 0;
async function commit() {
  const db = path.join(dir, `commit-${process.pid}-${n_commits++}.db`);
  const perSecond = Number(await run(bin('commit'), [db, 2]));
  for (const tail of ['', '-wal', '-shm']) fs.rmSync(db + tail, { force: true });
  return { perSecond };
}

async function writes(sys, others, { file, text }, table) {
  for (const [port, prefix] of sides(sys, others)) {
    const answer = await sys.request('POST', prefix + SAVE, { port, headers: { 'content-type': 'application/json' }, body: text.replace('@ID@', 'wf-written') });
    assert.deepEqual([answer.status, answer.json.json.workflow.workflowId], [200, 'wf-written']);
    const bad = await sys.request('POST', prefix + SAVE, { port, headers: { 'content-type': 'application/json' }, body: text.replace('@ID@', ' ') });
    assert.equal(bad.status, 400, 'a bad workflow is refused');
  }
  assert.ok(others.hasWorkflow('wf-written'));
  assert.equal((await sys.get('/api/orpc/coordination/workflows/wf-written')).status, 200);
  const r = await inTurns({
    ours: () => series({ url: sys.base + SAVE, template: file, connections: 8 }),
    reference: () => series({ url: `${others.base}/reference${SAVE}`, template: file, connections: 8 }),
    lean: () => series({ url: `${others.base}/lean${SAVE}`, template: file, connections: 8 }),
    commit,
  }, ROUNDS);
  table.ratio('save a workflow of 3 KB, fsynced', k, r.ours.perSecond, `${REFERENCE}, no fsync`, r.reference.perSecond, { least: 1.5 });
  table.ratio('save a workflow of 3 KB, fsynced', k, r.ours.perSecond, `${LEAN}, no fsync`, r.lean.perSecond, {});
  table.ratio('save a workflow of 3 KB, fsynced', k, r.ours.perSecond, 'SQLite commit', r.commit.perSecond, { least: 0.9 });
}

async function contention(table) {
  const db = path.join(dir, `writers-${process.pid}.db`);
  const r = JSON.parse(await run(bin('writers'), [db, 4, 10]));
  for (const tail of ['', '-wal', '-shm', '-lock']) fs.rmSync(db + tail, { force: true });
  table.figure('4 writers, 10 s, worst wait', ms, r.worstMs, { most: 50 }, `${k(r.perSecond)} together`);
  table.ratio('4 writers, the unluckiest', (n) => `${n} commits`, r.least, 'luckiest', r.most, { least: 0.5 });
}

async function bench(sys, name, input) {
  const r = await sys.rpc(`bench/${name}`, input);
  if (r.status !== 200) throw new Error(`bench/${name}: ${r.status} ${r.text}`);
  return r.json.json;
}
const counts = (sys, all = false) => bench(sys, 'counts', { all });

// Start runs, see them all end: steps per second.
async function drain(sys, runs, bytes = 0) {
  const before = (await counts(sys, true)).completed;
  const took = await timed(async () => {
    await bench(sys, 'start', { runs, bytes });
    await until('the end of all runs', async () => (await counts(sys)).pending === 0, 60);
  });
  assert.equal((await counts(sys, true)).completed - before, runs, 'every run has completed');
  return { perSecond: (runs * STEPS * 1000) / took };
}

async function one(sys, n) {
  const took = [];
  for (let i = 0; i < n; i++) took.push((await bench(sys, 'one', { bytes: 0 })).us / 1000);
  return median(took);
}

async function durable(sys, table) {
  const roots = ours(sys);
  await drain(sys, AT_ONCE);
  const commits = (await commit()).perSecond;
  const used = cpuSeconds(roots);
  const { steps } = await inTurns({ steps: () => drain(sys, 500) }, ROUNDS);
  const cpuUs = ((cpuSeconds(roots) - used) * 1e6) / (ROUNDS * 500 * STEPS);
  table.figure(`durable steps, ${AT_ONCE} runs at once`, k, steps.perSecond, { least: 12000 }, `${(steps.perSecond / commits).toFixed(2)} of SQLite's commits`);
  table.figure('durable step, CPU', us, cpuUs);
  table.figure('one run of 5 steps, idle, p50', ms, await one(sys, 50), { most: 3 });
  // The log has been moved into the file when nothing has been written for a
  // while: the runner looks every second.
  const settle = async () => {
    let seen = -1, since = 0;
    await until('an end of writing', () => {
      const now = writtenBytes(roots);
      if (now !== seen) [seen, since] = [now, Date.now()];
      return Date.now() - since > 2500;
    }, 30);
  };
  await settle();
  const written = writtenBytes(roots);
  await drain(sys, 500, 200);
  await settle();
  table.figure('disk written per run, 1 KB of state', kb, (writtenBytes(roots) - written) / 500, { most: 12 * 1024 });
}

// Reads, writes and runs at the same time, and what it takes meanwhile.
async function memory(sys, runId, file, idle, table) {
  let most = 0;
  const look = setInterval(() => { most = Math.max(most, pssBytes(ours(sys))); }, 200);
  try {
    await Promise.all([
      series({ url: sys.base + RPC, body: statusBody(runId), connections: 64 }),
      series({ url: sys.base + statusPath(runId), connections: 64 }),
      series({ url: sys.base + SAVE, template: file, connections: 8 }),
      drain(sys, 200, 200),
    ]);
  } finally { clearInterval(look); }
  const nginx = `nginx ${mb(pssBytes([sys.pid('nginx')]))} besides`;
  table.figure('memory (PSS), idle', mb, idle, { most: 25 * 1048576 }, nginx);
  table.figure('memory (PSS), under load', mb, most, { most: 60 * 1048576 }, nginx);
}

// What a read, a queued run and a step cost with many runs stored, beside few.
async function growth(sys, runId, table) {
  const CHUNK = 10000, FEW = 1000, MANY = Number(process.env.BENCH_STORED ?? 1000000);
  const queued = path.join(dir, 'queue.json');
  fs.writeFileSync(queued, JSON.stringify({ json: { workflowId: 'wf-bench', runId: '@ID@', input: {} } }));
  const ended = () => until('the end of all runs', async () => (await counts(sys)).pending === 0, 120);
  const queue = async () => {
    const r = await series({ url: `${sys.base}/rpc/coordination/queueRun`, template: queued, connections: 8, seconds: 1 });
    await ended();
    return r;
  };
  const all = () => inTurns({
    read: () => series({ url: sys.base + RPC, body: statusBody(runId) }),
    queue,
    steps: () => drain(sys, 500),
  }, ROUNDS);
  const fill = async (from, to) => {
    for (let at = from; at < to; at += CHUNK) await bench(sys, 'grow', { runId, from: at, copies: Math.min(CHUNK, to - at) });
  };
  await fill(0, FEW);
  const few = await all();
  await fill(FEW, MANY);
  assert.ok((await counts(sys, true)).completed >= MANY - FEW, 'they are there');
  const many = await all();
  for (const [name, side] of [['RPC read', 'read'], ['runs queued', 'queue'], ['durable steps', 'steps']])
    table.ratio(`${name}, ${MANY} runs stored`, k, many[side].perSecond, `${FEW} runs`, few[side].perSecond, { least: MANY > 1000000 ? 1 / 1.5 : 1 / 1.2 });
}

// ------------------------------------------------------------------- the run

async function starts(sys) {
  const took = [];
  for (let i = 0; i < STARTS; i++) {
    if (i > 0) await sys.down();
    took.push(await timed(() => sys.up()));
  }
  return median(took);
}

const load = () => `load ${nodeOs.loadavg().map((n) => n.toFixed(2)).join(' ')}`;

async function everything(sys, others) {
  const start = await starts(sys);
  const runId = await completedRun(sys, others);
  const idle = pssBytes(ours(sys));
  const table = new Table(), saved = template();
  const parts = {
    reads: () => reads(sys, others, runId, table),
    writes: () => writes(sys, others, saved, table),
    contention: () => contention(table),
    durable: () => durable(sys, table),
    memory: () => memory(sys, runId, saved.file, idle, table),
    start: () => table.figure('start of the whole system', ms, start, { most: 250 }),
  };
  const slow = {
    growth: () => growth(sys, runId, table),
    waiting: () => waiting(sys, table, { template: saved.file }),
    sleepers: () => sleepers(sys, table, bench, { sleeping: Number(process.env.BENCH_SLEEPERS ?? 1000000) }),
    sdk: () => sdk(table),
    engines: () => engines(dir, { drain: () => drain(sys, 300), one: async () => ({ p50Ms: await one(sys, 20) }) }, table),
  };
  const only = process.env.BENCH_ONLY ?? Object.keys(parts).join();
  Object.assign(parts, slow);
  for (const part of only === 'all' ? Object.keys(parts) : only.split(',')) await parts[part]();
  console.log(`\n${table.met} met, ${table.missed} missed; ${nodeOs.cpus().length} processors, ${load()} at the end`);
}

console.log(`${load()} at the start\n`);
const sys = await System.create({ RAWR_CONCURRENCY: String(AT_ONCE) });
const others = await Others.create(sys, dir);
try {
  await others.start();
  await everything(sys, others);
  await sys.close();
} catch (e) {
  console.error(`${e.stack}\n(the logs are in ${sys.dir}/log)`);
  process.exitCode = 1;
  await sys.down();
} finally { others.stop(); }
