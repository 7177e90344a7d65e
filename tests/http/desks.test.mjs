// Desks that do the work they name, in a whole system: conditions, mappings,
// schemas, rework, observers, and desks whose work a URL does.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { System, desk, root, until } from '../lib/system.mjs';

const key = 'a-key-of-at-least-thirty-two-characters';
let sys, server, url;
const calls = []; // what the server was asked, in order
let answer; // (call) -> { status, body, headers }

test.before(async () => {
  server = http.createServer((req, res) => {
    const chunks = [];
    req.on('data', (c) => chunks.push(c));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const call = { path: req.url, headers: req.headers, text, body: JSON.parse(text) };
      calls.push(call);
      const a = answer(call);
      res.writeHead(a.status ?? 200, { 'content-type': 'application/json', ...a.headers });
      res.end(a.raw ?? JSON.stringify(a.body));
    });
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  url = `http://127.0.0.1:${server.address().port}`;
  sys = await System.create({ RAWR_HTTP_ALLOW: `${url}/desk`, RAWR_RETRY_INTERVAL: '1' });
  fs.mkdirSync(path.join(sys.dir, 'keys'), { mode: 0o700 });
  fs.writeFileSync(path.join(sys.dir, 'keys/http.key'), `${key}\n`, { mode: 0o600 });
  await sys.up();
});
test.after(async () => {
  server.closeAllConnections();
  server.close();
  await sys.close();
});
test.beforeEach(() => { calls.length = 0; });

const echo = { executor: { kind: 'echo' } };
const handoff = (from, to, extra = {}) => ({ handoffId: `${from}-${to}`, fromDeskId: from, toDeskId: to, ...extra });
const any = { inputSchema: {}, outputSchema: {} };
const workflow = (workflowId, desks, handoffs = []) => ({ workflowId, version: 1, name: workflowId, entryDeskId: desks[0].deskId, desks, handoffs });

const save = (w) => sys.rpc('coordination/saveWorkflow', { workflow: w });
async function run(w, input = { t: 1 }, seconds = 20) {
  const saved = await save(w);
  assert.equal(saved.status, 200, saved.text);
  await sys.rpc('coordination/queueRun', { workflowId: w.workflowId, runId: `run-${w.workflowId}`, input });
  return sys.finish(`run-${w.workflowId}`, seconds);
}
const timeline = async (w) => (await sys.get(`/api/orpc/coordination/runs/run-${w}/timeline`)).json.timeline;
const details = async (w) => (await timeline(w)).map((e) => e.detail);

test('a desk whose handoff is not taken is skipped; a join gets what was taken, mapped', async () => {
  const r = await run(workflow('wf-fork',
    [desk('a', echo), desk('b', any), desk('c', any), desk('j', { kind: 'desk:join', ...any })],
    [handoff('a', 'b', { condition: 'output.received.t == 1' }), handoff('a', 'c', { condition: 'output.received.t != 1' }),
      handoff('b', 'j', { mappingRefs: { got: 'output.received.received.t', whose: "desk + '!'" } }), handoff('c', 'j')]));
  assert.equal(r.status, 'completed', r.error);
  assert.deepEqual(r.output, { deskId: 'j', status: 'joined', merged: { b: { got: 1, whose: 'b!' } }, memory: null });
  const skipped = (await timeline('wf-fork')).find((e) => e.deskId === 'c');
  assert.equal(skipped.type, 'desk.completed');
  assert.equal(skipped.detail, 'Desk c skipped: no inbound handoff was taken');
});

test('the same workflow without an executor takes every handoff', async () => {
  const r = await run(workflow('wf-plain', [desk('a'), desk('b')], [handoff('a', 'b', { condition: 'false', mappingRefs: { x: '$.y' } })]));
  assert.equal(r.output.received.deskId, 'a');
});

test('an invalid expression is refused at save, with its place', async () => {
  const r = await save(workflow('wf-bad', [desk('a', echo), desk('b')], [handoff('a', 'b', { condition: 'output.t ==', mappingRefs: { x: '$.y' } })]));
  assert.equal(r.status, 400);
  assert.equal(r.json.json.code, 'WORKFLOW_VALIDATION_FAILED');
  assert.deepEqual(r.json.json.data.errors.map((e) => [e.code, e.handoffId]), [['INVALID_CONDITION', 'a-b'], ['INVALID_MAPPING', 'a-b']]);
  for (const e of r.json.json.data.errors) assert.match(e.message, / at \d+$/);
});

for (const [name, executor] of Object.entries({
  'an unknown kind': { kind: 'robot' }, 'a member too many': { kind: 'echo', x: 1 }, 'no url': { kind: 'http' }, 'a text': 'echo',
}))
  test(`an executor with ${name} does not pass the contract`, async () => {
    const r = await save(workflow('wf-bad', [desk('a', { executor })]));
    assert.equal(r.status, 400);
    assert.equal(r.json.json.code, 'BAD_REQUEST');
  });

test('what does not fit a schema fails the run with its path', async () => {
  const r = await run(workflow('wf-schema', [desk('a', { ...echo, outputSchema: { type: 'object', properties: { received: { type: 'object', properties: { list: { type: 'array', items: { type: 'string' } } } } } } })]), { list: ['x', 2] });
  assert.equal(r.status, 'failed');
  assert.equal(r.error, 'desk a: output.received.list[1] must be string');
});

test('a qa sends work back at most as often as it says', async () => {
  const r = await run(workflow('wf-qa', [desk('a', any), desk('q', { kind: 'desk:qa', ...any, ...echo, rework: { toDeskId: 'a', when: 'true', maxRounds: 2 } })], [handoff('a', 'q')]));
  assert.equal(r.status, 'completed', r.error);
  assert.equal(r.output.received.received.round, 2);
  const d = await details('wf-qa');
  assert.equal(d.filter((x) => x === 'Desk a completed').length, 3);
  assert.equal(d.at(-2), 'Desk q completed; it wants rework, but its 2 rounds are spent');
});

test('an observer cannot change what passes', async () => {
  answer = () => ({ body: { changed: true } });
  const r = await run(workflow('wf-obs', [desk('a'), desk('o', { kind: 'desk:observer', executor: { kind: 'http', url: `${url}/desk/o` } }), desk('b')],
    [handoff('a', 'o'), handoff('o', 'b')]));
  assert.equal(r.status, 'completed', r.error);
  assert.equal(r.output.received.deskId, 'a');
  assert.equal(calls[0].body.input.deskId, 'a');
});

test('a URL does the work: signed, with what the desk received', async () => {
  answer = () => ({ body: { n: 2 } });
  const w = workflow('wf-http', [desk('a', { executor: { kind: 'http', url: `${url}/desk?x=1` }, outputSchema: { type: 'object', required: ['n'] } })]);
  const r = await run(w);
  assert.equal(r.status, 'completed', r.error);
  assert.deepEqual(r.output, { n: 2 });
  assert.equal(calls.length, 1);
  const [c] = calls;
  assert.equal(c.path, '/desk?x=1');
  assert.deepEqual(Object.keys(c.body), ['runId', 'deskId', 'round', 'input', 'memory', 'key']);
  assert.deepEqual({ ...c.body, key: undefined }, { runId: 'run-wf-http', deskId: 'a', round: 0, input: { t: 1 }, memory: null, key: undefined });
  const [, t, s] = /^t=(\d+)&s=([0-9a-f]{64})$/.exec(c.headers['x-rawr-signature']);
  assert.equal(s, crypto.createHmac('sha256', key).update(c.text + t).digest('hex'));
  assert.ok(Math.abs(Date.now() / 1000 - Number(t)) < 60);
});

test('503 and an output that does not fit are tried again, under the same key', async () => {
  const answers = [{ status: 503, body: {} }, { body: { n: 'two' } }, { body: { n: 2 } }];
  answer = () => answers[calls.length - 1];
  const r = await run(workflow('wf-again', [desk('a', { executor: { kind: 'http', url: `${url}/desk` }, outputSchema: { type: 'object', properties: { n: { type: 'integer' } } } })]));
  assert.equal(r.status, 'completed', r.error);
  assert.equal(calls.length, 3);
  assert.equal(new Set(calls.map((c) => c.body.key)).size, 1);
});

for (const [name, a, error] of [
  ['404', { status: 404, body: {} }, /^desk a: its url answered 404$/],
  ['a redirect', { status: 302, headers: { location: '/elsewhere' }, body: {} }, /^desk a: its url answered 302$/],
  ['over 1 MiB', { body: 'x'.repeat(1 << 20) }, /^desk a: the reply is over 1048576 bytes$/],
])
  test(`${name} fails the desk at once`, async () => {
    answer = () => a;
    const r = await run(workflow(`wf-final-${a.status ?? 'large'}`, [desk('a', { executor: { kind: 'http', url: `${url}/desk` } })]));
    assert.equal(r.status, 'failed');
    assert.match(r.error, error);
    assert.equal(calls.length, 1);
  });

test('a reply that does not come in time fails the attempt', async () => {
  const slow = http.createServer(() => {});
  await new Promise((r) => slow.listen(0, '127.0.0.1', r));
  try {
    const w = workflow('wf-slow', [desk('a', { executor: { kind: 'http', url: `http://127.0.0.1:${slow.address().port}/` }, runtimePolicy: { timeoutSeconds: 1, retries: 0 } })]);
    await sys.down();
    await sys.up({ RAWR_HTTP_ALLOW: `http://127.0.0.1:${slow.address().port}` });
    const r = await run(w);
    assert.equal(r.status, 'failed');
  } finally {
    slow.closeAllConnections();
    slow.close();
    await sys.down();
    await sys.up();
  }
});

for (const [name, where] of [['another path', '/other'], ['a longer name', '/desks'], ['a way out', '/desk/%2e%2e/other']])
  test(`${name} is not called`, async () => {
    answer = () => ({ body: {} });
    const w = workflow(`wf-no${where.replaceAll(/[^a-z]/g, '')}`, [desk('a', { executor: { kind: 'http', url: url + where } })]);
    const saved = await save(w);
    if (saved.status === 400) {
      assert.equal(saved.json.json.data.errors[0].code, 'INVALID_EXECUTOR');
    } else {
      const r = await run(w);
      assert.equal(r.error, 'desk a: its url is not on the list RAWR_HTTP_ALLOW');
    }
    assert.equal(calls.length, 0);
  });

const post = async (p, body) => {
  const r = await sys.post(`/api/workflows/coordination${p}`, body);
  assert.equal(r.status, 200, r.text);
  return r.json;
};
async function claim() {
  const { task } = await post('/tasks/claim', { agentId: 'writer-1', kind: 'write', waitSeconds: 20 });
  assert.ok(task, 'a task within 20 s');
  return task;
}
const openTask = (deskId) => until(`a task of ${deskId}`, async () =>
  (await sys.get(`/api/workflows/coordination/tasks?deskId=${deskId}&state=open`)).json.tasks[0]);

test('the whole example of docs/desks.md runs: an agent, a URL that sends work back, a person', async () => {
  const text = fs.readFileSync(path.join(root, 'docs/desks.md'), 'utf8');
  const w = JSON.parse(text.slice(text.indexOf('## A whole one') + '## A whole one'.length).replace('https://hooks.example', url));
  const verdicts = ['redo', 'good'];
  answer = () => ({ body: { verdict: verdicts[calls.length - 1] } });
  assert.equal((await save(w)).status, 200);
  await sys.rpc('coordination/queueRun', { workflowId: 'release', runId: 'run-release', input: { version: '1.4' } });

  const first = await claim();
  assert.deepEqual([first.deskId, first.round, first.input], ['draft', 0, { version: '1.4' }]);
  await post(`/tasks/${first.taskId}/complete`, { token: first.token, output: { text: 'one' }, memory: { drafts: 1 } });
  const again = await claim();
  assert.deepEqual([again.deskId, again.round, again.memory], ['draft', 1, { drafts: 1 }]);
  assert.deepEqual(again.input, { received: { version: '1.4' }, rework: { verdict: 'redo' }, round: 1 });
  await post(`/tasks/${again.taskId}/complete`, { token: again.token, output: { text: 'two' } });
  const { taskId, human } = await openTask('sign');
  assert.ok(human);
  await post(`/tasks/${taskId}/answer`, { by: 'ann', output: { approved: true } });

  const r = await sys.finish('run-release');
  assert.deepEqual([r.status, r.output], ['completed', { approved: true }], r.error);
  assert.deepEqual(await details('release'), [
    ...(await details('release')).slice(0, 2),
    'Draft started', 'Draft completed by writer-1', 'QA started', 'QA completed; it sends work back to draft, round 1 of 2',
    'Draft started', 'Draft completed by writer-1', 'QA started', 'QA completed', 'Sign-off started', 'Sign-off answered by ann',
    ...(await details('release')).slice(-1)]);
});

test('a person who does not answer in time does not hold the run up where the desk says so', async () => {
  const r = await run(workflow('wf-late', [desk('h', { kind: 'desk:human-wait', executor: { kind: 'agent' }, onTimeout: 'continue', runtimePolicy: { timeoutSeconds: 1 } })]));
  assert.deepEqual(r.output, { deskId: 'h', status: 'timeout', received: { t: 1 }, memory: null });
  const { tasks } = (await sys.get('/api/workflows/coordination/tasks?deskId=h')).json;
  assert.deepEqual(tasks.map((t) => t.state), ['closed']);
});

test('and fails it where it does not', async () => {
  const r = await run(workflow('wf-too-late', [desk('h', { kind: 'desk:human-wait', executor: { kind: 'agent' }, runtimePolicy: { timeoutSeconds: 1 } })]));
  assert.equal(r.error, 'desk h had no answer within 1 s');
});

test('a run again from a desk takes over what came before it', async () => {
  await run(workflow('wf-rerun', [desk('a', { ...echo, outputSchema: {} }), desk('b', any), desk('c', any)], [handoff('a', 'b'), handoff('b', 'c')]));
  await post('/runs/run-wf-rerun/rerun', { fromDeskId: 'c', newRunId: 'run-wf-rerun-2' });
  const r = await sys.finish('run-wf-rerun-2');
  assert.equal(r.output.received.deskId, 'b');
  const d = (await sys.get('/api/orpc/coordination/runs/run-wf-rerun-2/timeline')).json.timeline.map((e) => e.detail);
  assert.deepEqual(d.slice(2, -1), ['Desk a taken over from an earlier run', 'Desk b taken over from an earlier run', 'Desk c started', 'Desk c completed']);
});

test('the recorded document does not show the new fields', async () => {
  const doc = (await sys.get('/api/orpc/openapi.json')).text;
  for (const field of ['executor', 'onTimeout', 'rework', 'x-rawr-extension']) assert.ok(!doc.includes(`"${field}"`), field);
});
