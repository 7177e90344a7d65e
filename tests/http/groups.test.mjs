// Whatever ends in the midst of a group of writes, each is wholly there or not
// at all, and what was acknowledged is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { one, storeProgram } from '../faults/checker.mjs';
import { alone, gone, queue, sendTogether, together } from '../lib/group.mjs';
import { until } from '../lib/system.mjs';

const WRITERS = 8, LARGE = 200000;
const TICK_MS = 100; // HQ_SERVE_TICK_MS
const OK = Array(WRITERS).fill(200);
const ids = Array.from({ length: WRITERS }, (_, i) => `run-${i}`);
const statuses = (answers) => answers.map((a) => a?.status);
// Nobody waits for an answer for ever.
async function answersTo(sent) {
  let all;
  Promise.all(sent).then((v) => { all = v; });
  return until('all are answered, or told that they are not', () => all, 60);
}
const open = (t) => alone(t, WRITERS, { RAWR_WRITE_WAIT: '60000' });

// The rows of a run: its own, its timeline, the event that starts it.
const written = (s, id) => one(s, `SELECT json_array((SELECT count(*) FROM coordination_run WHERE run_id = '${id}'),
  (SELECT count(*) FROM coordination_timeline WHERE run_id = '${id}'), (SELECT count(*) FROM engine_event WHERE instr(data, '"${id}"') > 0))`);
const WHOLE = [1, 1, 1], NOTHING = [0, 0, 0];

// A foreign program has the turn to write: a group waits for it to be over.
async function holdTurn(t, s) {
  const holder = spawn(storeProgram('hold'), [path.join(s.dir, 'rawr.db'), 'turn'], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => holder.kill());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const { ino } = fs.statSync(path.join(s.dir, 'rawr.db-lock'));
  return {
    awaited: () => until('a writer waits for its turn', () => new RegExp(`-> OFDLCK .*:${ino} `).test(fs.readFileSync('/proc/locks', 'utf8'))),
    over: () => holder.stdin.end(),
  };
}

test('of writers who share a commit, one who closes before it is answered like nobody, and the others like always', async (t) => {
  const w = await open(t);
  const turn = await holdTurn(t, w.s);
  const sent = await sendTogether(w, ids.map((id) => queue(id)));
  await turn.awaited();
  w.peers[0].close();
  w.peers[3].close();
  turn.over();
  const answers = await answersTo(sent);
  assert.deepEqual(statuses(answers), OK.map((v, i) => (i === 0 || i === 3 ? undefined : v)));
  for (const id of ids) assert.deepEqual(written(w.s, id), WHOLE, id);
  // The worker lives, and so do the connections of the others.
  assert.deepEqual(w.s.workers('rpc'), [w.worker]);
  for (const [i, p] of w.peers.entries()) if (i !== 0 && i !== 3) assert.equal((await p.ask('GET', '/health')).status, 200);
});

test('of writers who come at once, one whose request breaks off leaves nothing, and the others are stored', async (t) => {
  const w = await open(t);
  // So long that it is read before all of it is there; what is missing are spaces.
  const text = Buffer.from(JSON.stringify({ json: { workflowId: 'line', runId: ids[3], input: {} } }).padEnd(LARGE));
  const half = (peer) => peer.send('POST', '/rpc/coordination/queueRun', text, LARGE / 2);
  const sent = await sendTogether(w, ids.map((id, i) => (i === 3 ? half : queue(id))));
  w.peers[3].close();
  assert.deepEqual(statuses(await answersTo(sent)), OK.map((v, i) => (i === 3 ? undefined : v)));
  for (const [i, id] of ids.entries()) assert.deepEqual(written(w.s, id), i === 3 ? NOTHING : WHOLE, id);
  assert.deepEqual(w.s.workers('rpc'), [w.worker]);
});

// A process has been sent a signal, and has not yet taken it.
const pendingAt = (pid, signal) => {
  const set = /^ShdPnd:\t([0-9a-f]+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
  return (BigInt(`0x${set}`) >> BigInt(os.constants.signals[signal] - 1) & 1n) === 1n;
};
const told = async (w, pid, signal) => {
  process.kill(pid, signal);
  await until('the signal is at the worker', () => pendingAt(w.worker, signal));
};
// Who leaves closes the connections on which nothing has come for so long.
async function idle(w) {
  const since = Date.now();
  await until('the connections are idle', () => Date.now() - since > TICK_MS);
  return w;
}

for (const who of ['worker', 'responder']) {
  const victim = (w) => (who === 'worker' ? w.worker : w.s.pid('rpc'));

  test(`a ${who} that is told to leave while writes are gathered answers them all first`, async (t) => {
    const w = await idle(await open(t));
    const sent = await sendTogether(w, ids.map((id) => queue(id)), () => told(w, victim(w), 'SIGTERM'));
    assert.deepEqual(statuses(await answersTo(sent)), OK);
    await until('its end', () => gone(victim(w)) && gone(w.worker));
    for (const id of ids) assert.deepEqual(written(w.s, id), WHOLE, id);
  });

  test(`a ${who} that is told to leave while a group waits for its turn stores it, and whoever comes later is answered or may ask again`, async (t) => {
    const w = await open(t);
    const turn = await holdTurn(t, w.s);
    const sent = await sendTogether(w, ids.map((id) => queue(id)));
    await turn.awaited();
    await told(w, victim(w), 'SIGTERM');
    const late = ids.map((id) => w.s.rpc(...queue(`late-${id}`)));
    turn.over();
    assert.deepEqual(statuses(await answersTo(sent)), OK);
    await until('its end', () => gone(victim(w)) && gone(w.worker));
    for (const id of ids) assert.deepEqual(written(w.s, id), WHOLE, id);
    for (const [i, a] of (await Promise.all(late)).entries()) {
      assert.ok([200, 502, 503].includes(a.status), a.text);
      const rows = written(w.s, `late-${ids[i]}`);
      if (a.status === 200 || rows[0] > 0) assert.deepEqual(rows, WHOLE);
      else assert.deepEqual(rows, NOTHING);
    }
  });
}

test('a worker that is to be replaced while writes are gathered answers them all, and hands their connections on', async (t) => {
  const w = await idle(await open(t));
  const sent = await sendTogether(w, ids.map((id) => queue(id)), () => told(w, w.worker, 'SIGHUP'));
  assert.deepEqual(statuses(await answersTo(sent)), OK);
  await until('its end', () => gone(w.worker));
  for (const id of ids) assert.deepEqual(written(w.s, id), WHOLE, id);
  for (const p of w.peers) assert.equal((await p.ask('GET', '/health')).status, 200);
});

test('of a worker that is killed while a group waits for its turn nothing is there, nobody was told so, and all may ask again', async (t) => {
  const w = await open(t);
  const turn = await holdTurn(t, w.s);
  const sent = await sendTogether(w, ids.map((id) => queue(id)));
  await turn.awaited();
  process.kill(w.worker, 'SIGKILL');
  assert.deepEqual(statuses(await answersTo(sent)), OK.map(() => undefined));
  turn.over();
  for (const id of ids) assert.deepEqual(written(w.s, id), NOTHING, id);
  // nginx may still hold a connection to the dead one: 502.
  for (const id of ids) await until(`${id} is taken`, async () => (await w.s.rpc(...queue(id))).status === 200);
  for (const id of ids) assert.deepEqual(written(w.s, id), WHOLE, id);
});

test('a group that waits for its turn in vain is refused whole, and may come again', async (t) => {
  const w = await alone(t, WRITERS, { RAWR_WRITE_WAIT: '50' });
  const turn = await holdTurn(t, w.s);
  assert.deepEqual(statuses(await together(w, ids.map((id) => queue(id)))), OK.map(() => 503));
  for (const id of ids) assert.deepEqual(written(w.s, id), NOTHING, id);
  turn.over();
  await until('a write that is taken', async () => (await w.s.rpc(...queue('first'))).status === 200);
  assert.deepEqual(statuses(await Promise.all(ids.map((id, i) => w.peers[i].rpc(...queue(id)).then((r) => r.answer)))), OK);
});
