// The system as a whole: up, down, side by side, and settings that are refused.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { gone } from '../faults/chaos.mjs';
import { digits, largeTimeline } from '../lib/large.mjs';
import { System, bin, chain, desk, root, until } from '../lib/system.mjs';

const processesOf = (dir) => fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
  try { return fs.readFileSync(`/proc/${p}/environ`, 'utf8').includes(`RAWR_VAR=${dir}\0`) || fs.readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(dir); } catch { return false; }
});

test('nothing is left running, and no socket, after down', async () => {
  const s = await System.start();
  assert.ok(processesOf(s.dir).length >= 10);
  await s.down();
  assert.deepEqual(processesOf(s.dir), []);
  assert.deepEqual(fs.readdirSync(path.join(s.dir, 'run')).filter((f) => f.endsWith('.sock') || f.endsWith('.pid')), []);
  await s.close();
});

test('two systems run side by side and share nothing', async () => {
  const [a, b] = [await System.start(), await System.start()];
  try {
    await a.rpc('coordination/saveWorkflow', { workflow: chain('wf-a', ['x']) });
    assert.equal((await a.rpc('coordination/listWorkflows', {})).json.json.workflows.length, 1);
    assert.equal((await b.rpc('coordination/listWorkflows', {})).json.json.workflows.length, 0);
  } finally { await a.close(); await b.close(); }
});

test('the store survives down and up', async () => {
  const s = await System.start();
  await s.rpc('coordination/saveWorkflow', { workflow: chain('wf-kept', ['x']) });
  await s.down();
  await s.up();
  assert.equal((await s.rpc('coordination/getWorkflow', { workflowId: 'wf-kept' })).status, 200);
  await s.close();
});

test('up starts what is not running and leaves the rest alone', async () => {
  const s = await System.start();
  const before = Object.fromEntries(['nginx', 'rpc', 'openapi', 'workflows', 'inngest', 'runner'].map((n) => [n, s.pid(n)]));
  for (const name of ['runner', 'inngest']) process.kill(before[name], 'SIGKILL');
  await until('both are gone', () => ['runner', 'inngest'].every((n) => gone(before[n])));
  await s.up();
  for (const name of ['nginx', 'rpc', 'openapi', 'workflows']) assert.equal(s.pid(name), before[name], name);
  for (const name of ['runner', 'inngest']) assert.ok(!gone(s.pid(name)), name);
  await s.rpc('coordination/saveWorkflow', { workflow: chain('wf-again', ['x']) });
  await s.rpc('coordination/queueRun', { workflowId: 'wf-again', runId: 'run-again', input: {} });
  assert.equal((await s.finish('run-again')).status, 'completed');
  await s.close();
});

for (const [name, value] of [['RAWR_PORT', '70000'], ['RAWR_WORKERS', 'many'], ['RAWR_AUTH', 'maybe'], ['RAWR_BASE_URL', 'ftp://x'], ['RAWR_FIRST_PARTY_FROM', '300.1.1.1']])
  test(`${name}=${value} stops every program with a message that names it`, () => {
    for (const program of ['rpc.fcgi', 'openapi.fcgi', 'workflows.fcgi', 'inngest.fcgi', 'rawr-runner']) {
      const r = spawnSync(path.join(bin, program), [], { env: { PATH: process.env.PATH, RAWR_VAR: '/nonexistent', [name]: value }, cwd: root, encoding: 'utf8', timeout: 10000 });
      if (name === 'RAWR_FIRST_PARTY_FROM' && program === 'rawr-runner') continue; // it serves nobody
      assert.notEqual(r.status, 0, program);
      assert.match(r.stderr, new RegExp(name), program);
    }
  });

test('make run saves a workflow, runs it to its end, prints it, and leaves on Ctrl-C', async () => {
  const s = await System.create();
  const p = spawn(path.join(root, 'cli/system.sh'), ['run'], { env: s.env, cwd: root, detached: true });
  let out = '';
  p.stdout.on('data', (d) => { out += d; });
  p.stderr.on('data', (d) => { out += d; });
  await until('the logs in the foreground', () => out.includes('logs follow'), 60);
  assert.match(out, /"status":"completed"/);
  assert.match(out, /"type":"run\.completed"/);
  assert.match(out, new RegExp(`http://127.0.0.1:${s.port}/api/orpc/openapi.json`));
  const ended = new Promise((r) => p.on('exit', r));
  process.kill(-p.pid, 'SIGINT');
  await ended;
  assert.deepEqual(processesOf(s.dir), []);
  await s.close();
});

test('rawr checks and backs up a live store, and the copy opens', async () => {
  const s = await System.start();
  await s.rpc('coordination/saveWorkflow', { workflow: chain('wf-b', ['x']) });
  assert.equal((await s.rawr('db', 'check')).code, 0);
  const copy = path.join(s.dir, 'copy.db');
  assert.equal((await s.rawr('db', 'backup', copy)).code, 0);
  const again = await s.rawr('db', 'backup', copy);
  assert.equal(again.code, 5);
  assert.equal(again.doc.error.code, 'CONFLICT');
  const doc = JSON.parse(execFileSync(path.join(bin, 'rawr'), ['--json', 'db', 'check'], { env: { ...s.env, RAWR_STORE: copy }, encoding: 'utf8' }));
  assert.equal(doc.result.integrity, 'ok');
  await s.close();
});

test('rawr says what is wrong in one JSON document, with a stable exit status', async () => {
  const s = await System.create();
  for (const [words, code] of [[['nothing'], 2], [['db', 'backup'], 2], [['setting', 'NO_SUCH'], 3], [['import', '/nonexistent'], 3], [['plugins', 'enable', 'no-such-plugin'], 3]]) {
    const r = await s.rawr(...words);
    assert.equal(r.code, code, words.join(' '));
    assert.equal(r.doc.ok, false);
    assert.ok(r.doc.error.code && r.doc.error.message);
  }
  fs.rmSync(s.dir, { recursive: true });
});

// Sanitizers keep what is freed for a while, so they are asked nothing.
test('a worker that served large requests gives their memory back', { skip: bin.endsWith('san') }, async () => {
  const s = await System.start({ RAWR_WORKERS: '1' });
  try {
    const [pid] = s.workers('rpc');
    const ownKb = () => Number(/^Private_Dirty:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
    const before = ownKb();
    // 400 KB of text that are 25 MB of objects.
    const many = Object.fromEntries(Array.from({ length: 30000 }, (_, i) => [`k${i}`, {}]));
    for (let i = 0; i < 3; i++) assert.equal((await s.rpc('coordination/getRunStatus', { runId: 'x', many })).status, 400);
    await until('less than 4 MB more', () => ownKb() - before < 4096);
    assert.deepEqual(s.workers('rpc'), [pid], 'the same worker');
  } finally { await s.close(); }
});

const ofMemory = (pid, what) => 1024 * Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
// What a worker held at most while it made an answer, beside what it held before.
async function peakOf(pid, ask) {
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5'); // VmHWM starts again
  const before = ofMemory(pid, 'VmRSS');
  const r = await ask();
  return { r, before, bytes: Buffer.byteLength(r.text), held: ofMemory(pid, 'VmHWM') - before };
}

test('a large answer of stored documents takes a worker no more than a small multiple of its bytes', { skip: bin.endsWith('san') }, async () => {
  const s = await System.start({ RAWR_WORKERS: '1' });
  try {
    const timeline = largeTimeline(path.join(s.dir, 'old'), 'run-large', 1000);
    assert.equal((await s.rawr('import', path.join(s.dir, 'old'))).doc.result.events, 1000);
    const workflows = Array.from({ length: 100 }, (_, i) => chain(`wf-${100 + i}`, ['x'], { desks: [desk('x', { inputSchema: { type: 'object', examples: digits(40000) } })] }));
    for (const workflow of workflows) assert.equal((await s.rpc('coordination/saveWorkflow', { workflow })).status, 200);
    for (const [name, ask, of, want] of [
      ['rpc', () => s.rpc('coordination/getRunTimeline', { runId: 'run-large' }), (r) => r.json.json.timeline, timeline],
      ['openapi', () => s.get('/api/orpc/coordination/runs/run-large/timeline'), (r) => r.json.timeline, timeline],
      ['rpc', () => s.rpc('coordination/listWorkflows', {}), (r) => r.json.json.workflows.map(({ updatedAt, ...w }) => w), workflows],
    ]) {
      const [pid] = s.workers(name);
      const { r, before, bytes, held } = await peakOf(pid, ask);
      assert.equal(r.status, 200, r.text.slice(0, 300));
      assert.ok(bytes > 8e6, `${bytes} bytes`);
      assert.deepEqual(of(r), want);
      assert.ok(held < 4 * bytes, `${held} bytes for an answer of ${bytes}`);
      assert.deepEqual(s.workers(name), [pid], 'the same worker');
      await until('less than 4 MB more', () => ofMemory(pid, 'VmRSS') - before < 4 << 20);
    }
  } finally { await s.close(); }
});

test('an answer that needs more memory than a request may have is an error of its own', async () => {
  const s = await System.start({ RAWR_WORKERS: '1' });
  try {
    largeTimeline(path.join(s.dir, 'old'), 'run-large', 1000);
    assert.equal((await s.rawr('import', path.join(s.dir, 'old'))).code, 0);
    const item = { url: `${s.base}/rpc/coordination/getRunTimeline`, method: 'POST', body: { json: { runId: 'run-large' } } };
    for (const mode of ['buffered', 'streaming']) {
      const r = await s.post('/rpc/__batch__', Array(10).fill(item), { 'x-orpc-batch': mode });
      assert.equal(r.status, 500);
      assert.equal(r.json.json.code, 'INTERNAL_SERVER_ERROR', r.text.slice(0, 300));
    }
    assert.equal((await s.rpc('coordination/getRunTimeline', { runId: 'run-large' })).json.json.timeline.length, 1000);
  } finally { await s.close(); }
});
