// Requests that are there together read one snapshot of the store.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Peer } from '../lib/fcgi.mjs';
import { System, chain, until } from '../lib/system.mjs';

const AT_ONCE = 24, STORED = 100, BYTES = 4000;
const LIST = ['coordination/listWorkflows', {}];
const state = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0];
const has = (answer, id) => answer.json.json.workflows.some((w) => w.workflowId === id);

async function start(t) {
  const s = await System.start({ RAWR_WORKERS: '1' });
  t.after(() => s.close());
  const peers = await Promise.all(Array.from({ length: AT_ONCE }, () => Peer.open(s, 'rpc')));
  t.after(() => peers.forEach((p) => p.close()));
  for (const p of peers) assert.equal((await p.ask('GET', '/health')).status, 200);
  return { s, peers, worker: s.workers('rpc')[0] };
}
// By another process than the one that reads.
async function save(s, id) {
  const workflow = chain(id, ['a', 'b'], { description: 'd'.repeat(BYTES) });
  assert.equal((await s.post('/api/orpc/coordination/workflows', { workflow })).status, 200);
}
// A request on every connection, all there when the worker looks.
async function together({ peers, worker }, more = () => {}) {
  process.kill(worker, 'SIGSTOP');
  try {
    await until('the worker stands still', () => state(worker) === 'T');
    const sent = [];
    for (const p of peers) sent.push((await p.rpc(...LIST)).answer);
    await more();
    return sent;
  } finally { process.kill(worker, 'SIGCONT'); }
}

test('a request sent when a write had been acknowledged reads it, though it is handled among others that read as of before', async (t) => {
  const w = await start(t);
  for (let i = 0; i < STORED; i++) await save(w.s, `wf-${i}`);
  let r = 0;
  await until('a write is acknowledged while requests read as of before', async () => {
    const id = `new-${r++}`;
    let late, over = false;
    // Accepted after all of them have been seen.
    const sent = await together(w, async () => { late = await Peer.open(w.s, 'rpc'); });
    sent.at(-1).then(() => { over = true; });
    await sent[0];
    await save(w.s, id);
    const inTime = !over;
    const answer = await (await late.rpc(...LIST)).answer;
    late.close();
    assert.ok(has(answer, id), 'it reads what had been acknowledged');
    return inTime && !has(await sent.at(-1), id);
  }, 60);
});

// SQLite's read marks are bytes 123 to 127 of the log's index.
function snapshots(s, pid) {
  const { ino } = fs.statSync(path.join(s.dir, 'rawr.db-shm'));
  const locks = fs.readFileSync('/proc/locks', 'utf8').trim().split('\n').map((l) => l.split(/[\s:]+/));
  return locks.filter((l) => Number(l[4]) === pid && Number(l[7]) === ino && l[8] >= 123 && l[8] <= 127).length;
}

test('a worker that waits for requests keeps no snapshot of those that came together', async (t) => {
  const w = await start(t);
  for (const a of await Promise.all(await together(w))) assert.equal(a.status, 200);
  await until('it keeps none', () => snapshots(w.s, w.worker) === 0);
});
