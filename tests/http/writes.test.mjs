// Writers who come at the same time share a commit, and nothing else.
import assert from 'node:assert/strict';
import test from 'node:test';
import { System, chain } from '../lib/system.mjs';

const ROUNDS = 20, AT_ONCE = 24;

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
