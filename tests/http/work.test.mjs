// rawr work: an agent that is a program, beside a whole system.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { preload } from '../faults/native.mjs';
import { System, bin, chain, root, until } from '../lib/system.mjs';

let sys, tmp;
const at = (f) => path.join(tmp, f);
const read = (f) => fs.readFileSync(at(f), 'utf8');
const api = '/api/workflows/coordination';
let n = 0;

test.before(async () => {
  tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-work-'));
  sys = await System.start({ RAWR_RETRY_INTERVAL: '1' });
});
test.after(async () => {
  await sys.close();
  fs.rmSync(tmp, { recursive: true, force: true });
});

// A run whose one desk waits for an agent; kind is its own.
async function offer(input = {}, more = {}) {
  const id = `work-${n++}`;
  const w = chain(id, ['a']);
  Object.assign(w.desks[0], { executor: { kind: 'agent', taskKind: id }, runtimePolicy: { retries: 2 } }, more);
  assert.equal((await sys.rpc('coordination/saveWorkflow', { workflow: w })).status, 200);
  assert.equal((await sys.post(`${api}/workflows/${id}/run`, { runId: id, input })).status, 200);
  const task = () => sys.get(`${api}/tasks?runId=${id}`).then((r) => r.json.tasks[0]);
  await until('the task', task);
  return { id, task };
}
// rawr work ann, as a script starts it; sh is its program.
const work = (id, sh, ...options) => workIn({}, id, sh, ...options);
function workIn(env, id, sh, ...options) {
  const p = spawn(path.join(bin, 'rawr'), ['--json', 'work', 'ann', '--kind', id, ...options, '--', 'sh', '-c', sh, 'sh'], { env: { ...sys.env, ...env }, cwd: tmp });
  const r = { p, out: '', err: '' };
  p.stdout.on('data', (d) => { r.out += d; });
  p.stderr.on('data', (d) => { r.err += d; });
  r.end = new Promise((resolve) => p.on('close', (code, signal) => resolve({ code, signal, err: r.err, result: r.out ? JSON.parse(r.out).result : undefined, doc: r.out })));
  return r;
}
const done = async (id, sh, ...options) => {
  const r = await work(id, sh, '--tasks', '1', ...options).end;
  assert.equal(r.code, 0, r.doc + r.err);
  return r.result;
};
const counts = (r) => [r.completed, r.failed, r.lost];
const appears = (f) => until(`the file ${f}`, () => fs.existsSync(at(f)) && read(f).length > 0);
const alive = (pid) => { try { process.kill(pid, 0); return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')); } catch { return false; } };
// A program that says who it is and goes on until it is told.
const waits = (f) => `echo $$ >${f}.new; mv ${f}.new ${f}; until [ -e ${f}.go ]; do sleep 0.02; done; echo '{"late":true}'`;

test('a task goes to the program as one line, and what it prints is the output', async () => {
  const { id, task } = await offer({ q: 'ü' });
  assert.deepEqual(counts(await done(id, 'tee seen | wc -l >lines; echo \'{"answer": 42}\'')), [1, 0, 0]);
  const seen = JSON.parse(read('seen'));
  assert.deepEqual([seen.taskId, seen.input, seen.by, seen.token, seen.desk.deskId], [(await task()).taskId, { q: 'ü' }, 'ann', 1, 'a']);
  assert.equal(read('lines').trim(), '1');
  assert.deepEqual((await sys.finish(id)).output, { answer: 42 });
});

test('an input larger than a pipe reaches the program whole', async () => {
  const { id } = await offer({ text: 'x'.repeat(300000) });
  assert.deepEqual(counts(await done(id, 'n=$(wc -c); echo "{\\"n\\": $n}"')), [1, 0, 0]);
  assert.ok((await sys.finish(id)).output.n > 300000);
});

test('a program need not read its input', async () => {
  const { id } = await offer({ text: 'x'.repeat(300000) });
  assert.deepEqual(counts(await done(id, 'exec <&-; echo \'{}\'')), [1, 0, 0]);
});

test('any other exit gives the task back, and it is tried again', async () => {
  const { id, task } = await offer();
  const r = await work(id, 'echo >>tries-a; [ $(wc -l <tries-a) -ge 3 ] || exit 7; echo \'{"ok":true}\'', '--tasks', '3', '--wait', '10').end;
  assert.deepEqual(counts(r.result), [1, 2, 0], r.err);
  assert.match(r.err, /given back: sh: exit 7/);
  assert.deepEqual([(await task()).state, (await task()).attempt], ['completed', 3]);
});

test('a program that a signal ends gives the task back', async () => {
  const { id } = await offer();
  const r = await work(id, 'kill -9 $$', '--tasks', '1').end;
  assert.deepEqual(counts(r.result), [0, 1, 0]);
  assert.match(r.err, /given back: sh: signal 9/);
});

test('exit 65 gives the task up for good', async () => {
  const { id, task } = await offer();
  assert.deepEqual(counts(await done(id, 'exit 65')), [0, 1, 0]);
  assert.deepEqual([(await task()).state, (await task()).attempt], ['failed', 1]);
  assert.equal((await sys.finish(id)).status, 'failed');
});

for (const [what, sh, said] of [['no JSON', 'echo yes', /output is not JSON/], ['nothing', 'true', /output is not JSON/]])
  test(`a program that prints ${what} has not done the task`, async () => {
    const { id, task } = await offer();
    const r = await work(id, sh, '--tasks', '1').end;
    assert.deepEqual(counts(r.result), [0, 1, 0]);
    assert.match(r.err, said);
    assert.equal((await task()).state, 'open');
  });

test('an output that does not fit the desk is told, and the task is offered again', async () => {
  const { id, task } = await offer({}, { outputSchema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } });
  const r = await work(id, 'echo \'{"n": "x"}\'', '--tasks', '1').end;
  assert.deepEqual(counts(r.result), [0, 1, 0]);
  assert.match(r.err, /not taken: /);
  assert.equal((await task()).state, 'open');
});

test('an output over the bound ends the program and the task', async () => {
  const { id, task } = await offer();
  const r = await work(id, 'yes', '--tasks', '1').end;
  assert.deepEqual(counts(r.result), [0, 1, 0]);
  assert.match(r.err, /too large/);
  assert.equal((await task()).state, 'failed');
});

test('a task is kept for as long as its program runs', async () => {
  const { id, task } = await offer();
  const w = work(id, waits('keep'), '--tasks', '1', '--lease', '1');
  await appears('keep');
  const first = Date.parse((await sys.get(`${api}/tasks/${(await task()).taskId}`)).json.task.leaseUntil);
  await until('two leases later', async () => Date.parse((await sys.get(`${api}/tasks/${(await task()).taskId}`)).json.task.leaseUntil) > first + 2000);
  assert.equal((await sys.post(`${api}/tasks/claim`, { agentId: 'thief', kind: id })).json.task, null);
  fs.writeFileSync(at('keep.go'), '');
  assert.deepEqual(counts((await w.end).result), [1, 0, 0]);
  assert.equal((await task()).attempt, 1);
});

// Its clock is on by so much whenever it is read: many heartbeats in little time.
const hasty = (ms) => ({ LD_PRELOAD: preload('hasty'), RAWR_HASTE: String(ms), ASAN_OPTIONS: `${sys.env.ASAN_OPTIONS}:verify_asan_link_order=0` });
const chatty = (times) => `i=0; while [ $i -lt ${times} ]; do echo; i=$((i + 1)); done; echo '{"said":true}'`;

test('a heartbeat that falls due between two looks at the clock ends no program', async () => {
  const { id } = await offer();
  const r = await workIn(hasty(150), id, chatty(1000), '--tasks', '1', '--lease', '1').end;
  assert.deepEqual(counts(r.result), [1, 0, 0], r.err);
});

test('heartbeats leave nothing in memory', async (t) => {
  t.after(() => fs.writeFileSync(at('beats.go'), '')); // one that lives on
  const { id, task } = await offer({ text: 'x'.repeat(900000) });
  const w = workIn(hasty(500), id, waits('beats'), '--tasks', '1', '--lease', '1');
  await appears('beats');
  const ends = async () => Date.parse((await sys.get(`${api}/tasks/${(await task()).taskId}`)).json.task.leaseUntil);
  const first = await ends();
  await until('seconds full of heartbeats', async () => w.p.exitCode !== null || w.p.signalCode !== null || await ends() > first + 3000);
  fs.writeFileSync(at('beats.go'), '');
  const r = await w.end;
  assert.deepEqual([r.code, r.signal, ...counts(r.result ?? {})], [0, null, 1, 0, 0], r.err);
});

test('a program whose task is nobody\'s any more is ended', async () => {
  const { id } = await offer();
  const w = work(id, waits('cancel'), '--tasks', '1', '--lease', '1');
  await appears('cancel');
  assert.equal((await sys.rawr('workflow', 'cancel', id)).code, 0);
  const r = await w.end;
  assert.deepEqual(counts(r.result), [0, 0, 1], r.err);
  assert.ok(!alive(Number(read('cancel'))));
});

test('told to stop it finishes what it has in hand, and takes no more', async () => {
  const { id } = await offer();
  const other = await offer();
  const w = work(id, waits('stop'));
  await appears('stop');
  w.p.kill('SIGTERM');
  fs.writeFileSync(at('stop.go'), '');
  const r = await w.end;
  assert.deepEqual([r.code, ...counts(r.result)], [0, 1, 0, 0], r.err);
  assert.equal((await other.task()).state, 'open');
});

test('told twice it ends the program and gives the task back', async () => {
  const { id, task } = await offer();
  const w = work(id, waits('twice'));
  await appears('twice');
  w.p.kill('SIGTERM');
  await until('the first signal was taken', () => { w.p.kill('SIGTERM'); return /given back: the agent was told to stop/.test(w.err); });
  const r = await w.end;
  assert.deepEqual([r.code, ...counts(r.result)], [0, 0, 1, 0], r.err);
  assert.equal((await task()).state, 'open');
  assert.ok(!alive(Number(read('twice'))));
});

test('a program that is ended may print and has its time all the same', async () => {
  const { id } = await offer();
  const w = work(id, `trap 'i=0; while [ $i -lt 20000 ]; do echo; i=$((i + 1)); done; echo >said; exit 1' TERM; ${waits('prints')}`);
  await appears('prints');
  w.p.kill('SIGTERM');
  await until('its end', () => { w.p.kill('SIGTERM'); return w.p.exitCode !== null; });
  assert.deepEqual(counts((await w.end).result), [0, 1, 0], w.err);
  assert.ok(fs.existsSync(at('said')));
});

test('a program that is ended for its output is not listened to any more', async () => {
  const { id, task } = await offer();
  const r = await work(id, "trap '' TERM; yes 2>/dev/null; echo >closed", '--tasks', '1').end;
  assert.deepEqual(counts(r.result), [0, 1, 0], r.err);
  assert.ok(fs.existsSync(at('closed')));
  assert.equal((await task()).state, 'failed');
});

test('killed it takes its program with it, and the task is offered again', async (t) => {
  t.after(() => fs.writeFileSync(at('kill.go'), '')); // one that lives on
  const { id, task } = await offer();
  const w = work(id, waits('kill'), '--lease', '1');
  await appears('kill');
  const exit = once(w.p, 'exit');
  w.p.kill('SIGKILL');
  assert.equal((await exit)[1], 'SIGKILL');
  await until('the end of the program', () => !alive(Number(read('kill'))), 5);
  const again = (await sys.post(`${api}/tasks/claim`, { agentId: 'bob', kind: id, waitSeconds: 20 })).json.task;
  assert.deepEqual([again.attempt, again.by], [2, 'bob']);
  assert.equal((await task()).state, 'claimed');
});

test('it waits for a task that comes later, and leaves when none comes', async () => {
  const w = work('later', 'echo \'{}\'', '--wait', '20', '--tasks', '1');
  const flow = chain('later', ['a']);
  flow.desks[0].executor = { kind: 'agent', taskKind: 'later' };
  await sys.rpc('coordination/saveWorkflow', { workflow: flow });
  await sys.post(`${api}/workflows/later/run`, { runId: 'later', input: {} });
  assert.deepEqual(counts((await w.end).result), [1, 0, 0]);
  assert.deepEqual(counts((await work('later', 'true', '--wait', '0').end).result), [0, 0, 0]);
});

test('a program that is not there is told before anything is claimed', async () => {
  const { id, task } = await offer();
  for (const program of ['./nothing', 'no-such-program']) {
    const r = await sys.rawr('work', 'ann', '--kind', id, '--tasks', '1', program);
    assert.deepEqual([r.code, r.doc.error.code], [3, 'NOT_FOUND']);
  }
  assert.equal((await task()).state, 'open');
});

test('a dry run says what it would be given, and takes nothing', async () => {
  const { id, task } = await offer();
  const r = await sys.rawr('work', 'ann', '--kind', id, '--dry-run', 'cat');
  assert.deepEqual([r.code, r.doc.result.next], [0, (await task()).taskId]);
  assert.equal((await task()).state, 'open');
});

test('a command whose plugin is off does not run, and says how to switch it on', async () => {
  const { id, task } = await offer();
  for (const by of ['@rawr/plugin-cli-coordination', 'coordination']) {
    assert.equal((await sys.rawr('plugins', 'disable', by)).code, 0);
    const r = await sys.rawr('work', 'ann', '--kind', id, '--wait', '0', 'cat');
    assert.deepEqual([r.code, r.doc.error.code], [5, 'CONFLICT']);
    assert.match(r.doc.error.message, /work is of a plugin that is off: rawr plugins enable @rawr\/plugin-cli-coordination$/);
    assert.equal((await sys.rawr('plugins', 'enable', by)).code, 0);
  }
  assert.equal((await task()).state, 'open');
  assert.equal((await sys.rawr('work', 'ann', '--kind', id, '--wait', '0', 'true')).code, 0);
});

test('plugins list has it, and the commands say whose it is', async () => {
  const row = (await sys.rawr('plugins', 'list')).doc.result.plugins.find((p) => p.kind === 'cli');
  assert.deepEqual([row.name, row.enabled], ['@rawr/plugin-cli-coordination', true]);
  const { commands } = (await sys.rawr('commands')).doc.result;
  assert.deepEqual(commands.filter((c) => c.plugin).map((c) => [c.name, c.plugin, c.mutates]), [['work', '@rawr/plugin-cli-coordination', true]]);
  const written = JSON.parse(fs.readFileSync(path.join(root, 'plugins/cli/coordination/commands.json'), 'utf8')).commands.work;
  assert.deepEqual(commands.find((c) => c.name === 'work').options.map((o) => o.name), written.options.map((o) => o.name));
});
