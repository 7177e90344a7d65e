// A disk that is full, or fails; locks that others hold; memory that is short.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System, bin, chain, root, until } from '../lib/system.mjs';
import { Clients, gone, start, workflows } from './chaos.mjs';
import { judge, one, rows, storeProgram } from './checker.mjs';
import { preload } from './native.mjs';

const soak = process.env.RAWR_SOAK !== undefined;
const json = { 'content-type': 'application/json' };

// ------------------------------------------------------------ a full disk

test('on a full disk writes are refused with 503 and say why, reads go on, and with room again all goes on by itself', async (t) => {
  const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'rawr-test', disk], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(disk);
    t.skip('no right to mount a disk');
    return;
  }
  const unmount = () => { execFileSync('umount', ['-l', disk]); fs.rmdirSync(disk); };
  let s;
  try { s = await start(t, { RAWR_STORE: path.join(disk, 'rawr.db'), RAWR_RETRY_INTERVAL: '1' }); } catch (e) { unmount(); throw e; }
  t.after(unmount);
  fs.symlinkSync(path.join(disk, 'rawr.db'), path.join(s.dir, 'rawr.db'));
  const c = new Clients(s, { clients: 6, least: 30 });
  await until('runs under way', () => c.acked() > 6);
  const ballast = path.join(disk, 'ballast');
  const fd = fs.openSync(ballast, 'w');
  let refused;
  await until('a refusal', async () => {
    try { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); } catch (e) { assert.equal(e.code, 'ENOSPC'); }
    const r = await s.post('/api/orpc/coordination/workflows', { workflow: chain('more', ['a'], { description: 'x'.repeat(200000) }) });
    if (r.status === 503) refused = r;
    else assert.equal(r.status, 200, r.text.slice(0, 300));
    return refused;
  }, 30);
  assert.equal(refused.json.code, 'SERVICE_UNAVAILABLE');
  assert.match(s.logs('openapi'), /the disk is full; nothing was written/);
  const read = await s.rpc('coordination/listWorkflows', {});
  assert.equal(read.status, 200, read.text);
  fs.closeSync(fd);
  fs.rmSync(ballast);
  // The log may have taken the room of the ballast: nothing moves it then.
  execFileSync('mount', ['-o', 'remount,size=64m', disk]);
  await c.stop();
  const n = await judge(s, workflows, c.log, 60);
  t.diagnostic(`${n} runs, ${c.retries} requests again`);
});

test('a runner outlasts a disk that is full for many turns, and then goes on with everything', async (t) => {
  const turns = 40; // in a row, of the runner alone: others write, and wake it
  const s = await start(t);
  process.kill(s.pid('runner'), 'SIGTERM');
  await until('the end of the runner', () => gone(s.pid('runner')));
  const full = path.join(s.dir, 'full');
  const p = s.startRunner({ LD_PRELOAD: preload('fault'), FAULT: 'write:1:ENOSPC:forever', FAULT_WHILE: full });
  const queue = async (runId) => assert.equal((await s.rpc('coordination/queueRun', { workflowId: 'line', runId, input: {} })).status, 200);
  await queue('before');
  await s.finish('before');
  fs.writeFileSync(full, '');
  const failed = () => s.logs('runner').match(/"event":"turn","why":"the disk is full; nothing was written"/g)?.length ?? 0;
  for (let i = 0; i < turns; i++) {
    await queue(`run-${i}`);
    await until(`turn ${i} fails, or the runner's end`, () => failed() > i || p.exitCode !== null);
    assert.equal(p.exitCode, null, `it left after ${i} turns`);
  }
  fs.rmSync(full);
  for (let i = 0; i < turns; i++) assert.equal((await s.finish(`run-${i}`)).status, 'completed');
  assert.equal(p.exitCode, null);
});

// ------------------------------------------------------------ foreign locks

// Why nobody may be refused, and not just few: of ours one writer at a time asks
// SQLite for its lock, for 1000 ms (HQ_BUSY_TIMEOUT_MS), and looks again every
// 100 ms at the latest (SQLite's busy handler).  So it finds it free if the
// foreign program holds it for less than 1000 ms and leaves it for more than
// 100; the others wait behind it, in their order, for RAWR_WRITE_WAIT.
const FOREIGN = { holds: 500, rests: 300, times: 15 };

test('a foreign program that takes the lock again and again delays writers, and none is refused', async (t) => {
  const s = await start(t, { RAWR_WRITE_WAIT: '20000' });
  const c = new Clients(s, { clients: 6, least: 30 });
  await new Promise((resolve, reject) => execFile(storeProgram('hold'), [path.join(s.dir, 'rawr.db'), 'write', ...Object.values(FOREIGN).map(String)], (e) => (e ? reject(e) : resolve())));
  await c.stop();
  const n = await judge(s, workflows, c.log, 60);
  const turns = s.logs('runner').match(/"event":"turn"/g)?.length ?? 0;
  t.diagnostic(`${n} runs, the lock taken ${FOREIGN.times} times`);
  assert.deepEqual({ requests: c.retries, turns }, { requests: 0, turns: 0 }, 'refused');
});

test('a reader that never ends lets the log grow to its limit, then writes are refused, until it leaves', async (t) => {
  const s = await start(t, { RAWR_WAL_MAX: '4194304', RAWR_WAL_WARN: '1048576' });
  const reader = spawn(storeProgram('hold'), [path.join(s.dir, 'rawr.db'), 'read'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => reader.kill());
  await new Promise((resolve) => reader.stdout.once('data', resolve));
  const save = (i) => s.rpc('coordination/saveWorkflow', { workflow: chain(`w${i}`, ['a'], { description: 'x'.repeat(300000) }) });
  const acked = [];
  const refused = await until('a refusal', async () => {
    const r = await save(acked.length);
    if (r.status !== 200) return r;
    acked.push(`w${acked.length}`);
    return undefined;
  }, 40);
  assert.equal(refused.status, 503, refused.text);
  assert.match(s.logs('rpc'), /log is over its limit/);
  const size = fs.statSync(path.join(s.dir, 'rawr.db-wal')).size;
  assert.ok(size < 4194304 + (2 << 20), `${size} bytes of log`);
  await until('the warning', () => /"event":"wal_large"/.test(s.logs('runner')));
  assert.equal((await s.rpc('coordination/listWorkflows', {})).status, 200);
  reader.stdin.end();
  await until('a write that is taken', async () => (await save('-last')).status === 200, 30);
  for (const id of acked) assert.equal(one(s, `SELECT json_array(count(*)) FROM coordination_workflow WHERE workflow_id = '${id}'`)[0], 1);
});

test('a runner that starts with the log over its limit waits for the reader that keeps it so, and empties it', async (t) => {
  const s = await start(t, { RAWR_WAL_MAX: '4194304' });
  process.kill(s.pid('runner'), 'SIGKILL');
  await until('the end of the runner', () => gone(s.pid('runner')));
  const reader = spawn(storeProgram('hold'), [path.join(s.dir, 'rawr.db'), 'read'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => reader.kill());
  await new Promise((resolve) => reader.stdout.once('data', resolve));
  const save = (i) => s.rpc('coordination/saveWorkflow', { workflow: chain(`w${i}`, ['a'], { description: 'x'.repeat(300000) }) });
  let n = 0;
  await until('a refusal', async () => (await save(n++)).status === 503, 40);
  const p = s.startRunner();
  await until('it waits', () => /"event":"not_yet"/.test(s.logs('runner')) || p.exitCode !== null);
  assert.equal(p.exitCode, null, 'it left');
  reader.stdin.end();
  await until('a write that is taken', async () => (await save('-last')).status === 200, 30);
  assert.equal((await s.rpc('coordination/queueRun', { workflowId: 'line', runId: 'after', input: {} })).status, 200);
  assert.equal((await s.finish('after')).status, 'completed');
});

// --------------------------------------------- the n-th call of a program

// One request to a responder as a CGI, with a fault.  hit: whether it struck.
function request(s, responder, fault, uri, body) {
  const mark = path.join(s.dir, 'hit');
  fs.rmSync(mark, { force: true });
  const env = { ...s.env, REMOTE_ADDR: '127.0.0.1', LD_PRELOAD: preload('fault'), FAULT: fault, FAULT_HIT: mark, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'POST',
    REQUEST_URI: uri, CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(Buffer.byteLength(body)) };
  return new Promise((resolve) => {
    const p = execFile(path.join(bin, `${responder}.fcgi`), [], { env, cwd: root, timeout: 30000, maxBuffer: 16 << 20 }, (e, out, log) => {
      const status = Number(/^Status: (\d+)/m.exec(out)?.[1] ?? (out.includes('\r\n\r\n') ? 200 : 0));
      resolve({ status, out, log, code: e?.code ?? 0, signal: e?.signal ?? null, hit: fs.existsSync(mark) });
    });
    p.stdin.on('error', () => {});
    p.stdin.end(body);
  });
}

// An answer is whole and true.  Without one, the program left by itself, with a
// line that says why: status 1, or an abort of ours.
function judgeRequest(what, r, stored) {
  if (r.status === 200) {
    assert.ok(stored, `${what}: acknowledged and not there`);
    assert.match(r.out, new RegExp(`"runId":"${what}"`), `${what}: half an answer`);
    JSON.parse(r.out.slice(r.out.indexOf('\r\n\r\n')));
    return;
  }
  assert.ok(r.status !== 503 || !stored, `${what}: refused, and there`);
  if (r.status !== 0) { assert.ok([500, 503].includes(r.status), `${what}: ${r.status} ${r.out}`); return; }
  const line = r.log.trim().split('\n').at(-1);
  const last = line.startsWith('{') ? JSON.parse(line) : { line };
  if (r.signal !== null) assert.deepEqual([r.signal, last.event], ['SIGABRT', 'bug'], `${what}: ${r.log}`);
  else assert.deepEqual([r.code, last.level], [1, 'error'], `${what}: ${r.log}`);
}

const calls = {
  rpc: (id) => ['/rpc/coordination/queueRun', JSON.stringify({ json: { workflowId: 'line', runId: id, input: { t: 1 } } })],
  openapi: (id) => ['/api/orpc/coordination/workflows/line/run', JSON.stringify({ runId: id, input: { t: 1 } })],
  workflows: (id) => ['/api/workflows/coordination/workflows/line/run', JSON.stringify({ runId: id, input: { t: 1 } })],
};

// The rows of a run: its own, its timeline, the event that starts it.
const left = (s, id) => one(s, `SELECT json_array((SELECT count(*) FROM coordination_run WHERE run_id = '${id}'),
  (SELECT count(*) FROM coordination_timeline WHERE run_id = '${id}'), (SELECT count(*) FROM engine_event WHERE instr(data, '"${id}"') > 0))`);

// near: more places than one in `stride` among the last ones, of the request itself.
async function sweep(s, responder, kind, error, stride, near = { last: 0 }) {
  const plain = `run-${responder}-${kind}-${error.replace(':', '-').toLowerCase()}-plain`;
  const undisturbed = await request(s, responder, `${kind}:999999999:${error}`, ...calls[responder](plain));
  assert.equal(undisturbed.status, 200, undisturbed.out + undisturbed.log);
  const whole = left(s, plain);
  assert.ok(whole.every((n) => n > 0), String(whole));
  let hits = 0;
  const strike = async (n) => {
    const id = `run-${responder}-${kind}-${error}-${n}`.replaceAll(':', '-').toLowerCase();
    const r = await request(s, responder, `${kind}:${n}:${error}`, ...calls[responder](id));
    if (!r.hit) return false;
    hits++;
    const [run, ...rest] = left(s, id);
    if (run > 0) assert.deepEqual([run, ...rest], whole, `${id}: half of it was written`);
    else assert.deepEqual(rest, [0, 0], `${id}: half of it was written`);
    judgeRequest(id, r, run === 1);
    return true;
  };
  let n = 1;
  while (await strike(n)) n += soak ? 1 : stride;
  if (!soak && near.last > 0) for (let m = Math.max(2, n - stride - near.last); m < n; m += near.stride) if (m % stride !== 1) await strike(m);
  assert.ok(hits > 0, `${kind} of ${responder} was never hit`);
  return hits;
}

test('whichever call to the disk fails in a responder, its answer is true and nothing is half written', async (t) => {
  const s = await start(t, { RAWR_RUNNER: 'off' });
  let hits = 0;
  for (const responder of Object.keys(calls))
    for (const [kind, error, stride] of [['write', 'EIO', 5], ['write', 'ENOSPC', 5], ['write', 'SHORT', 5], ['write', 'ENOSPC:forever', 9], ['sync', 'EIO', 1], ['open', 'EIO', 1]])
      hits += await sweep(s, responder, kind, error, stride);
  t.diagnostic(`${hits} faults`);
  assert.equal((await s.rawr('db', 'check')).code, 0);
});

test('whichever allocation fails in a responder, it gives an error or dies with a word, and nothing is half written', async (t) => {
  const s = await start(t, { RAWR_RUNNER: 'off' });
  let hits = 0;
  for (const responder of Object.keys(calls)) hits += await sweep(s, responder, 'malloc', 'ENOMEM', 307, { last: 300, stride: 7 });
  t.diagnostic(`${hits} faults`);
  assert.equal((await s.rawr('db', 'check')).code, 0);
});

test('a runner whose disk fails at any write or sync leaves with a word, and the next one finishes every run', async (t) => {
  const s = await start(t);
  const c = new Clients(s, { clients: 6, least: 20 });
  let ends = 0;
  for (const [kind, error] of [['write', 'EIO'], ['write', 'ENOSPC'], ['write', 'SHORT'], ['sync', 'EIO'], ['truncate', 'EIO'], ['open', 'EIO']])
    for (const n of [1, 3, 20, 90]) {
      process.kill(s.pid('runner'), 'SIGTERM');
      await until('the end of the runner', () => !fs.existsSync(`/proc/${s.pid('runner')}`) || /\) Z /.test(fs.readFileSync(`/proc/${s.pid('runner')}/stat`, 'utf8')));
      const p = s.startRunner({ LD_PRELOAD: preload('fault'), FAULT: `${kind}:${n}:${error}`, FAULT_HIT: path.join(s.dir, 'hit') });
      const goal = c.acked() + 1;
      await until('its end, or progress', () => p.exitCode !== null || p.signalCode !== null || c.acked() > goal, 20);
      if (p.exitCode === null && p.signalCode === null) continue;
      ends++;
      assert.equal(p.signalCode, null, `${kind}:${n}:${error}`);
      assert.equal(p.exitCode, 1, `${kind}:${n}:${error}`);
      assert.match(s.logs('runner').trim().split('\n').at(-1), /"event":"failed"/);
      s.startRunner();
    }
  await c.stop();
  const n = await judge(s, workflows, c.log, 60);
  t.diagnostic(`${n} runs, ${ends} runners left`);
  assert.ok(ends > 0);
});
