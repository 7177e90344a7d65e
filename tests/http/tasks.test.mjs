// Tasks through nginx: agents that wait, die and come too late; people; runs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System, chain, desk, root, until } from '../lib/system.mjs';

const clients = path.join(root, 'tests/clients/');
const require = createRequire(clients);
const hasClients = fs.existsSync(path.join(clients, 'node_modules'));
const base = '/api/workflows/coordination';
const agent = { kind: 'agent', taskKind: 'review' };

let sys;
test.before(async () => { sys = await System.start({ RAWR_WORKERS: '1', RAWR_SLOTS: '64', RAWR_RETRY_INTERVAL: '1' }); });
test.after(() => sys.close());

const api = async (method, p, value) => (method === 'GET' ? sys.get(base + p) : sys.post(base + p, value));
const claim = (more = {}) => api('POST', '/tasks/claim', { agentId: 'ann', ...more });
const act = (task, what, more) => api('POST', `/tasks/${task.taskId}/${what}`, { token: task.token, ...more });
const save = async (workflow) => {
  const r = await sys.rpc('coordination/saveWorkflow', { workflow });
  assert.equal(r.status, 200, r.text);
};
const queue = async (workflowId, runId, input = {}) => {
  const r = await api('POST', `/workflows/${workflowId}/run`, { runId, input });
  assert.equal(r.status, 200, r.text);
};
const agentChain = (id, ids, extra = {}) => {
  const w = chain(id, ids);
  for (const d of w.desks) Object.assign(d, { executor: agent, ...extra });
  return w;
};

test('an agent claims, keeps and completes, and the run goes on with what it gave', async () => {
  const w = agentChain('wf-agent', ['a', 'b']);
  w.desks[0].outputSchema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  await save(w);
  await queue('wf-agent', 'run-agent', { q: 1 });
  const { task } = (await claim({ workflowId: 'wf-agent', waitSeconds: 20 })).json;
  assert.deepEqual([task.runId, task.deskId, task.kind, task.input, task.attempt], ['run-agent', 'a', 'review', { q: 1 }, 1]);
  const beat = await act(task, 'heartbeat', { leaseSeconds: 120 });
  assert.ok(Date.parse(beat.json.leaseUntil) > Date.now() + 100000);
  assert.deepEqual((await act({ ...task, token: task.token + 1 }, 'heartbeat')).json.data, { taskId: task.taskId, state: 'claimed' });
  const wrong = await act(task, 'complete', { output: { n: 'x' } });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.json.data.path, 'output.n');
  const again = (await claim({ deskId: 'a', kind: 'review', waitSeconds: 5 })).json.task;
  assert.equal(again.attempt, 2);
  const late = await act(task, 'complete', { output: { n: 1 } });
  assert.deepEqual([late.status, late.json.code], [409, 'TASK_LEASE_LOST']);
  assert.equal((await act(again, 'complete', { output: { n: 2 } })).json.task.state, 'completed');
  const second = (await claim({ workflowId: 'wf-agent', waitSeconds: 20 })).json.task;
  assert.deepEqual([second.deskId, second.input], ['b', { n: 2 }]);
  await act(second, 'complete', { output: { done: true } });
  const run = await sys.finish('run-agent');
  assert.deepEqual([run.status, run.output], ['completed', { done: true }]);
});

test('an agent that dies loses the task to the next, and a run whose agents all died fails', async () => {
  await save(agentChain('wf-dead', ['a'], { executor: { ...agent, leaseSeconds: 1 }, runtimePolicy: { retries: 1 } }));
  await queue('wf-dead', 'run-dead');
  const first = (await claim({ workflowId: 'wf-dead', waitSeconds: 20 })).json.task;
  const second = (await claim({ agentId: 'bob', workflowId: 'wf-dead', waitSeconds: 20 })).json.task;
  assert.equal(second.taskId, first.taskId);
  assert.ok(second.token > first.token);
  assert.equal((await claim({ workflowId: 'wf-dead', waitSeconds: 3 })).json.task, null);
  const run = await sys.finish('run-dead');
  assert.equal(run.status, 'failed');
  assert.match(run.error, /lease expired 2 times/);
});

test('a person answers, and the timeline tells who', async () => {
  const w = chain('wf-human', ['a']);
  Object.assign(w.desks[0], { kind: 'desk:human-wait', executor: { kind: 'agent' }, outputSchema: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } } });
  await save(w);
  await queue('wf-human', 'run-human');
  const task = await until('the question', async () => (await api('GET', '/tasks?runId=run-human&state=open&limit=1')).json.tasks[0]);
  assert.equal(task.human, true);
  assert.equal((await claim({ workflowId: 'wf-human' })).json.task, null);
  await until('the task to be all it waits for', async () => {
    const { waiting } = (await api('GET', '/runs/run-human/explain')).json;
    return JSON.stringify(waiting.map((x) => [x.for, x.deskId, x.taskId])) === JSON.stringify([['task', 'a', task.taskId]]);
  });
  const wrong = await api('POST', `/tasks/${task.taskId}/answer`, { output: {}, by: 'maria' });
  assert.equal(wrong.json.code, 'TASK_OUTPUT_INVALID');
  const ok = await api('POST', `/tasks/${task.taskId}/answer`, { output: { ok: true }, by: 'maria' });
  assert.equal(ok.json.task.by, 'maria');
  assert.equal((await sys.finish('run-human')).status, 'completed');
  assert.match((await sys.get('/api/orpc/coordination/runs/run-human/timeline')).text, /maria/);
  assert.deepEqual((await api('GET', '/runs/run-human/explain')).json, { runId: 'run-human', status: 'completed', waiting: [] });
});

test('forty agents wait on one worker while others are answered, and each task goes to one of them', async () => {
  await save(agentChain('wf-forty', ['a']));
  const agents = Array.from({ length: 40 }, (_, i) => {
    const since = Date.now();
    return claim({ agentId: `agent-${i}`, workflowId: 'wf-forty', waitSeconds: 8 }).then((r) => ({ ...r, ms: Date.now() - since }));
  });
  let slowest = 0;
  for (let i = 0; i < 50; i++) {
    const since = Date.now();
    assert.equal((await api('GET', '/tasks?limit=1')).status, 200);
    slowest = Math.max(slowest, Date.now() - since);
  }
  assert.ok(slowest < 2000, `a request took ${slowest} ms beside waiting agents`);
  for (let i = 0; i < 30; i++) await queue('wf-forty', `run-forty-${i}`);
  const got = await Promise.all(agents);
  assert.ok(got.every((r) => r.status === 200 && r.ms < 12000), 'all are answered in time');
  const tasks = got.map((r) => r.json.task).filter(Boolean);
  assert.equal(new Set(tasks.map((t) => t.taskId)).size, tasks.length, 'no task twice');
  assert.equal(tasks.length, 30);
  assert.ok(got.filter((r) => !r.json.task).every((r) => r.ms >= 7500), 'who got nothing waited its time');
  await Promise.all(tasks.map((t) => act(t, 'complete', { output: {} })));
  for (let i = 0; i < 30; i++) assert.equal((await sys.finish(`run-forty-${i}`)).status, 'completed');
});

test('more waiting agents than there is room for are answered at once', async () => {
  const since = Date.now();
  const all = Array.from({ length: 60 }, (_, i) => claim({ agentId: `crowd-${i}`, workflowId: 'wf-none', waitSeconds: 3 }).then(() => Date.now() - since));
  assert.equal((await sys.get('/health')).status, 200);
  const ms = await Promise.all(all);
  assert.ok(ms.some((t) => t < 2500) && ms.some((t) => t >= 3000), `${Math.min(...ms)}..${Math.max(...ms)} ms`);
});

test('an agent that went away while it waited gets no task', async () => {
  await save(agentChain('wf-gone', ['a']));
  await new Promise((resolve) => {
    const curl = execFile('curl', ['-s', '--max-time', '1', '-H', 'content-type: application/json', '-d', JSON.stringify({ agentId: 'gone', workflowId: 'wf-gone', waitSeconds: 20 }), `${sys.base}${base}/tasks/claim`], resolve);
    assert.ok(curl.pid);
  });
  await queue('wf-gone', 'run-gone');
  const { task } = (await claim({ workflowId: 'wf-gone', waitSeconds: 20 })).json;
  assert.deepEqual([task.by, task.attempt], ['ann', 1]);
  await api('POST', '/runs/run-gone/cancel', {});
  const late = await act(task, 'complete', { output: {} });
  assert.deepEqual(late.json.data, { taskId: task.taskId, state: 'closed' });
});

test('workers that are replaced answer who waits', async () => {
  const waiting = claim({ workflowId: 'wf-none', waitSeconds: 25 });
  assert.equal((await api('GET', '/tasks?limit=1')).status, 200);
  const since = Date.now();
  process.kill(sys.pid('workflows'), 'SIGHUP');
  assert.deepEqual((await waiting).json, { task: null });
  assert.ok(Date.now() - since < 5000);
});

test('a run is repeated whole, or from a desk on, with the workflow that it ran', async () => {
  await save(agentChain('wf-again', ['a', 'b']));
  await queue('wf-again', 'run-again', { q: 1 });
  const refused = await api('POST', '/runs/run-again/retry', {});
  assert.deepEqual([refused.status, refused.json.code], [409, 'RUN_NOT_ENDED']);
  await act((await claim({ workflowId: 'wf-again', waitSeconds: 20 })).json.task, 'complete', { output: { from: 'a' } });
  await act((await claim({ workflowId: 'wf-again', waitSeconds: 20 })).json.task, 'fail', { error: 'no', retryable: false });
  assert.equal((await sys.finish('run-again')).status, 'failed');
  await save(agentChain('wf-again', ['x']));
  const rerun = await api('POST', '/runs/run-again/rerun', { fromDeskId: 'b', newRunId: 'run-again-b' });
  assert.equal(rerun.json.run.runId, 'run-again-b', rerun.text);
  const b = (await claim({ workflowId: 'wf-again', waitSeconds: 20 })).json.task;
  assert.deepEqual([b.runId, b.deskId, b.input], ['run-again-b', 'b', { from: 'a' }]);
  await act(b, 'complete', { output: { from: 'b' } });
  assert.deepEqual((await sys.finish('run-again-b')).output, { from: 'b' });
  assert.equal((await api('POST', '/runs/run-again/rerun', { fromDeskId: 'x' })).json.code, 'DESK_NOT_FOUND');
  await api('POST', '/runs/run-again/retry', { newRunId: 'run-again-2' });
  const a = (await claim({ workflowId: 'wf-again', waitSeconds: 20 })).json.task;
  assert.deepEqual([a.runId, a.deskId, a.input], ['run-again-2', 'a', { q: 1 }]);
  await api('POST', '/runs/run-again-2/cancel', {});
});

test('runs are listed newest first, a page at a time, by workflow and status', async () => {
  const seen = [];
  let cursor = '';
  do {
    const page = (await api('GET', `/runs?workflowId=wf-forty&status=completed&limit=7${cursor}`)).json;
    seen.push(...page.runs.map((r) => r.runId));
    cursor = page.nextCursor && `&cursor=${encodeURIComponent(page.nextCursor)}`;
  } while (cursor);
  assert.equal(new Set(seen).size, 30);
  assert.equal(seen.length, 30);
  const rpc = await sys.rpc('coordination/listRuns', { workflowId: 'wf-again', limit: 1, since: '2000-01-01T00:00:00Z' });
  assert.equal(rpc.json.json.runs[0].runId, 'run-again-2');
  assert.equal((await api('GET', '/runs?since=yesterday')).status, 400);
});

test('the official client claims and completes', { skip: !hasClients }, async () => {
  const { createORPCClient } = await import(require.resolve('orpc-client-1.16'));
  const { RPCLink } = await import(require.resolve('orpc-client-1.16/fetch'));
  const client = createORPCClient(new RPCLink({ url: `${sys.base}/rpc` }));
  await save(agentChain('wf-orpc', ['a']));
  const waiting = client.coordination.claimTask({ agentId: 'orpc', workflowId: 'wf-orpc', waitSeconds: 20 });
  await queue('wf-orpc', 'run-orpc');
  const { task } = await waiting;
  assert.equal(task.runId, 'run-orpc');
  await client.coordination.completeTask({ taskId: task.taskId, token: task.token, output: { ok: 1 } });
  await assert.rejects(client.coordination.completeTask({ taskId: task.taskId, token: task.token, output: 1 }),
    (e) => e.code === 'TASK_LEASE_LOST' && e.status === 409 && e.data.state === 'completed');
  assert.deepEqual((await sys.finish('run-orpc')).output, { ok: 1 });
});

// The last one: nobody asks this responder any more.
test('a responder that is told to stop answers who waits', async () => {
  const waiting = claim({ workflowId: 'wf-none', waitSeconds: 25 });
  assert.equal((await api('GET', '/tasks?limit=1')).status, 200);
  const [worker] = sys.workers('workflows');
  const since = Date.now();
  process.kill(worker, 'SIGTERM');
  assert.deepEqual((await waiting).json, { task: null });
  assert.ok(Date.now() - since < 5000);
});
