// A system whose functions an Inngest server runs (RAWR_ENGINE=inngest).  The
// server is a second system's engine, which speaks the server's side of the
// protocol; the first is a copy of the tree under another name, for a server
// does not take functions of its own name from others.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { chain, root, until } from '../lib/system.mjs';
import { copyTree, makeIn } from '../lib/tree.mjs';
import { AppSystem } from './app_system.mjs';
import { Wire } from './wire.mjs';

const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-away-'));
const RUN = 'away/coordination.workflow.run';

test.before(() => {
  for (const f of copyTree(tree).filter((f) => /^(lib|plugins)\/.*\.[ch]$/.test(f))) {
    const p = path.join(tree, f), text = fs.readFileSync(p, 'utf8');
    const renamed = text.replaceAll('"rawr/coordination.', '"away/coordination.').replace('#define HQ_APP_ID "rawr"', '#define HQ_APP_ID "away"');
    if (renamed !== text) fs.writeFileSync(p, renamed);
  }
  fs.cpSync(path.join(root, 'tests/sdk/away'), path.join(tree, 'plugins/workflows/away'), { recursive: true });
  for (const target of ['sync', 'build']) {
    const r = makeIn(tree, '-j2', target);
    assert.ok(r.ok, r.said);
  }
});
test.after(() => fs.rmSync(tree, { recursive: true, force: true }));

// RAWR_BIN, which a module looks at once, names the server's programs.
async function imported(file) {
  const { RAWR_BIN } = process.env;
  delete process.env.RAWR_BIN;
  try { return await import(pathToFileURL(file)); } finally { if (RAWR_BIN) process.env.RAWR_BIN = RAWR_BIN; }
}

// The server, us, and what stands between them: `out` has our events, `calls`
// the server's calls of our functions.
async function both(t, env = {}) {
  const { System } = await imported(path.join(tree, 'tests/lib/system.mjs'));
  const server = await AppSystem.create();
  const out = new Wire(() => server.base), calls = new Wire(() => us.base);
  const us = await System.create({ RAWR_ENGINE: 'inngest', RAWR_BIN: path.join(tree, 'build'), RAWR_RETRY_INTERVAL: '1', ...env });
  await out.start();
  await calls.start();
  Object.assign(us.env, { RAWR_INNGEST_URL: out.url, RAWR_BASE_URL: calls.url });
  server.env.RAWR_APPS = `${calls.url}/api/inngest`;
  server.writeKeys();
  fs.mkdirSync(path.join(us.dir, 'keys'), { mode: 0o700 });
  fs.writeFileSync(path.join(us.dir, 'keys/signing.key'), `${server.key}\n`, { mode: 0o600 });
  fs.writeFileSync(path.join(us.dir, 'keys/inngest.key'), `${server.eventKey}\n`, { mode: 0o600 });
  t.after(async () => { await out.stop(); await calls.stop(); await us.close(); await server.close(); });
  await server.up();
  await us.up();
  us.rows = (sql) => JSON.parse(execFileSync(path.join(tree, 'build/rawr'), ['--json', 'db', 'shell'], { env: us.env, input: sql })).result.rows;
  us.inbox = () => us.rows('SELECT count(*) AS n FROM engine_inbox')[0].n;
  us.notes = () => { const f = path.join(us.dir, 'away.log'); return fs.existsSync(f) ? fs.readFileSync(f, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l)) : []; };
  us.event = async (name, id, data) => assert.equal((await us.rawr('events', 'send', name, '--id', id, '--data', JSON.stringify(data))).code, 0);
  us.api = (method, p, value) => (method === 'GET' ? us.get(`/api/workflows/coordination${p}`) : us.post(`/api/workflows/coordination${p}`, value));
  us.save = async (workflow) => { const r = await us.rpc('coordination/saveWorkflow', { workflow }); assert.equal(r.status, 200, r.text); };
  us.queue = async (workflowId, runId, input = {}) => { const r = await us.api('POST', `/workflows/${workflowId}/run`, { runId, input }); assert.equal(r.status, 200, r.text); };
  us.claim = async (workflowId, waitSeconds = 20) => (await us.api('POST', '/tasks/claim', { agentId: 'ann', workflowId, waitSeconds })).json.task;
  us.complete = (task, output) => us.api('POST', `/tasks/${task.taskId}/complete`, { token: task.token, output });
  server.fn = (slug) => server.rows(`SELECT id, state, output FROM engine_run WHERE fn = '${slug}' ORDER BY id`);
  return { server, us, out, calls };
}
const withAgents = (id, ids, more = {}) => {
  const w = chain(id, ids);
  for (const d of w.desks) Object.assign(d, { executor: { kind: 'agent' }, ...more });
  return w;
};

test('a system whose functions an Inngest server runs', async (t) => {
  const { server, us, out, calls } = await both(t);

  await t.test('runs a workflow of desks there, and nothing here', async () => {
    await us.save(chain('plain', ['a', 'b', 'c']));
    await us.queue('plain', 'plain-1', { x: 1 });
    const run = await us.finish('plain-1');
    assert.equal(run.status, 'completed');
    const [theirs] = await until('the end of its run there', () => { const v = server.fn('away-coordination-workflow-runner'); return v[0]?.state === 1 && v; });
    assert.ok(run.traceLinks.some((l) => l.url.endsWith(`/runs/${theirs.id}`)), JSON.stringify(run.traceLinks));
    assert.equal(us.rows('SELECT count(*) AS n FROM engine_run')[0].n, 0);
    assert.equal(us.rows('SELECT count(*) AS n FROM engine_cron')[0].n, 0);
    await until('an empty inbox', () => us.inbox() === 0);
    assert.deepEqual((await us.api('GET', '/runs/plain-1/explain')).json.waiting, []);
  });

  await t.test('has an agent do a task, and a person answer a question', async () => {
    const w = withAgents('work', ['a', 'h']);
    w.desks[1].kind = 'desk:human-wait';
    await us.save(w);
    await us.queue('work', 'work-1', { q: 1 });
    const task = await us.claim('work');
    assert.deepEqual(task.input, { q: 1 });
    assert.deepEqual((await us.api('GET', '/runs/work-1/explain')).json.waiting.map((x) => x.for), ['task']);
    await us.complete(task, { n: 2 });
    const [open] = await until('the question', async () => { const v = (await us.api('GET', '/tasks?runId=work-1&state=open')).json.tasks; return v.length && v; });
    await us.api('POST', `/tasks/${open.taskId}/answer`, { by: 'bob', output: { yes: true } });
    const run = await us.finish('work-1');
    assert.deepEqual([run.status, run.output], ['completed', { yes: true }]);
  });

  await t.test('goes on with an answer that came before the server had heard of the wait', async () => {
    await us.save(withAgents('fast', ['a']));
    const wait = calls.hold((row) => Array.isArray(row.answer) && row.answer.some((op) => op.op === 'WaitForEvent'));
    await us.queue('fast', 'fast-1');
    const task = await us.claim('fast');
    await wait.held();
    await us.complete(task, { soon: true });
    await until('its event at the server', () => out.seen.some((row) => row.path.startsWith('/e/') && row.body.some((e) => e.data.taskId === task.taskId)));
    await until('nothing left there', () => server.rows('SELECT count(*) AS n FROM engine_inbox')[0].n === 0);
    wait.release();
    assert.deepEqual((await us.finish('fast-1')).output, { soon: true });
  });

  await t.test('takes a lease back that ran out', async () => {
    await us.save(withAgents('lease', ['a']));
    await us.queue('lease', 'lease-1');
    const first = (await us.api('POST', '/tasks/claim', { agentId: 'ann', workflowId: 'lease', waitSeconds: 20, leaseSeconds: 1 })).json.task;
    await until('its return', async () => (await us.api('GET', `/tasks/${first.taskId}`)).json.task.state === 'open', 30);
    const second = await us.claim('lease');
    assert.equal(second.attempt, 2);
    await us.complete(second, {});
    assert.equal((await us.finish('lease-1')).status, 'completed');
    assert.ok(server.fn('away-coordination-task-reaper').length > 0);
  });

  await t.test('runs steps side by side, sleeps, invokes, sends events and waits for them', async () => {
    await us.event('away/all', 'all-1', { k: 'a' });
    await until('the question', () => us.notes().some((n) => n.fn === 'away-asked'), 30);
    await until('the wait', () => server.rows("SELECT 1 FROM engine_job WHERE wait_event = 'away/answered'").length === 1);
    await us.event('away/answered', 'answer-0', { k: 'b', say: 'no' });
    await us.event('away/answered', 'answer-1', { k: 'a', say: 'yes' });
    const [run] = await until('its end', () => { const v = server.fn('away-away-all'); return v[0]?.state === 1 && v; });
    const { child, answer } = JSON.parse(run.output);
    assert.deepEqual([child.k, answer], ['a', 'yes']);
    assert.deepEqual(us.notes().filter((n) => n.fn.startsWith('away-')).map((n) => n.fn), ['away-all', 'away-all', 'away-child', 'away-asked', 'away-all']);
  });

  await t.test('has a step tried as often as its policy says, and its onFailure told', async () => {
    await us.event('away/fails', 'fails-1', { k: 'f' });
    await until('onFailure', () => us.notes().some((n) => n.fn === 'away-fails-failure'), 30);
    assert.deepEqual(us.notes().filter((n) => n.fn.startsWith('away-fails')).map((n) => [n.fn, n.attempt, n.event]),
      [['away-fails', 0, 'away/fails'], ['away-fails', 1, 'away/fails'], ['away-fails-failure', 0, 'inngest/function.failed']]);
  });

  await t.test('starts a function once for an event id that comes twice', async () => {
    for (let i = 0; i < 2; i++) await us.event('away/asked', 'twice', { k: 'twice' });
    await us.event('away/asked', 'other', { k: 'other' });
    await until('the other', () => us.notes().some((n) => n.k === 'other'));
    assert.equal(us.notes().filter((n) => n.k === 'twice').length, 1);
  });

  await t.test('has the run that is cancelled ended at the server', async () => {
    await us.save(withAgents('stop', ['a']));
    await us.queue('stop', 'stop-1');
    await us.claim('stop');
    const theirs = () => server.fn('away-coordination-workflow-runner').at(-1);
    await until('its wait', () => server.rows(`SELECT 1 FROM engine_job j JOIN engine_run r ON r.num = j.run WHERE r.id = '${theirs().id}' AND j.wait_event = 'away/coordination.task.ended'`).length === 1);
    assert.equal((await us.api('POST', '/runs/stop-1/cancel', {})).json.run.status, 'failed');
    await until('the end of its run there', () => theirs().state === 3);
  });

  await t.test('does once more what has ended', async () => {
    const again = await us.api('POST', '/runs/stop-1/retry', { newRunId: 'stop-2' });
    assert.equal(again.status, 200, again.text);
    await us.complete(await us.claim('stop'), { ok: 1 });
    assert.deepEqual((await us.finish('stop-2')).output, { ok: 1 });
    await us.rpc('coordination/rerunRun', { runId: 'stop-2', newRunId: 'stop-3', fromDeskId: 'a' });
  });

  await t.test('has a cron function run when its time comes, once', async () => {
    const [tick] = await until('a tick', () => { const v = us.notes().filter((n) => n.fn === 'away-ticks'); return v.length && v; }, 70);
    assert.equal(tick.event, 'inngest/scheduled.timer');
  });
});

test('what is queued while the server is away starts when it is back, in order, each once', async (t) => {
  const { server, us } = await both(t);
  await us.save(chain('plain', ['a']));
  await us.queue('plain', 'w-0');
  await us.finish('w-0');
  await server.down();
  const ids = [];
  for (let i = 1; i <= 12; i++) { ids.push(`w-${i}`); await us.queue('plain', `w-${i}`); }
  await until('that it is told', async () => /waits for the Inngest server: it/.test((await us.api('GET', '/runs/w-1/explain')).json.waiting[0]?.detail));
  await server.up();
  for (const id of ids) assert.equal((await us.finish(id, 60)).status, 'completed');
  const started = server.rows(`SELECT e.data FROM engine_event e WHERE e.name = '${RUN}' ORDER BY e.id`).map((r) => JSON.parse(r.data).runId);
  assert.deepEqual(started, ['w-0', ...ids]);
  assert.equal(server.fn('away-coordination-workflow-runner').length, 13);
});

test('a runner that is killed between send and mark starts no run twice', async (t) => {
  const { server, us, out } = await both(t);
  await us.save(chain('plain', ['a']));
  const held = out.hold((row) => row.path.startsWith('/e/') && row.status === 200);
  await us.queue('plain', 'k-1');
  await held.held();
  assert.equal(us.inbox(), 1, 'the server has it, and nothing is marked');
  process.kill(us.pid('runner'), 'SIGKILL');
  held.release();
  us.startRunner();
  await until('an empty inbox', () => us.inbox() === 0);
  assert.equal((await us.finish('k-1')).status, 'completed');
  assert.equal(out.seen.filter((row) => row.path.startsWith('/e/')).length, 2, 'it was sent twice');
  await us.queue('plain', 'k-2');
  await us.finish('k-2');
  assert.equal(server.fn('away-coordination-workflow-runner').length, 2);
});
