// Calls that wait for a worker: the wait is not theirs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { frozen, pause, signal, start } from './chaos.mjs';

test('the time of a call begins when a worker takes it', async (t) => {
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '1', RAWR_CALL_TIMEOUT: '1', RAWR_LEASE: '30' });
  const [worker] = s.workers('inngest');
  signal(worker, 'SIGSTOP');
  await until('the worker stands still', () => frozen(worker));
  const runs = [];
  try {
    for (let i = 0; i < 20; i++) {
      runs.push(`run-wait-${i}`);
      assert.equal((await s.rpc('coordination/queueRun', { workflowId: 'line', runId: runs[i], input: {} })).status, 200);
    }
    await pause(2500);
  } finally { signal(worker, 'SIGCONT'); }
  for (const id of runs) assert.equal((await s.finish(id)).status, 'completed');
  assert.doesNotMatch(s.logs('runner'), /"event":"timeout"/);
});

test('a call that a worker has taken is given up in time, and its log line says whose it was', async (t) => {
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '1', RAWR_CALL_TIMEOUT: '1', RAWR_LEASE: '30' });
  const began = Date.now();
  const [worker] = s.workers('inngest');
  const headers = { 'content-type': 'application/json', 'x-correlation-id': 'corr-late' };
  // Stopped in the middle of calls until one was begun and not answered.
  for (let i = 0; !/"event":"timeout"/.test(s.logs('runner')); i++) {
    assert.ok(i < 50, 'no call was caught');
    const body = JSON.stringify({ json: { workflowId: 'line', runId: `run-late-${i}`, input: { t: 'x'.repeat(500000) } } });
    assert.equal((await s.request('POST', '/rpc/coordination/queueRun', { headers, body })).status, 200);
    await pause(5 + i);
    signal(worker, 'SIGSTOP');
    await pause(1600);
    signal(worker, 'SIGCONT');
  }
  const line = s.logs('runner').split('\n').find((l) => l.includes('"event":"timeout"'));
  const { run, step, ms, correlation_id: id } = JSON.parse(line);
  assert.match(run, /^[0-9A-Z]{26}$/);
  assert.ok(step);
  assert.equal(id, 'corr-late');
  assert.ok(ms >= 1000 && ms < 1500, `given up after ${ms} ms`);
  t.diagnostic(`${Date.now() - began} ms`);
});
