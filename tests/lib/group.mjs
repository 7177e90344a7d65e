// One worker, connections that it has accepted, and requests that are all there
// when it looks: the writes among them share a commit.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Peer } from './fcgi.mjs';
import { System, chain, until } from './system.mjs';

export const save = (workflowId) => ['coordination/saveWorkflow', { workflow: chain(workflowId, ['a']) }];
export const queue = (runId, workflowId = 'line') => ['coordination/queueRun', { workflowId, runId, input: {} }];

// Commits in the store's log: frames that say how large the store is now.
export function commits(s) {
  const log = fs.readFileSync(path.join(s.dir, 'rawr.db-wal'));
  const frame = 24 + log.readUInt32BE(8);
  let n = 0;
  for (let at = 32; at + frame <= log.length; at += frame)
    if (log.subarray(at + 8, at + 16).equals(log.subarray(16, 24)) && log.readUInt32BE(at + 4) > 0) n++;
  return n;
}
export const state = (pid) => { try { return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0]; } catch { return 'X'; } };
export const gone = (pid) => 'XZ'.includes(state(pid));

// Nobody writes but one worker of rpc.
export async function alone(t, n, env = {}) {
  const s = await System.start({ RAWR_WORKERS: '1', ...env });
  t.after(() => s.close());
  for (const id of ['line', 'other']) assert.equal((await s.rpc(...save(id))).status, 200);
  const runner = s.pid('runner');
  process.kill(runner);
  await until('the end of the runner', () => gone(runner));
  const peers = await Promise.all(Array.from({ length: n }, () => Peer.open(s, 'rpc')));
  t.after(() => peers.forEach((p) => p.close()));
  for (const p of peers) assert.equal((await p.ask('GET', '/health')).status, 200);
  return { s, peers, worker: s.workers('rpc')[0] };
}

// Requests, each a [procedure, input] or a function of the peer, the i-th from
// the i-th peer; the promises of their answers.  halfway: done when half of them
// are there.
export async function sendTogether({ peers, worker }, requests, halfway = () => {}) {
  const sent = [];
  process.kill(worker, 'SIGSTOP');
  try {
    await until('the worker stands still', () => state(worker) === 'T');
    for (const [i, r] of requests.entries()) {
      if (i === requests.length >> 1) await halfway();
      sent.push((await (typeof r === 'function' ? r(peers[i]) : peers[i].rpc(...r))).answer);
    }
  } finally {
    process.kill(worker, 'SIGCONT');
  }
  return sent;
}
export const together = async (w, requests) => Promise.all(await sendTogether(w, requests));
