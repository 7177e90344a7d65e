// A system with much of everything: requests that wait, runs that sleep.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { until } from '../lib/system.mjs';
import { cpuSeconds, median, pssBytes, series } from './measure.mjs';
import { mb, ms } from './table.mjs';

const CLAIM = '/api/workflows/coordination/tasks/claim';
const OURS = ['rpc', 'openapi', 'workflows', 'inngest', 'runner'];
const ours = (sys) => OURS.map((name) => sys.pid(name));

// nginx with room for so many clients and as many upstreams; `make up` has less.
export async function widen(sys, clients) {
  const conf = path.join(sys.dir, 'nginx/nginx.conf'), n = 2 * clients + 1024;
  const text = fs.readFileSync(conf, 'utf8').replace(/worker_connections \d+/, `worker_connections ${n}`).replace(/worker_rlimit_nofile \d+/, `worker_rlimit_nofile ${n + 64}`);
  fs.writeFileSync(conf, text);
  const workers = sys.workers('nginx').join(' ');
  process.kill(sys.pid('nginx'), 'SIGHUP');
  await until('new workers of nginx', () => sys.workers('nginx').length > 0 && !sys.workers('nginx').some((p) => workers.includes(String(p))));
}

// Claims that wait, each on a connection of its own, and anew when they are
// answered: {answered, close}.
export async function crowd(sys, n, { seconds = 30, kinds = 1 } = {}) {
  const sockets = [], state = { answered: 0, failed: 0 };
  for (let i = 0; i < n; i++) {
    const body = JSON.stringify({ agentId: `agent-${i}`, kind: `kind-${i % kinds}`, waitSeconds: seconds });
    const claim = `POST ${CLAIM} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const s = net.connect(sys.port, '127.0.0.1');
    s.on('error', () => { state.failed++; });
    s.on('data', (d) => {
      state[d.toString().startsWith('HTTP/1.1 200') ? 'answered' : 'failed']++;
      s.write(claim);
    });
    s.write(claim);
    sockets.push(s);
    if (i % 250 === 249) await until('the connections', () => sockets.every((x) => !x.connecting));
  }
  return { state, close: () => sockets.forEach((s) => s.destroy()) };
}

// Runs that sleep, most of them for long, and a thousand due each second.
export async function sleepers(sys, table, bench, { sleeping = 1000000, seconds = 20, perSecond = 1000 } = {}) {
  const CHUNK = 10000, far = Date.now() + 86400000, runner = [sys.pid('runner')];
  await bench(sys, 'naps', { atMs: far });
  await until('the first to sleep', async () => (await sys.rawr('db', 'shell', "SELECT count(*) AS n FROM engine_job WHERE kind = 1")).doc.result.rows[0].n === 1);
  const idle = pssBytes(runner);
  for (let at = 0; at < sleeping; at += CHUNK) await bench(sys, 'naps', { from: at, to: at + CHUNK, atMs: far, every: 0 });
  await rest(sys);
  const used = cpuSeconds(runner), since = Date.now();
  await until('ten seconds', () => Date.now() - since >= 10000);
  const name = `${sleeping} runs sleep`;
  table.figure(`${name}: CPU of the runner in 10 s`, ms, (cpuSeconds(runner) - used) * 1000, { most: 20 });
  table.figure(`${name}: memory of the runner`, mb, pssBytes(runner) - idle, { most: 2 * 1048576 }, `${mb(idle)} before`);
  const due = seconds * perSecond, at = Date.now() + 6000;
  for (let n = 0; n < due; n += CHUNK) await bench(sys, 'naps', { from: sleeping + n, to: Math.min(sleeping + n + CHUNK, sleeping + due), atMs: at - sleeping * (1000 / perSecond), every: 1000 / perSecond });
  assert.ok(Date.now() < at, 'they sleep before the first is due');
  await until('their end', async () => (await bench(sys, 'late', { percent: 99 })).ended === due, seconds + 30);
  for (const percent of [50, 99]) table.figure(`${perSecond} due per second: late, p${percent}`, ms, (await bench(sys, 'late', { percent })).ms, percent === 99 ? { most: 50 } : {});
}

// The log has been moved into the file, and nobody writes.
async function rest(sys) {
  let last = '', at = Date.now();
  await until('rest', () => {
    const now = fs.readFileSync(`/proc/${sys.pid('runner')}/io`, 'utf8').split('\n').filter((l) => l.includes('write')).join();
    if (now !== last) [last, at] = [now, Date.now()];
    return Date.now() - at > 2500;
  }, 60);
}

const waitingNow = (sys) => fs.readFileSync('/proc/net/unix', 'utf8').split('\n').filter((l) => l.endsWith(`${sys.dir}/run/workflows.sock`) && / 0001 03 /.test(l)).length;

// A request of the same responder: by itself, beside commits, and while every
// worker is replaced: medians of p99, for one that does not come back moves it.
async function others(sys, template, rounds = 5) {
  const look = async (seconds) => series({ url: `${sys.base}/api/workflows/coordination/tasks?limit=1`, connections: 8, seconds });
  const save = async () => series({ url: `${sys.base}/rpc/coordination/saveWorkflow`, template, connections: 4, seconds: 1 });
  const replaced = async () => {
    const before = sys.workers('workflows'), seen = look(3);
    process.kill(sys.pid('workflows'), 'SIGHUP');
    const s = await seen;
    await until('the end of those before', () => !sys.workers('workflows').some((p) => before.includes(p)));
    return s;
  };
  const p99 = async (n, what) => {
    const all = [];
    for (let i = 0; i < n; i++) all.push((await what()).p99Ms);
    return median(all);
  };
  await look(1);
  return {
    'p99': await p99(rounds, () => look(1)),
    'p99 beside commits': await p99(rounds, async () => (await Promise.all([look(1), save()]))[0]),
    'p99, workers replaced': await p99(3, replaced),
  };
}

// Claims that wait, and others beside them.  A worker is replaced only when it
// is asked: at this pace RAWR_RECYCLE would do so every few seconds.
export async function waiting(sys, table, { clients = 10000, template } = {}) {
  await sys.down();
  await sys.up({ RAWR_RECYCLE: '0' });
  await widen(sys, clients);
  for (const kinds of [1, 1000]) {
    const alone = await others(sys, template);
    const before = pssBytes(ours(sys));
    const c = await crowd(sys, clients, { kinds });
    await until(`${clients} that wait`, () => waitingNow(sys) >= clients, 20);
    const more = pssBytes(ours(sys)) - before;
    const cpu = cpuSeconds([sys.pid('workflows')]);
    const beside = await others(sys, template);
    const name = `${clients} claims wait, for ${kinds} things`;
    table.figure(`${name}: memory`, mb, more, { most: 20 * 1048576 }, `${c.state.answered} answered, ${c.state.failed} failed`);
    for (const [what, ms99] of Object.entries(beside)) table.ratio(`others' ${what}`, ms, ms99, 'alone', alone[what], { most: 1.5 });
    table.figure('CPU', ms, (cpuSeconds([sys.pid('workflows')]) - cpu) * 1000);
    c.close();
    await until('their end', () => waitingNow(sys) < 100, 20);
  }
  await sys.down();
  await sys.up();
}
