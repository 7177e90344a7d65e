// Writers who come at the same time share a commit, and nothing else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { alone, commits, queue, save, state, together } from '../lib/group.mjs';
import { System, chain, until } from '../lib/system.mjs';

const ROUNDS = 20, AT_ONCE = 24, LARGE = 25000, NUMBERS = 400000;

async function start(t) {
  const s = await System.start({ RAWR_WORKERS: '1' });
  t.after(() => s.close());
  return s;
}
const each = (n, fn) => Promise.all(Array.from({ length: n }, (_, i) => fn(i)));

test('of writers who come at once, those whose workflow is wrong are refused and all others are stored', async (t) => {
  const s = await start(t);
  const want = [];
  for (let r = 0; r < ROUNDS; r++)
    await each(AT_ONCE, async (i) => {
      const workflowId = `wf-${r}-${i}`, wrong = i % 3 === 0;
      const workflow = chain(workflowId, ['a', 'b'], wrong ? { entryDeskId: 'nobody' } : {});
      const a = await s.rpc('coordination/saveWorkflow', { workflow });
      assert.equal(a.status, wrong ? 400 : 200, a.text);
      if (wrong) return;
      assert.equal(a.json.json.workflow.workflowId, workflowId);
      want.push(workflowId);
    });
  const all = await s.rpc('coordination/listWorkflows', {});
  assert.deepEqual(all.json.json.workflows.map((w) => w.workflowId).sort(), want.sort());
});

test('of those who queue a run of one id at once, one starts it and all others are told of it', async (t) => {
  const s = await start(t);
  assert.equal((await s.rpc('coordination/saveWorkflow', { workflow: chain('line', ['a']) })).status, 200);
  for (let r = 0; r < ROUNDS; r++) {
    const runId = `run-${r}`;
    const answers = await each(AT_ONCE, () => s.rpc('coordination/queueRun', { workflowId: 'line', runId, input: {} }));
    for (const a of answers) assert.deepEqual([a.status, a.json.json.run.runId], [200, runId]);
    assert.equal(answers.filter((a) => a.json.json.eventIds.length === 1).length, 1);
  }
  for (let r = 0; r < ROUNDS; r++) assert.equal((await s.finish(`run-${r}`)).status, 'completed');
});

test('writers whose requests are there together share one commit, and a reader among them waits for none', async (t) => {
  const w = await alone(t, 9);
  let r = 0;
  await until('eight writers share a commit', async () => {
    const before = commits(w.s), name = `w-${r++}`;
    const answers = await together(w, [...Array.from({ length: 8 }, (_, i) => save(`${name}-${i}`)), ['coordination/listWorkflows', {}]]);
    assert.deepEqual(answers.map((a) => a.status), Array(9).fill(200));
    const { workflows } = (await w.s.rpc('coordination/listWorkflows', {})).json.json;
    assert.equal(workflows.filter((f) => f.workflowId.startsWith(`${name}-`)).length, 8);
    // The reader came last, before the commit: it saw none of theirs.
    const seen = answers[8].json.json.workflows.filter((f) => f.workflowId.startsWith(`${name}-`)).length;
    return commits(w.s) - before === 1 && seen === 0;
  }, 60);
});

// Nanoseconds that a process has run.
const ran = (pid) => Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);

test('writers whose requests come while another is handled share its commit', async (t) => {
  const w = await alone(t, 4), BUSY = 5e6;
  const examples = Array(NUMBERS).fill(0);
  let r = 0;
  await until('four writers share a commit', async () => {
    const before = commits(w.s), name = `l-${r++}`;
    const large = chain(`${name}-0`, ['a']);
    large.desks[0].inputSchema = { type: 'object', examples };
    const since = ran(w.worker);
    const sent = [(await w.peers[0].rpc('coordination/saveWorkflow', { workflow: large })).answer];
    // In its midst it is stopped, and goes on when the others are there.
    while (ran(w.worker) - since < BUSY);
    process.kill(w.worker, 'SIGSTOP');
    try {
      await until('the worker stands still', () => state(w.worker) === 'T');
      for (let i = 1; i < 4; i++) sent.push((await w.peers[i].rpc(...save(`${name}-${i}`))).answer);
    } finally {
      process.kill(w.worker, 'SIGCONT');
    }
    assert.deepEqual((await Promise.all(sent)).map((a) => a.status), Array(4).fill(200));
    return commits(w.s) - before === 1;
  }, 60);
});

test('of writers who share a commit, one that fails in its midst takes back what it wrote, and no other', async (t) => {
  const w = await alone(t, 8);
  assert.equal((await w.s.rpc(...queue('taken', 'other'))).status, 200);
  // The run and its timeline are written before its event turns out to hold too much.
  const large = (runId) => ['coordination/queueRun', { workflowId: 'line', runId, input: Array(LARGE).fill([]) }];
  let r = 0;
  await until('five writers share commits', async () => {
    const before = commits(w.s), name = `m-${r++}`;
    const answers = await together(w, [save(`${name}-a`), large(`${name}-b`), queue(`${name}-c`), queue('taken'), large(`${name}-e`), queue(`${name}-f`), queue(`${name}-c`), save(`${name}-h`)]);
    assert.deepEqual(answers.map((a) => a.status), [200, 413, 200, 500, 413, 200, 200, 200]);
    assert.equal(commits(w.s) > before, true);
    // To read so large a body takes long: what waits is committed meanwhile.
    const shared = commits(w.s) - before < 5;
    for (const [letter, status] of [['b', 404], ['c', 200], ['e', 404], ['f', 200]]) {
      const run = await w.s.rpc('coordination/getRunStatus', { runId: `${name}-${letter}` });
      assert.equal(run.status, status, run.text);
      const line = await w.s.rpc('coordination/getRunTimeline', { runId: `${name}-${letter}` });
      assert.equal(line.json.json.timeline?.length ?? 0, status === 200 ? 1 : 0, line.text);
    }
    for (const letter of ['a', 'h']) assert.equal((await w.s.rpc('coordination/getWorkflow', { workflowId: `${name}-${letter}` })).status, 200);
    return shared;
  }, 60);
});
