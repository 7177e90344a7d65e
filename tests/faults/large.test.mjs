// The largest run there can be, which fails: its end must be told all the same.
import assert from 'node:assert/strict';
import test from 'node:test';
import { chain } from '../lib/system.mjs';
import { start } from './chaos.mjs';

const BODY = 1048576; // RAWR_BODY_MAX
const headers = { 'content-type': 'application/json' };

// value with the string at `key` so long that the whole body has BODY bytes.
function fill(o, key, wrap) {
  o[key] = '';
  o[key] = 'x'.repeat(BODY - Buffer.byteLength(JSON.stringify(wrap)));
  return JSON.stringify(wrap);
}

for (const [what, ids, end] of [
  ['that overflows its state fails', ['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'failed'],
  ['that fits is completed', ['a'], 'completed'],
])
  test(`a run with the largest workflow and the largest input ${what}`, async (t) => {
    const s = await start(t);
    const workflow = chain('large', ids), input = {};
    const saved = await s.request('POST', '/rpc/coordination/saveWorkflow', { headers, body: fill(workflow, 'description', { json: { workflow } }) });
    assert.equal(saved.status, 200, saved.text.slice(0, 300));
    const queued = await s.request('POST', '/rpc/coordination/queueRun', { headers, body: fill(input, 't', { json: { workflowId: 'large', runId: 'run-large', input } }) });
    assert.equal(queued.status, 200, queued.text.slice(0, 300));
    assert.equal((await s.finish('run-large')).status, end);
  });

test('an input of more arrays than an event may hold is refused when it is sent', async (t) => {
  const s = await start(t);
  const body = JSON.stringify({ json: { workflowId: 'line', runId: 'run-many', input: { t: Array.from({ length: 30000 }, () => []) } } });
  const r = await s.request('POST', '/rpc/coordination/queueRun', { headers, body });
  assert.equal(r.status, 413, r.text.slice(0, 300));
});
