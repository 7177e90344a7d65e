// The command line against a whole system: every command's success and
// failure, as exit status and as document; dry runs; import and export.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System, bin, chain, desk, root, until } from '../lib/system.mjs';

let sys, tmp;
const at = (...p) => path.join(tmp, ...p);
const put = (name, value) => { fs.writeFileSync(at(name), JSON.stringify(value)); return at(name); };

// rawr as a script would call it: arguments, stdin, settings of another store.
function rawr(args, { input = '', env = {} } = {}) {
  return new Promise((resolve) => {
    const p = execFile(path.join(bin, 'rawr'), args, { env: { ...sys.env, ...env }, cwd: root, maxBuffer: 64 << 20 }, (e, stdout, stderr) =>
      resolve({ code: e ? e.code : 0, stdout, stderr }));
    p.stdin.on('error', () => {});
    p.stdin.end(input);
  });
}
async function json(args, opts) {
  const r = await rawr(['--json', ...args], opts);
  assert.equal(r.stdout.trim().split('\n').length, 1, `one document: ${r.stdout}`);
  return { ...r, doc: JSON.parse(r.stdout) };
}
const ok = async (...args) => {
  const r = await json(args);
  assert.equal(r.code, 0, r.stdout + r.stderr);
  return r.doc.result;
};

const agentDesk = (id, kind = 'desk:analysis') => desk(id, { kind, executor: { kind: 'agent' } });
const open = (runId, deskId) => until(`the task of ${deskId}`, async () =>
  (await ok('tasks', 'list', '--run', runId, '--state', 'open')).tasks.find((t) => t.deskId === deskId));
const ended = (runId) => until(`the end of ${runId}`, async () => {
  const { run } = await ok('runs', 'show', runId);
  return ['completed', 'failed'].includes(run.status) && run;
});

// A directory's files, by path.
function tree(dir) {
  const out = {};
  for (const e of fs.readdirSync(dir, { withFileTypes: true, recursive: true })) {
    const p = path.join(e.path ?? e.parentPath, e.name);
    if (e.isFile() && e.name !== 'export.json') out[path.relative(dir, p)] = fs.readFileSync(p, 'utf8');
  }
  return out;
}
let stores = 0;
const store = (name = `store-${stores++}`) => { fs.mkdirSync(at(name), { recursive: true }); return { RAWR_VAR: at(name) }; };

test.before(async () => {
  tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-cli-'));
  sys = await System.start();
  await ok('workflow', 'create', put('chain.json', chain('wf-chain', ['a', 'b'])));
  await ok('workflow', 'create', put('agent.json', chain('wf-agent', ['a'], { desks: [agentDesk('a')] })));
  await ok('workflow', 'create', put('human.json', chain('wf-human', ['h'], { desks: [agentDesk('h', 'desk:human-wait')] })));
  await ok('workflow', 'create', put('memory.json', chain('wf-memory', ['m'], { desks: [desk('m', { memoryScope: { persist: true, ttlSeconds: 3600 } })] })));
  for (const id of ['run-1', 'run-2']) await ok('workflow', 'run', 'wf-chain', '--run-id', id, '--input', '{"n":1}');
  for (const id of ['mem-1', 'mem-2']) { await ok('workflow', 'run', 'wf-memory', '--run-id', id, '--input', '{"9":1,"1":2}'); await ended(id); }
  for (const id of ['run-1', 'run-2']) await ended(id);
  fs.mkdirSync(at('foreign'));
  fs.writeFileSync(at('foreign/notes.txt'), 'mine');
  fs.writeFileSync(at('garbage'), 'not a store');
  put('bad.json', { workflowId: 'x' });
  put('cycle.json', chain('wf-cycle', ['a', 'b'], { handoffs: [{ handoffId: 'h', fromDeskId: 'a', toDeskId: 'nowhere' }] }));
});
test.after(async () => {
  await sys.close();
  fs.rmSync(tmp, { recursive: true, force: true });
});

// command: [arguments of a success, [arguments of a failure, exit, code]].
const commands = {
  'workflow create': [() => [at('chain.json')], [() => [at('bad.json')], 2, 'BAD_REQUEST']],
  'workflow list': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'workflow show': [() => ['wf-chain'], [() => ['nothing'], 3, 'WORKFLOW_NOT_FOUND']],
  'workflow validate': [() => [at('chain.json')], [() => [at('cycle.json')], 2, 'WORKFLOW_VALIDATION_FAILED']],
  'workflow run': [() => ['wf-chain', '--run-id', 'run-1'], [() => ['wf-chain', '--run-id', '-'], 2, 'INVALID_RUN_ID']],
  'workflow status': [() => ['run-1'], [() => ['nothing'], 3, 'RUN_NOT_FOUND']],
  'workflow timeline': [() => ['run-1'], [() => ['../x'], 2, 'INVALID_RUN_ID']],
  'workflow cancel': [null, [() => ['run-1'], 5, 'RUN_ALREADY_ENDED']],
  'runs list': [() => ['--workflow', 'wf-chain', '--status', 'completed', '--limit', '1'], [() => ['--limit', 'many'], 2, 'BAD_REQUEST']],
  'runs show': [() => ['run-1'], [() => ['nothing'], 3, 'RUN_NOT_FOUND']],
  'runs follow': [() => ['run-1'], [() => ['nothing'], 3, 'RUN_NOT_FOUND']],
  'runs why': [() => ['run-1'], [() => ['nothing'], 3, 'RUN_NOT_FOUND']],
  'runs retry': [() => ['run-1', '--new-run-id', 'run-1-again'], [() => ['nothing'], 3, 'RUN_NOT_FOUND']],
  'runs rerun': [() => ['run-1', '--from', 'b', '--new-run-id', 'run-1-b'], [() => ['run-1', '--from', 'nowhere'], 3, 'DESK_NOT_FOUND']],
  'tasks list': [() => [], [() => ['--nothing'], 2, 'BAD_REQUEST']],
  'tasks show': [null, [() => ['nothing'], 3, 'TASK_NOT_FOUND']],
  'tasks claim': [() => ['me', '--workflow', 'none'], [() => [], 2, 'BAD_REQUEST']],
  'tasks heartbeat': [null, [() => ['nothing', '--token', '1'], 3, 'TASK_NOT_FOUND']],
  'tasks complete': [null, [() => ['nothing', '--token', '1', '--output', '{}'], 3, 'TASK_NOT_FOUND']],
  'tasks fail': [null, [() => ['nothing', '--token', '1', '--error', 'no'], 3, 'TASK_NOT_FOUND']],
  'tasks answer': [null, [() => ['nothing', '--output', '{}'], 3, 'TASK_NOT_FOUND']],
  'events send': [() => ['test/nothing', '--data', '{"a":1}'], [() => ['test/nothing', '--data', '[]'], 2, 'BAD_REQUEST']],
  'events parked': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'events resend': [() => [], [() => ['nothing'], 3, 'NOT_FOUND']],
  'events drop': [null, [() => ['nothing'], 3, 'NOT_FOUND']],
  'plugins list': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'plugins enable': [() => ['hello'], [() => ['nothing'], 3, 'NOT_FOUND']],
  'plugins disable': [() => ['hello'], [() => ['nothing'], 3, 'NOT_FOUND']],
  'agents list': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'agents show': [() => ['work-a-task'], [() => ['nothing'], 3, 'NOT_FOUND']],
  'db migrate': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'db check': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'db backup': [() => [at('backup.db')], [() => [at('garbage')], 5, 'CONFLICT']],
  'db restore': [null, [() => [at('garbage')], 1, 'INTERNAL_SERVER_ERROR']],
  'db shell': [() => ['SELECT 1 AS one; SELECT x.run_id FROM coordination_run x'], [() => ['DELETE FROM coordination_run'], 2, 'BAD_REQUEST']],
  'db size': [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  import: [() => [path.join(root, 'tests/golden/fixtures/main')], [() => [at('foreign')], 3, 'NOT_FOUND']],
  export: [() => [at('export-of-the-table')], [() => [at('foreign')], 5, 'CONFLICT']],
  doctor: [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  explain: [() => ['RUN_QUEUE_FAILED'], [() => ['NO_SUCH_CODE'], 3, 'NOT_FOUND']],
  codes: [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  'hq sync': [() => ['--dry-run'], [() => ['--root', '/nonexistent'], 1, 'INTERNAL_SERVER_ERROR']],
  'hq check': [() => [], [() => ['--root', '/nonexistent'], 3, 'NOT_FOUND']],
  commands: [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  completion: [() => ['zsh'], [() => ['fish'], 2, 'BAD_REQUEST']],
  settings: [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
  setting: [() => ['RAWR_PORT'], [() => ['RAWR_NOTHING'], 3, 'NOT_FOUND']],
  work: [() => ['me', 'cat', '--workflow', 'none', '--wait', '0'], [() => ['me', './nothing'], 3, 'NOT_FOUND']],
  version: [() => [], [() => ['x'], 2, 'BAD_REQUEST']],
};

test('every command of the table is called here', async () => {
  const { commands: rows } = await ok('commands');
  assert.deepEqual(rows.map((r) => r.name).sort(), Object.keys(commands).sort());
});

for (const [name, [good, [bad, exit, code]]] of Object.entries(commands)) {
  if (good)
    test(`rawr ${name} answers with one document`, async () => {
      const r = await json([...name.split(' '), ...good()]);
      assert.equal(r.code, 0, r.stdout + r.stderr);
      assert.equal(r.doc.ok, true);
      assert.equal(r.doc.schema_version, 1);
      assert.equal(r.doc.command, name);
      assert.equal(typeof r.doc.result, 'object');
    });
  test(`rawr ${name} fails with exit ${exit} and one document`, async () => {
    const r = await json([...name.split(' '), ...bad()]);
    assert.equal(r.code, exit, r.stdout + r.stderr);
    assert.equal(r.doc.ok, false);
    assert.equal(r.doc.error.code, code, r.stdout);
    assert.equal(r.doc.error.retryable, exit === 7);
    assert.ok(r.doc.error.message.length > 0);
  });
}

for (const [args, message] of [[['nothing'], /no such command: nothing/], [[], /no such command/], [['db', 'nothing'], /no such command: db nothing/],
  [['version', '--nothing'], /unknown option --nothing/], [['version', '--root'], /--root needs DIR/], [['version', '--json=1'], /--json takes no value/],
  [['version', '--yes', '--yes'], /--yes was given twice/]])
  test(`rawr ${args.join(' ')} is a usage error`, async () => {
    const r = await json(args);
    assert.equal(r.code, 2);
    assert.match(r.doc.error.message, message);
  });

test('a setting that is not valid is named, with the document asked for', async () => {
  const r = await json(['workflow', 'list'], { env: { RAWR_PORT: 'x' } });
  assert.equal(r.code, 2);
  assert.match(r.doc.error.message, /RAWR_PORT/);
});

test('for people the result is on stdout and the error on stderr', async () => {
  const good = await rawr(['workflow', 'list']), bad = await rawr(['workflow', 'show', 'nothing']);
  assert.match(good.stdout, /wf-chain +v1/);
  assert.equal(bad.stdout, '');
  assert.match(bad.stderr, /rawr: workflow not found/);
});

// ------------------------------------------------------------------ the work

test('an agent and a person do their work from the console, and are followed', async () => {
  await ok('workflow', 'run', 'wf-agent', '--run-id', 'agent-1', '--input', '{"q":1}');
  const follower = json(['runs', 'follow', 'agent-1']);
  const task = await open('agent-1', 'a');
  assert.match(JSON.stringify(await ok('runs', 'why', 'agent-1')), new RegExp(task.taskId));
  const claimed = (await ok('tasks', 'claim', 'me', '--workflow', 'wf-agent', '--wait', '10')).task;
  assert.equal(claimed.taskId, task.taskId);
  assert.equal((await ok('tasks', 'show', task.taskId)).task.state, 'claimed');
  await ok('tasks', 'heartbeat', task.taskId, '--token', String(claimed.token), '--lease', '60');
  const late = await json(['tasks', 'complete', task.taskId, '--token', String(claimed.token + 1), '--output', '{}']);
  assert.deepEqual([late.code, late.doc.error.code], [5, 'TASK_LEASE_LOST']);
  await ok('tasks', 'complete', task.taskId, '--token', String(claimed.token), '--output', '{"done":true}');
  const followed = await follower;
  assert.equal(followed.code, 0, followed.stdout);
  assert.equal(followed.doc.result.run.status, 'completed');
  assert.match(followed.stderr, /run\.completed/);

  await ok('workflow', 'run', 'wf-human', '--run-id', 'human-1');
  const question = await open('human-1', 'h');
  await ok('tasks', 'answer', question.taskId, '--output', '{"yes":true}', '--by', 'ann');
  assert.equal((await ended('human-1')).status, 'completed');
  assert.match(JSON.stringify(await ok('workflow', 'timeline', 'human-1')), /ann/);
});

test('a command may wait longer than a request may take', async () => {
  const r = await json(['tasks', 'claim', 'me', '--workflow', 'none', '--wait', '2'], { env: { RAWR_REQUEST_TIMEOUT: '1' } });
  assert.deepEqual([r.code, r.doc.result], [0, { task: null }], r.stdout);
});

test('a task given up for good ends its run, and following it says so', async () => {
  await ok('workflow', 'run', 'wf-agent', '--run-id', 'agent-2');
  await open('agent-2', 'a');
  const t = (await ok('tasks', 'claim', 'me', '--workflow', 'wf-agent')).task;
  await ok('tasks', 'fail', t.taskId, '--token', String(t.token), '--error', 'no idea', '--final');
  const r = await json(['runs', 'follow', 'agent-2']);
  assert.equal(r.code, 1);
  assert.equal(r.doc.error.code, 'RUN_FAILED');
  assert.equal(r.doc.error.data.run.runId, 'agent-2');
});

test('a run is cancelled by the operator', async () => {
  await ok('workflow', 'run', 'wf-agent', '--run-id', 'agent-3');
  const { run } = await ok('workflow', 'cancel', 'agent-3', '--reason', 'enough');
  assert.equal(run.error, 'cancelled by operator: enough');
});

test('input may come from a file and from stdin', async () => {
  await ok('workflow', 'run', 'wf-chain', '--run-id', 'run-file', '--input', `@${put('in.json', { from: 'file' })}`);
  assert.deepEqual((await ended('run-file')).input, { from: 'file' });
  const r = await json(['workflow', 'create', '-'], { input: JSON.stringify({ workflow: chain('wf-stdin', ['a']) }) });
  assert.equal(r.doc.result.workflow.workflowId, 'wf-stdin');
});

// ------------------------------------------------------------------- dry runs

test('a dry run of any command changes nothing', async () => {
  await ok('workflow', 'run', 'wf-agent', '--run-id', 'dry-0');
  await ok('workflow', 'run', 'wf-human', '--run-id', 'dry-h');
  const task = await open('dry-0', 'a'), human = await open('dry-h', 'h');
  const { commands: rows } = await ok('commands');
  const args = {
    'workflow create': [put('dry.json', chain('wf-dry', ['a']))], 'workflow run': ['wf-chain', '--run-id', 'dry-1'],
    'workflow cancel': ['dry-0'], 'runs retry': ['run-1'], 'runs rerun': ['run-1', '--from', 'a'],
    'tasks claim': ['me', '--workflow', 'wf-agent', '--wait', '5'], 'tasks answer': [human.taskId, '--output', '{}'], work: ['me', 'cat', '--workflow', 'wf-agent'],
    'events send': ['rawr/nothing'], 'events resend': [], 'events drop': ['x'], 'plugins enable': ['hello'], 'plugins disable': ['coordination'], 'db migrate': [],
    'db backup': [at('dry.db')], import: [at('dry-import')], export: [at('dry-export')], 'hq sync': [],
    // Refused: there is nothing of that name, and the store is in use.
    'tasks heartbeat': ['x', '--token', '1'], 'tasks complete': ['x', '--token', '1', '--output', '{}'],
    'tasks fail': ['x', '--token', '1', '--error', 'x'], 'db restore': [at('before.db')],
  };
  assert.deepEqual(rows.filter((r) => r.mutates).map((r) => r.name).sort(), Object.keys(args).sort());
  await ok('db', 'backup', at('before.db'));
  await ok('export', at('dry-import'));
  const state = async (n) => { await ok('export', at(n)); return [(await ok('db', 'size')).rows, tree(at(n)), await ok('plugins', 'list'), await ok('tasks', 'show', task.taskId)]; };
  // The runner works beside us, each minute on its cron: the engine's rows are its own, but for events, which `events send` would add.
  const rowsOf = (r) => Object.fromEntries(Object.entries(r).filter(([t]) => !t.startsWith('engine_') || t === 'engine_inbox'));
  const before = await state('dry-before');
  for (const [name, a] of Object.entries(args)) {
    const r = await json([...name.split(' '), ...a, '--dry-run', '--yes']);
    const refused = { 'db restore': 5, 'tasks heartbeat': 3, 'tasks complete': 3, 'tasks fail': 3, 'events drop': 3 }[name] ?? 0;
    assert.equal(r.code, refused, `${name}: ${r.stdout}${r.stderr}`);
    assert.equal(r.doc.dry_run, true);
  }
  const after = await state('dry-after');
  assert.deepEqual([rowsOf(after[0]), ...after.slice(1)], [rowsOf(before[0]), ...before.slice(1)]);
  for (const f of ['dry.db', 'dry-export']) assert.ok(!fs.existsSync(at(f)), f);
  await ok('workflow', 'cancel', 'dry-0');
  await ok('workflow', 'cancel', 'dry-h');
});

// ----------------------------------------------------------------- the store

test('db shell reads SQL from stdin and cannot write by any way', async () => {
  const r = await json(['db', 'shell'], { input: "SELECT count(*) AS n FROM coordination_run WHERE run_id = 'run-1'" });
  assert.deepEqual(r.doc.result.rows, [{ n: 1 }]);
  for (const sql of [`ATTACH '${at('x.db')}' AS x`, `VACUUM INTO '${at('x.db')}'`, 'BEGIN IMMEDIATE', 'CREATE TABLE t (x)', 'PRAGMA journal_mode = DELETE', 'SELECT 1; DROP TABLE coordination_run', 'nonsense']) {
    const w = await json(['db', 'shell', sql]);
    assert.deepEqual([w.code, w.doc.error?.code], [2, 'BAD_REQUEST'], sql);
  }
  assert.ok(!fs.existsSync(at('x.db')));
});

test('a store in use is not replaced; one that nobody uses is, and what was there is kept', async () => {
  await ok('db', 'backup', at('live.db'));
  const used = await json(['db', 'restore', at('live.db')]);
  assert.deepEqual([used.code, used.doc.error.code], [5, 'CONFLICT'], used.stdout);
  const env = store();
  const first = await json(['db', 'restore', at('live.db')], { env });
  assert.equal(first.code, 0, first.stdout);
  assert.equal(first.doc.result.kept, null);
  await json(['workflow', 'create', put('later.json', chain('wf-later', ['a']))], { env });
  const again = await json(['db', 'restore', at('live.db')], { env });
  assert.equal(again.code, 0, again.stdout);
  const ids = async (e) => (await json(['workflow', 'list'], { env: { ...env, ...e } })).doc.result.workflows.map((w) => w.workflowId);
  assert.ok(!(await ids()).includes('wf-later'));
  assert.ok((await ids({ RAWR_STORE: again.doc.result.kept })).includes('wf-later'));
  assert.equal((await json(['db', 'check'], { env })).code, 0);
});

test('the doctor finds nothing wrong here, and says what is wrong elsewhere', async () => {
  const well = await ok('doctor');
  assert.deepEqual(well.checks.filter((c) => c.verdict === 'fail'), []);
  const r = await json(['doctor'], { env: store() });
  assert.equal(r.code, 1);
  assert.equal(r.doc.ok, false);
  assert.deepEqual(r.doc.result.checks.filter((c) => c.verdict === 'fail').map((c) => c.check), ['signing key', 'store', 'responders', 'runner']);
  for (const c of r.doc.result.checks) assert.equal(c.verdict === 'ok', c.fix === null);
});

test('every code has a meaning, and all but a few say what to do', async () => {
  const { codes } = await ok('codes');
  for (const c of codes) assert.ok(c.meaning && (c.status >= 400 || c.code === 'RUN_FAILED'), JSON.stringify(c)); // that one is the console's own
  assert.deepEqual(codes.filter((c) => !c.fix).map((c) => c.code), ['RUN_ALREADY_ENDED']);
});

test('the completion offers the commands of a group and the options of a command', async () => {
  const script = `${(await ok('completion', 'bash')).script}
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rawr; echo "\${COMPREPLY[*]}"; }
    try rawr workf; try rawr db re; try rawr workflow run x --in`;
  assert.equal(execFileSync('bash', ['-c', script]).toString(), 'workflow\nrestore\n--input\n');
});

// ---------------------------------------------------------- import and export

test('a filled store comes back through export and import, byte for byte', async () => {
  await ok('export', at('rt-1'));
  const first = tree(at('rt-1'));
  assert.ok(Object.keys(first).some((f) => f.startsWith('coordination/memory/wf-memory/')), Object.keys(first).join());
  assert.ok(first['coordination/runs/run-1.json'].startsWith('{\n  "runId"'));
  for (const [f, text] of Object.entries(first)) assert.equal(text, JSON.stringify(JSON.parse(text), null, 2), f);
  const env = store();
  const taken = await json(['import', at('rt-1')], { env });
  assert.equal(taken.code, 0, taken.stdout);
  assert.equal(taken.doc.result.refused, 0, taken.stdout);
  assert.equal((await json(['export', at('rt-2')], { env })).code, 0);
  assert.deepEqual(tree(at('rt-2')), first);
  const list = async (e) => (await json(['workflow', 'list'], { env: e })).doc.result;
  assert.deepEqual(await list(env), await list({}));
});

// What the reference writes, as fixtures: odd numbers, keys, times and versions.
function reference(dir, runs) {
  const w = (f, v) => { fs.mkdirSync(path.dirname(path.join(dir, f)), { recursive: true }); fs.writeFileSync(path.join(dir, f), JSON.stringify(v, null, 2)); };
  const iso = (n) => new Date(1.7e12 + n).toISOString();
  const golden = path.join(root, 'tests/golden/fixtures/main/.rawr/state/state.json');
  w('state/state.json', JSON.parse(fs.readFileSync(golden, 'utf8')));
  for (let i = 0; i < 5; i++) w(`coordination/workflows/wf-${i}.json`, { updatedAt: iso(i), ...chain(`wf-${i}`, ['a', 'b.c_d-e']), zusätzlich: '\u0000\ud800é', version: 1e21 });
  for (let i = 0; i < runs; i++) {
    const id = `run-${i}.X_y`;
    w(`coordination/runs/${id}.json`, { status: i % 3 ? 'completed' : 'failed', runId: id, workflowId: 'wf-0', workflowVersion: 1, startedAt: iso(i),
      output: { 10: -0, 2: 1e-7, a: [1.0, 'x\u2028'] }, extra: null, traceLinks: [] });
    if (i % 5) w(`coordination/timelines/${id}.json`, [3, 1, 2].map((n) => ({ ts: iso(n), eventId: `e${n}`, runId: id, workflowId: 'wf-0', type: 'run.started', status: 'queued', more: n })));
  }
  for (const d of ['a', 'b.c_d-e']) w(`coordination/memory/wf-0/${d}.json`, { workflowId: 'wf-0', workflowVersion: 2, deskId: d, memoryKey: 'default', data: { d }, updatedAt: iso(9), expiresAt: iso(99) });
  for (const v of [1, 3]) w(`coordination/memory-versions/wf-0/${v}/a.json`, { workflowId: 'wf-0', workflowVersion: v, deskId: 'a', memoryKey: 'default', data: null, updatedAt: iso(v) });
}

test('a reference installation comes back byte for byte', async () => {
  reference(at('ref'), 20);
  const env = store();
  assert.equal((await json(['import', at('ref')], { env })).doc.result.refused, 0);
  assert.equal((await json(['export', at('ref-out')], { env })).code, 0);
  assert.deepEqual(tree(at('ref-out')), tree(at('ref')));
  const again = await json(['import', at('ref')], { env });
  assert.equal(again.code, 0);
  assert.equal((await json(['export', at('ref-out')], { env })).code, 0, 'into its own export');
  assert.deepEqual(tree(at('ref-out')), tree(at('ref')));
  const other = await json(['export', at('ref-out')]);
  assert.deepEqual([other.code, other.doc.error.code], [5, 'CONFLICT'], 'the export of another store');
});

test('progress is told on stderr where it is asked for, and nowhere else', async () => {
  const env = store();
  reference(at('told'), 10);
  const loud = await rawr(['import', at('told'), '--progress', '5'], { env });
  assert.match(loud.stderr, /^import: 5 of \d+$/m);
  assert.equal((await rawr(['export', at('told-out')], { env })).stderr, '');
});

// Kill after a random time, again and again, until one is done.
async function killed(args, env, done) {
  let kills = 0;
  for (let limit = 2; ; limit = Math.ceil(limit * 1.4)) {
    const p = spawn(path.join(bin, 'rawr'), args, { env: { ...sys.env, ...env }, cwd: root, stdio: 'ignore' });
    const timer = setTimeout(() => p.kill('SIGKILL'), 1 + Math.random() * limit);
    const code = await new Promise((r) => p.once('exit', r));
    clearTimeout(timer);
    if (code === 0) return kills;
    kills++;
    if (done) await done();
  }
}

test('an import that is killed again and again ends as one that was not', async () => {
  reference(at('kill-in'), 120);
  const env = store();
  await json(['db', 'migrate'], { env });
  const kills = await killed(['import', at('kill-in')], env);
  assert.ok(kills > 3, `${kills} kills`);
  assert.equal((await json(['export', at('kill-out')], { env })).code, 0);
  assert.deepEqual(tree(at('kill-out')), tree(at('kill-in')));
});

test('an export that is killed again and again ends as one that was not', async () => {
  reference(at('kill-from'), 120);
  const env = store();
  assert.equal((await json(['import', at('kill-from')], { env })).code, 0);
  let halves = 0;
  const into = store();
  const kills = await killed(['export', at('kill-to')], env, async () => {
    if (halves > 2 || !fs.existsSync(at('kill-to/export.json'))) return;
    if (JSON.parse(fs.readFileSync(at('kill-to/export.json'), 'utf8')).complete) return;
    halves++;
    const r = await json(['import', at('kill-to')], { env: into });
    assert.deepEqual([r.code, r.doc.error.code], [5, 'CONFLICT'], 'half an export is not taken over');
  });
  assert.ok(kills > 3 && halves > 0, `${kills} kills, ${halves} halves`);
  assert.deepEqual(tree(at('kill-to')), tree(at('kill-from')));
  assert.deepEqual(Object.keys(tree(at('kill-to'))).filter((f) => /\.new-/.test(f)), []);
});
