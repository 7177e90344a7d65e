// A system that has nothing to do does nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System, chain, until } from '../lib/system.mjs';
import { storeProgram } from '../faults/checker.mjs';

const SECONDS = 3;
const PROGRAMS = ['rpc', 'openapi', 'workflows', 'inngest', 'runner'];

let sys;
test.before(async () => { sys = await System.start(); });
test.after(() => sys.close());

const processes = () => PROGRAMS.flatMap((name) => [sys.pid(name), ...sys.workers(name)].map((pid) => ({ name, pid })));
const field = (pid, file, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1]);
const ticks = (pid) => fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ').slice(11, 13).reduce((n, t) => n + Number(t), 0);
// What a process has done so far: bytes written, wake-ups, ticks of 10 ms.
const done = () => processes().map(({ name, pid }) => ({ name, pid, written: field(pid, 'io', 'wchar'), woken: field(pid, 'status', 'voluntary_ctxt_switches'), ticks: ticks(pid) }));

// What stands in shared memory: a write to it is none of the above.
const figures = () => PROGRAMS.map((name) => fs.readFileSync(path.join(sys.dir, 'run', `${name}.figures`)).toString('base64'));

async function work() {
  assert.equal((await sys.rpc('coordination/saveWorkflow', { workflow: chain('wf-idle', ['a', 'b']) })).status, 200);
  assert.equal((await sys.rpc('coordination/queueRun', { workflowId: 'wf-idle', runId: 'run-idle' })).status, 200);
  assert.equal((await sys.finish('run-idle')).status, 'completed');
}

// The log is moved into the file when nothing has been written for a while.
function rest() {
  let last = '', at = Date.now();
  return until('rest', () => {
    const now = JSON.stringify(done().map((p) => p.written));
    if (now !== last) [last, at] = [now, Date.now()];
    return Date.now() - at > 2000;
  });
}

test('an idle system writes nothing, and only the runner wakes up, once a second', async () => {
  await work();
  await rest();
  const before = done(), shown = figures(), since = Date.now();
  await until('some idle seconds', () => Date.now() - since >= SECONDS * 1000);
  const after = done(), seconds = (Date.now() - since) / 1000;
  assert.deepEqual(after.map((p) => p.pid), before.map((p) => p.pid), 'the same processes');
  assert.deepEqual(figures(), shown, 'nothing was counted');
  for (const [i, p] of after.entries()) {
    const woken = p.woken - before[i].woken;
    assert.equal(p.written - before[i].written, 0, `${p.name} wrote`);
    assert.ok(woken <= (p.name === 'runner' ? 2 * seconds + 2 : 2), `${p.name} woke up ${woken} times in ${seconds} s`);
    assert.ok(p.ticks - before[i].ticks <= 1, `${p.name} used ${p.ticks - before[i].ticks} ticks`);
  }
});

test('an idle runner asks for no lock: it does not notice that another has it', async () => {
  await rest();
  const before = sys.logs('runner');
  const holder = spawn(storeProgram('hold'), [path.join(sys.dir, 'rawr.db'), 'lock'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve, reject) => { holder.stdout.once('data', resolve); holder.once('exit', () => reject(new Error('no lock'))); });
    // Longer than a turn waits for a lock, and the pause between two.
    const since = Date.now();
    await until('some idle seconds', () => Date.now() - since >= 2 * SECONDS * 1000);
  } finally { holder.kill(); }
  assert.equal(sys.logs('runner'), before);
});
