// An app of the official SDK, served by our engine: registered, called over
// HTTP, its steps recorded, whoever dies meanwhile.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { preload } from '../faults/native.mjs';
import { bin, chain, until } from '../lib/system.mjs';
import { App, AppSystem } from './app_system.mjs';

const require = createRequire(path.resolve(import.meta.dirname, '../clients/x.js'));

async function served(t, env = {}, app = {}) {
  const sys = await AppSystem.start(env);
  const a = new App(sys, sys.appPort, app);
  t.after(async () => { await a.kill(); await sys.close(); });
  await a.start();
  const r = await a.register();
  assert.deepEqual([r.status, r.json], [200, { message: 'Successfully registered', modified: true }]);
  return { sys, app: a };
}

for (const [mode, checkpointing] of [['step by step', '0'], ['with checkpoints', '1']])
  test(`an app whose SDK works ${mode}`, async (t) => {
    const { sys, app } = await served(t, { RAWR_LEASE: '2', RAWR_LOG_LEVEL: 'debug' }, { APP_CHECKPOINTING: checkpointing });
    const asked = (what) => sys.logs('engine').split('\n').filter((l) => l.includes(what)).length;

    await t.test('is registered once as long as it does not change', async () => {
      assert.deepEqual((await app.register()).json, { message: 'Successfully registered', modified: false });
    });
    await t.test('has five steps run, each once', async () => {
      const run = await sys.run('app/five', { k: 'a', by: 2 });
      assert.deepEqual([run.status, run.output], ['Completed', { sum: 30 }]);
      for (const n of [1, 2, 3, 4, 5]) assert.equal(app.ran(`five a s${n}`), 1);
      assert.equal(asked('/v1/checkpoint/') > 0, checkpointing === '1', 'and only then checkpoints come');
    });
    await t.test('has a failing step tried again until it succeeds', async () => {
      const run = await sys.run('app/retries', { k: 'a' });
      assert.deepEqual([run.status, run.output], ['Completed', 2]);
      assert.deepEqual(app.lines().filter((l) => l.what === 'flaky a').map((l) => l.attempt), [0, 1, 2]);
    });
    await t.test('has a step tried again no earlier than it asks', async () => {
      const run = await sys.run('app/after', { k: 'a' });
      assert.equal(run.output, 'done');
      const [first, second] = app.lines().filter((l) => l.what === 'later a').map((l) => l.at);
      assert.ok(second - first >= 990, `${second - first} ms`);
    });
    await t.test('has its function fail at once where it says so, and its onFailure told', async () => {
      const run = await sys.run('app/throws', { k: 'final', final: true });
      assert.deepEqual([run.status, run.output.message], ['Failed', 'never']);
      assert.equal(app.ran('throws final'), 1);
      const told = await until('onFailure', () => app.lines().find((l) => l.what === 'failure final'));
      assert.deepEqual([told.message, told.fn], ['never', 'test-app-throws']);
    });
    await t.test('has its function fail when its attempts are used up', async () => {
      const run = await sys.run('app/throws', { k: 'used' });
      assert.deepEqual([run.status, run.output.message, app.ran('throws used')], ['Failed', 'always', 2]);
    });
    await t.test('catches the error of a step', async () => {
      assert.equal((await sys.run('app/catches', {})).output, 'TypeError: boom');
    });
    await t.test('sleeps', async () => {
      assert.equal((await sys.run('app/sleeps', { k: 'a' })).output, 'awake');
      const at = (what) => app.lines().find((l) => l.what === `sleeps a ${what}`).at;
      assert.ok(at('behind') - at('before') >= 990);
      assert.equal(app.ran('sleeps a before'), 1);
    });
    await t.test('waits for an event that matches', async () => {
      const event = await sys.send('app/waits', { k: 'a' });
      const run = await until('a run that waits', async () => (await sys.runsOf(event))[0]);
      await until('the wait', () => sys.rows(`SELECT 1 FROM engine_job JOIN engine_run r ON r.num = run WHERE r.id = '${run.run_id}' AND wait_event = 'app/resume'`).length > 0);
      await sys.send('app/resume', { k: 'b', answer: 1 });
      await sys.send('app/resume', { k: 'a', answer: 2 });
      assert.equal((await sys.ended(event)).output, 2);
    });
    await t.test('waits no longer than it says', async () => {
      assert.equal((await sys.run('app/waits', { k: 'never', timeout: '1s' })).output, 'timed out');
    });
    await t.test('invokes another function', async () => {
      assert.deepEqual((await sys.run('app/parent', { n: 21 })).output, { v: 42 });
    });
    await t.test('fails with the function that it invoked', async () => {
      const run = await sys.run('app/parent', { n: 1, fail: true });
      assert.deepEqual([run.status, run.output.message], ['Failed', 'child failed']);
    });
    await t.test('runs steps side by side, each once', async () => {
      const run = await sys.run('app/parallel', { k: 'a' });
      assert.deepEqual(run.output, { all: [1, 2, 3], then: 6 });
      for (const n of [1, 2, 3]) assert.equal(app.ran(`parallel a p${n}`), 1);
    });
    await t.test('sends events in a step', async () => {
      const sent = (await sys.run('app/sends', { k: 'sent' })).output.ids;
      assert.deepEqual((await sys.ended(sent[0])).output, { sum: 15 });
    });
    await t.test('sends events by its client', async () => {
      const { Inngest } = require('inngest');
      const client = new Inngest({ id: 'sender', baseUrl: sys.base, eventKey: sys.eventKey, isDev: false });
      const { ids } = await client.send([{ name: 'app/five', data: { k: 'c1', by: 1 } }, { name: 'app/five', data: { k: 'c2', by: 2 } }]);
      assert.deepEqual([(await sys.ended(ids[0])).output, (await sys.ended(ids[1])).output], [{ sum: 15 }, { sum: 30 }]);
      await assert.rejects(new Inngest({ id: 'sender', baseUrl: sys.base, eventKey: 'x'.repeat(32), isDev: false }).send({ name: 'app/five', data: {} }), /Event key not found/);
    });
    await t.test('fetches a state that is too large for a call', async () => {
      assert.equal((await sys.run('app/large', {})).output, 3_800_000);
      if (checkpointing === '0') assert.ok(asked('/actions') > 0 && asked('/batch') > 0);
    });
    await t.test('is killed in a step and started again, and loses no step', async () => {
      const event = await sys.send('app/hangs', { k: 'app' });
      await until('the second step', () => app.ran('hangs app second') === 1);
      await app.kill();
      await app.start();
      await until('the second step again', () => app.ran('hangs app second') === 2);
      app.open('app');
      assert.equal((await sys.ended(event)).output, 3);
      assert.deepEqual(['first', 'second', 'third'].map((s) => app.ran(`hangs app ${s}`)), [1, 2, 1]);
    });
    await t.test('goes on when the runner was killed under its call, which is fenced off', async () => {
      const event = await sys.send('app/hangs', { k: 'runner' });
      await until('the second step', () => app.ran('hangs runner second') === 1);
      process.kill(sys.pid('runner'), 'SIGKILL');
      sys.startRunner();
      await until('the second step again', () => app.ran('hangs runner second') === 2);
      app.open('runner'); // both calls go on now
      assert.equal((await sys.ended(event)).output, 3);
      assert.deepEqual(['first', 'second', 'third'].map((s) => app.ran(`hangs runner ${s}`)), [1, 2, 1]);
      if (checkpointing === '1') await until('a checkpoint that was refused', () => asked('"status":409') === 1);
    });
    await t.test('goes on when the engine API was killed', async () => {
      const event = await sys.send('app/hangs', { k: 'engine' });
      await until('the second step', () => app.ran('hangs engine second') === 1);
      process.kill(sys.workers('engine')[0], 'SIGKILL');
      app.open('engine');
      assert.equal((await sys.ended(event)).output, 3);
      assert.deepEqual(['first', 'second', 'third'].map((s) => app.ran(`hangs engine ${s}`)), [1, 1, 1]);
    });
  });

test('an app that streams its answers is understood', async (t) => {
  const { sys } = await served(t, {}, { INNGEST_STREAMING: 'true' });
  assert.deepEqual((await sys.run('app/five', { k: 'a', by: 1 })).output, { sum: 15 });
  assert.equal((await sys.run('app/retries', { k: 'a' })).output, 2);
  assert.equal((await sys.run('app/throws', { k: 'a', final: true })).output.message, 'never');
});

test('events and a registration that came while the runner was away are not lost', async (t) => {
  const sys = await AppSystem.start({ RAWR_RUNNER: 'off' });
  const app = new App(sys, sys.appPort);
  t.after(async () => { await app.kill(); await sys.close(); });
  await app.start();
  assert.equal((await app.register()).status, 200);
  const event = await sys.send('app/only', { k: 'early' });
  await app.kill();
  sys.startRunner();
  await until('a call that nobody takes', async () => (await sys.runsOf(event)).length === 1);
  await app.start(); // it does not register again
  assert.equal((await sys.ended(event)).output, 'early');
});

const sanitized = /san$/.test(process.env.RAWR_BIN ?? '') && 'a preloaded clock does not go with ASan';
test('a cron function runs when its time comes, once', { skip: sanitized }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-sdk-'));
  const file = path.join(dir, 'shift');
  fs.writeFileSync(file, Buffer.alloc(8));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const { app } = await served(t, { LD_PRELOAD: preload('shift'), RAWR_SHIFT: file });
  const before = app.ran('tick');
  const b = Buffer.alloc(8);
  b.writeBigInt64LE(60n * 1000000000n);
  fs.writeFileSync(file, b, { flag: 'r+' });
  await until('a tick', () => app.ran('tick') > before);
  const tick = app.lines().find((l) => l.what === 'tick');
  assert.deepEqual([tick.name, tick.cron], ['inngest/scheduled.timer', '* * * * *']);
});

test('the engine API', async (t) => {
  const { sys, app } = await served(t);
  const body = (more = {}) => ({ url: `http://127.0.0.1:${sys.appPort}/api/inngest`, appName: 'other', functions: [fn('other-f')], ...more });
  const fn = (id, more = {}, url = `http://127.0.0.1:${sys.appPort}/api/inngest?fnId=${id}&stepId=step`) =>
    ({ id, name: id, triggers: [{ event: 'app/other' }], steps: { step: { id: 'step', name: 'step', runtime: { type: 'http', url } } }, ...more });
  const register = (value, headers) => sys.api('POST', '/fn/register', value, headers);

  await t.test('takes one event or a list of them and tells their ids in order', async () => {
    const one = await sys.post(`/e/${sys.eventKey}`, { name: 'app/only', data: { k: 'one' } });
    assert.deepEqual([one.status, Object.keys(one.json).sort(), one.json.status], [200, ['ids', 'status'], 200]);
    const many = await sys.post(`/e/${sys.eventKey}`, ['m1', 'm2', 'm3'].map((k) => ({ name: 'app/only', data: { k } })));
    assert.equal(many.json.ids.length, 3);
    for (const [i, k] of ['m1', 'm2', 'm3'].entries()) assert.equal((await sys.ended(many.json.ids[i])).output, k);
  });
  await t.test('refuses a wrong event key, and says no more', async () => {
    for (const key of ['x'.repeat(32), 'short', `${sys.eventKey}x`, sys.eventKey.slice(0, -1)]) {
      const r = await sys.post(`/e/${key}`, { name: 'app/only', data: { k: 'wrong' } });
      assert.deepEqual([r.status, r.json], [401, { status: 401, message: '', error: 'Event key not found' }]);
    }
  });
  for (const [what, event, said] of [
    ['a name that is reserved', { name: 'inngest/function.failed', data: {} }, /reserved/], ['a name of ours', { name: 'rawr/coordination.workflow.run', data: {} }, /reserved/], ['no name', { data: {} }, /name/],
    ['data that is no object', { name: 'app/only', data: [1] }, /object/], ['a time in seconds', { name: 'app/only', data: {}, ts: 1700000000 }, /ts/],
    ['an id that is no string', { name: 'app/only', data: {}, id: 7 }, /id/], ['no object', 'x', /object/]])
    await t.test(`records none of a list that has an event with ${what}`, async () => {
      const r = await sys.post(`/e/${sys.eventKey}`, [{ name: 'app/only', data: { k: `beside ${what}` } }, event]);
      assert.deepEqual([r.status, r.json.status, r.json.ids], [400, 400, []]);
      assert.match(r.json.error, said);
      await sys.run('app/only', { k: 'behind' });
      assert.equal(app.ran(`only beside ${what}`), 0);
    });
  await t.test('starts a function once for two events of one id', async () => {
    const first = await sys.send('app/only', { k: 'twice' }, { id: 'same' });
    await sys.ended(first);
    const second = await sys.send('app/only', { k: 'twice' }, { id: 'same' });
    await sys.run('app/only', { k: 'behind twice' });
    assert.deepEqual([(await sys.runsOf(second)).length, app.ran('only twice')], [0, 1]);
  });
  await t.test('starts a function once for a request that its SDK repeats', async () => {
    for (let i = 0; i < 2; i++) {
      const r = await sys.post(`/e/${sys.eventKey}`, [{ name: 'app/only', data: { k: 'repeated' } }], { 'x-inngest-event-id-seed': '1743130137367,eii2YKXRVTJPuA==' });
      assert.equal(r.status, 200);
    }
    const run = await sys.run('app/only', { k: 'behind repeated' });
    assert.equal(run.output, 'behind repeated');
    assert.equal(app.ran('only repeated'), 1);
    assert.deepEqual(sys.rows("SELECT DISTINCT client_id FROM engine_event WHERE data LIKE '%\"repeated\"%'"), [{ client_id: '01JQDAE4RQF8MBCR55T5AK4KXS' }]);
  });
  await t.test('takes no member of an event that only the engine writes', async () => {
    const event = await sys.send('app/only', { k: 'forged', _inngest: { fn_id: 'x' }, _rawr: { correlationId: 'x' } });
    assert.deepEqual((await sys.api('GET', `/v1/events/${event}`)).json.data.data, { k: 'forged' });
  });
  for (const [what, headers] of [['no key', { authorization: undefined }], ['another key', { authorization: 'Bearer signkey-test-00' }], ['the event key', () => ({ authorization: `Bearer ${sys.eventKey}` })], ['an undefined key', { authorization: 'Bearer undefined' }]])
    await t.test(`refuses everything else to who has ${what}`, async () => {
      const given = { ...(typeof headers === 'function' ? headers() : headers) };
      if (given.authorization === undefined) given.authorization = '';
      for (const [method, uri, value] of [['POST', '/fn/register', body()], ['GET', '/v0/runs/x/actions'], ['GET', '/v0/runs/x/batch'], ['GET', '/v1/runs/x'], ['DELETE', '/v1/runs/x'], ['GET', '/v1/events/x'], ['GET', '/v1/events/x/runs'], ['POST', '/v1/checkpoint/x/async', {}]]) {
        const r = await sys.api(method, uri, value, given);
        assert.deepEqual([r.status, r.json], [401, { error: 'Authentication failed', status: 401 }], uri);
      }
    });
  await t.test('takes the signing key itself as well as its hash', async () => {
    assert.equal((await sys.api('GET', '/v1/runs/none', undefined, { authorization: `Bearer ${sys.key}` })).status, 404);
  });
  for (const [what, value, said] of [
    ['a url that RAWR_APPS has not', () => body({ url: 'http://169.254.169.254/api/inngest' }), /RAWR_APPS/],
    ['a function whose url RAWR_APPS has not', () => body({ functions: [fn('other-f', {}, 'http://127.0.0.1:22/x')] }), /RAWR_APPS/],
    ['a url that reads otherwise for somebody else', () => body({ url: `http://127.0.0.1:${sys.appPort}@evil.example/api/inngest` }), /RAWR_APPS/],
    ['the name of our own app', () => body({ appName: 'rawr', functions: [fn('rawr-f')] }), /appName/],
    ['a name that would reach our own functions', () => body({ appName: 'rawr-coordination', functions: [fn('rawr-coordination-workflow-runner')] }), /appName/],
    ['a function of another app', () => body({ appName: 'test', functions: [fn('test-app-five')] }), /test-app has one/],
    ['a function that is not named after its app', () => body({ functions: [fn('five')] }), /begin/],
    ['an option that is not as it should be', () => body({ functions: [fn('other-f', { rateLimit: { limit: 0 } })] }), /other-f: rateLimit: limit/],
    ['an expression that cannot be read', () => body({ functions: [{ ...fn('other-f'), triggers: [{ event: 'x', expression: '(' }] }] }), /triggers\[0\]/],
    ['no functions', () => body({ functions: undefined }), /functions/]])
    await t.test(`registers nothing with ${what}`, async () => {
      const r = await register(value());
      assert.deepEqual([r.status, r.json.status], [400, 400], r.text);
      assert.match(r.json.error, said);
      assert.deepEqual(sys.rows("SELECT slug, app FROM engine_fn WHERE app NOT IN ('rawr', 'test-app')"), []);
    });
  await t.test('tells an app of the SDK why it is not registered', async () => {
    const other = new App(sys, sys.appPort, { APP_WITH: '{"rateLimit":{"limit":1,"period":"1ms"}}' });
    await app.kill();
    await other.start();
    try {
      const r = await other.register();
      assert.equal(r.status, 400);
      assert.match(r.json.message, /test-app-odd: rateLimit: period/);
    } finally { await other.kill(); await app.start(); }
  });
  await t.test('has no /dev, and nothing at other paths', async () => {
    for (const uri of ['/dev', '/v0/runs/x', '/v0/gql', '/v1/realtime/token', '/v1/checkpoint/x/steps']) assert.equal((await sys.api('GET', uri)).status, 404, uri);
    assert.equal((await sys.api('GET', `/e/${sys.eventKey}`)).status, 405);
  });
  await t.test('cancels a run, once', async () => {
    const event = await sys.send('app/waits', { k: 'cancelled' });
    const [run] = await until('the run', async () => { const r = await sys.runsOf(event); return r.length > 0 && r; });
    assert.equal((await sys.api('DELETE', `/v1/runs/${run.run_id}`)).status, 200);
    assert.equal((await sys.api('GET', `/v1/runs/${run.run_id}`)).json.data.status, 'Cancelled');
    assert.equal((await sys.api('DELETE', `/v1/runs/${run.run_id}`)).status, 409);
    assert.equal((await sys.api('DELETE', '/v1/runs/none')).status, 404);
  });
  await t.test('shows, cancels and checkpoints no run of our own functions', async () => {
    await sys.rpc('coordination/saveWorkflow', { workflow: chain('wf', ['a']) });
    await sys.rpc('coordination/queueRun', { workflowId: 'wf', runId: 'run-ours', input: {} });
    await sys.finish('run-ours');
    const [{ id, event }] = sys.rows("SELECT id, event FROM engine_run WHERE fn = 'rawr-coordination-workflow-runner'");
    for (const [method, uri, status] of [['GET', `/v1/runs/${id}`, 404], ['DELETE', `/v1/runs/${id}`, 404], ['GET', `/v0/runs/${id}/actions`, 410], ['GET', `/v0/runs/${id}/batch`, 410]])
      assert.equal((await sys.api(method, uri)).status, status, uri);
    assert.deepEqual(await sys.runsOf(event), []);
    assert.equal((await sys.api('POST', `/v1/checkpoint/${id}/async`, { steps: [{ op: 'StepRun', id: 'a', data: 1 }] })).json.error, `no run ${id}`);
  });
  await t.test('takes a checkpoint of nothing but results', async () => {
    const event = await sys.send('app/hangs', { k: 'any' });
    await until('the second step', () => app.ran('hangs any second') === 1);
    const [run] = await sys.runsOf(event);
    const r = await sys.api('POST', `/v1/checkpoint/${run.run_id}/async`, { steps: [{ op: 'Sleep', id: 'a', name: '1s' }] });
    assert.equal(r.status, 400, r.text);
    app.open('any');
    assert.equal((await sys.ended(event)).output, 3);
    assert.equal((await sys.api('POST', '/v1/checkpoint/none/async', { steps: [{ op: 'StepRun', id: 'a', data: 1 }], generation_id: 1 })).status, 409);
  });
  await t.test('answers while every function worker hangs', async () => {
    for (const pid of sys.workers('inngest')) process.kill(pid, 'SIGSTOP');
    try { await sys.run('app/only', { k: 'beside' }); } finally { for (const pid of sys.workers('inngest')) process.kill(pid, 'SIGCONT'); }
  });
  await t.test('is looked at by the doctor', async () => {
    const said = async () => JSON.stringify((await sys.rawr('doctor')).doc);
    assert.match(await said(), /engine too/);
    process.kill(sys.pid('engine'), 'SIGKILL');
    fs.rmSync(path.join(sys.dir, 'run/engine.sock'), { force: true });
    assert.match(await said(), /engine\.fcgi: /);
    sys.startResponder('engine');
    await until('the engine API again', async () => (await sys.api('GET', '/v1/runs/none')).status === 404);
  });
  await t.test('writes no key to a log', async () => {
    await sys.post(`/e/${sys.eventKey}`, 'x'); // a 400, which is logged
    for (const spelt of [`//e/${sys.eventKey}`, `/%65/${sys.eventKey}`]) await sys.post(spelt, '{}');
    await until('the lines', () => sys.logs('engine').split('"path":"/e/..."').length > 3);
    const all = sys.logs();
    for (const secret of [sys.eventKey, sys.key, sys.key.replace(/^signkey-\w+-/, ''), sys.hash]) assert.ok(!all.includes(secret));
  });
});

test('engine.fcgi does not start with a signing key that is not hex digits', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  const start = (key) => {
    fs.writeFileSync(path.join(dir, 'signing.key'), `signkey-prod-${key}\n`, { mode: 0o600 });
    return spawnSync(path.join(bin, 'engine.fcgi'), { encoding: 'utf8', input: '', env: { GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET',
      REQUEST_URI: '/v1/runs/x', RAWR_KEYS: dir, RAWR_VAR: dir, RAWR_STORE: path.join(dir, 'rawr.db'), RAWR_APPS_FROM: '127.0.0.1' } });
  };
  for (const key of ['zz'.repeat(16), 'ab', `${'ab'.repeat(16)}c`]) {
    const r = start(key);
    assert.match(r.stderr, /at least 32 hex digits/, key);
    assert.ok(!r.stderr.includes(key));
  }
  assert.doesNotMatch(start('ab'.repeat(16)).stderr, /hex digits/);
});

test('an app is called no more when RAWR_APPS loses it', async (t) => {
  const { sys, app } = await served(t);
  process.kill(sys.pid('runner'), 'SIGTERM');
  await until('the end of the runner', () => !fs.existsSync(path.join(sys.dir, 'run/runner.sock')));
  sys.startRunner({ RAWR_APPS: 'http://localhost:1/' });
  await sys.send('app/only', { k: 'off the list' });
  await until('a refusal', () => /RAWR_APPS does not have/.test(sys.logs('runner')));
  assert.equal(app.ran('only off the list'), 0);
});

test('without RAWR_APPS there is no engine API', async (t) => {
  const sys = await AppSystem.start({ RAWR_APPS: '' });
  t.after(() => sys.close());
  for (const uri of [`/e/${sys.eventKey}`, '/fn/register', '/dev', '/v1/runs/x']) assert.deepEqual([(await sys.api('POST', uri, {})).status, (await sys.api('POST', uri, {})).text], [404, 'NOT_FOUND'], uri);
  assert.ok(!fs.existsSync(path.join(sys.dir, 'run/engine.sock')));
});

test('with --dev an app needs no key', async (t) => {
  const sys = await AppSystem.create();
  const app = new App(sys, sys.appPort, { INNGEST_DEV: sys.base, INNGEST_EVENT_KEY: undefined, INNGEST_SIGNING_KEY: undefined });
  t.after(async () => { await app.kill(); await sys.close(); });
  await sys.up({ RAWR_RUNNER: 'off' });
  for (const name of ['inngest', 'engine']) {
    process.kill(sys.pid(name), 'SIGTERM');
    await until(`the end of ${name}`, () => { try { process.kill(sys.pid(name), 0); return false; } catch { return true; } });
  }
  fs.rmSync(path.join(sys.dir, 'keys/signing.key'));
  for (const name of ['inngest', 'engine']) sys.startResponder(name, {}, ['--dev']);
  sys.startRunner({}, 'runner', ['--dev']);
  await app.start();
  const dev = await until('an answer', async () => { const r = await sys.get('/dev'); return r.status === 200 && r.json; });
  assert.equal(dev.authed, false);
  assert.deepEqual((await app.register()).json, { message: 'Successfully registered', modified: true });
  assert.ok((await sys.get('/dev')).json.functions.some((f) => f.slug === 'test-app-five'));
  const r = await sys.post('/e/anything', { name: 'app/five', data: { k: 'dev', by: 1 } });
  assert.deepEqual((await sys.ended(r.json.ids[0])).output, { sum: 15 });
});
