// /livez, /readyz, /metrics: who is answered, what turns false when, and that
// what is counted adds up.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System, chain, direct, until } from '../lib/system.mjs';
import { Peer } from '../lib/fcgi.mjs';
import { parse } from '../lib/exposition.mjs';
import { storeProgram } from '../faults/checker.mjs';
import { native } from '../faults/native.mjs';

const MB = 1 << 20;
const families = ['rpc', 'openapi', 'workflows', 'inngest', 'engine'];
const ready = (s, of = '') => s.get(`/readyz${of}`);
const metrics = async (s) => {
  const r = await s.get('/metrics');
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  return parse(r.text);
};
const check = (r, name) => r.json.checks.find((c) => c.name === name);
const gone = (pid) => { try { process.kill(pid, 0); return false; } catch { return true; } };

// A program that holds something of the store until the test lets it go.
async function hold(t, store, what) {
  const p = spawn(storeProgram('hold'), [store, what], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => p.kill()); // where it was not let go
  await new Promise((resolve, reject) => { p.stdout.once('data', resolve); p.once('exit', () => reject(new Error(`could not hold: ${what}`))); });
  return () => new Promise((resolve) => { p.once('exit', resolve); p.stdin.end(); });
}

// One check is false, and says what to do; the answer is a problem (RFC 9457).
async function unready(s, name, text) {
  const r = await until(`${name} turns false`, async () => {
    const now = await ready(s);
    return check(now, name)?.ok === false && now;
  });
  assert.equal(r.status, 503);
  assert.equal(r.headers['content-type'], 'application/problem+json');
  assert.equal(r.headers['retry-after'], '1');
  assert.match(check(r, name).text, text);
  assert.ok(check(r, name).fix);
  const { type, title, status, code, retryable, retry_after_ms: after, ok } = r.json;
  assert.deepEqual({ type, title, status, code, retryable, after, ok }, { type: 'about:blank', title: 'Service Unavailable', status: 503, code: 'SERVICE_UNAVAILABLE', retryable: true, after: 1000, ok: false });
  assert.equal(r.json.request_id, r.headers['x-request-id']);
  assert.ok(r.json.fix && r.json.detail);
  return r;
}
const well = (s) => until('it is ready again', async () => (await ready(s)).status === 200, 30);

test('a system that is well', async (t) => {
  const s = await System.start({ RAWR_APPS: 'http://127.0.0.1:1/' });
  t.after(() => s.close());
  await t.test('is ready, and says so check by check', async () => {
    const r = await ready(s);
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['content-type'], 'application/json');
    assert.equal(r.headers['cache-control'], 'no-store');
    assert.deepEqual(r.json.checks.map((c) => [c.name, c.ok]), ['store', 'schema', 'write', 'wal', 'disk', 'runner', 'responders'].map((n) => [n, true]));
    assert.equal(r.json.responder, 'rpc');
  });
  for (const name of families)
    await t.test(`${name}.fcgi answers for itself`, async () => {
      for (const [uri, checks] of [[`/livez/${name}`, ['worker']], [`/readyz/${name}`, ['store', 'schema', 'write', 'wal', 'disk']]]) {
        const r = await s.get(uri);
        assert.equal(r.status, 200, r.text);
        assert.equal(r.json.responder, name);
        assert.deepEqual(r.json.checks.map((c) => c.name), checks);
      }
    });
  await t.test('gives metrics in the exposition format, a line of help each', async () => {
    const m = await metrics(s);
    for (const [name] of m.types) assert.ok(m.help.get(name).length > 10, name);
    for (const name of families) assert.ok(m.value('rawr_workers', { endpoint: name }) >= 1, name);
    assert.equal(m.value('rawr_build_info'), 1);
    assert.ok(m.value('rawr_store_bytes') > 0 && m.value('rawr_disk_free_bytes') > 0);
    assert.ok(m.value('rawr_runner_seconds_since_alive') < 10);
  });
  await t.test('has as many series as it has procedures, and no more for what it is asked', async () => {
    const series = async () => (await metrics(s)).samples.length;
    const before = await series();
    for (let i = 0; i < 20; i++) { await s.rpc(`no/such${i}`, {}); await s.get(`/api/orpc/no/such/${i}`); }
    assert.equal(await series(), before);
  });
  await t.test('answers HEAD, no other method, and nothing below what is there', async () => {
    const r = await s.request('HEAD', '/readyz');
    assert.deepEqual([r.status, r.text], [200, '']);
    for (const [method, uri] of [['POST', '/livez'], ['GET', '/livez/nobody'], ['GET', '/metrics/rpc'], ['GET', '/livez/']])
      assert.equal((await s.request(method, uri)).status, 404, `${method} ${uri}`);
  });
});

// ------------------------------------------------------------ who is answered

const paths = [...['/livez', '/readyz', '/metrics'].map((uri) => [uri, 'rpc']), ...families.flatMap((n) => [[`/livez/${n}`, n], [`/readyz/${n}`, n]])];

test('an address outside RAWR_PROBES_FROM', async (t) => {
  const s = await System.start({ RAWR_PROBES_FROM: '203.0.113.0/24', RAWR_APPS: 'http://127.0.0.1:1/' });
  t.after(() => s.close());
  await t.test('is refused by nginx, in the shape of RFC 9457', async () => {
    for (const [uri] of paths) {
      const r = await s.get(uri);
      assert.equal(r.status, 403, uri);
      assert.equal(r.headers['content-type'], 'application/problem+json');
      assert.equal(r.json.code, 'FORBIDDEN');
      assert.equal(r.headers['x-correlation-id'], undefined, 'nginx itself');
    }
  });
  await t.test('is refused past nginx, by each responder', () => {
    for (const [uri, name] of paths)
      for (const addr of ['127.0.0.1', '198.51.100.1', '::1']) {
        const r = direct(s, name, { uri, addr });
        assert.equal(r.status, 403, `${uri} of ${addr}`);
        assert.match(r.head, /^content-type: application\/problem\+json/mi);
        const { code, retryable, fix, request_id: id } = JSON.parse(r.text);
        assert.ok(code === 'FORBIDDEN' && retryable === false && fix && id, r.text);
        assert.doesNotMatch(r.text, /checks|rawr_workers/);
      }
  });
  await t.test('and one inside it is answered past nginx', () => {
    for (const [uri, name] of paths) assert.notEqual(direct(s, name, { uri, addr: '203.0.113.7' }).status, 403, uri);
  });
});

test('where nginx lets everybody pass, the responder refuses; where the responder admits everybody, nginx does', async (t) => {
  const s = await System.start({ RAWR_PROBES_FROM: '203.0.113.0/24' });
  t.after(() => s.close());
  const conf = path.join(s.dir, 'nginx/conf.d/rawr-http.conf');
  const text = fs.readFileSync(conf, 'utf8');
  const set = (from, to) => {
    assert.ok(text.includes(from));
    fs.writeFileSync(conf, text.replace(from, to));
    process.kill(s.pid('nginx'), 'SIGHUP');
  };
  set('geo $rawr_probes {\n\tdefault 0;', 'geo $rawr_probes {\n\tdefault 1;');
  const r = await until('the responder\'s own refusal', async () => {
    const now = await s.get('/metrics');
    return now.headers['x-request-id'] && now;
  });
  assert.deepEqual([r.status, r.json.code], [403, 'FORBIDDEN']);
  fs.writeFileSync(conf, text);
  process.kill(s.pid('nginx'), 'SIGHUP');
  process.kill(s.pid('rpc'), 'SIGTERM');
  await until('the end of rpc', () => gone(s.pid('rpc')));
  s.startResponder('rpc', { RAWR_PROBES_FROM: '0.0.0.0/0' });
  await until('rpc is back', async () => (await s.get('/health')).status === 200);
  const again = await until('nginx\'s refusal', async () => {
    const now = await s.get('/metrics');
    return !now.headers['x-request-id'] && now;
  });
  assert.deepEqual([again.status, again.json.code], [403, 'FORBIDDEN']);
});

// ------------------------------------------------------------ what turns false

test('what is not well is named, with what to do, and only that', async (t) => {
  const s = await System.start({ RAWR_WAL_MAX: String(4 * MB), RAWR_WRITE_WAIT: '100' });
  t.after(() => s.close());
  const store = path.join(s.dir, 'rawr.db');
  const others = (r, names) => assert.deepEqual(r.json.checks.filter((c) => !c.ok).map((c) => c.name), names);

  await t.test('the store is gone', async () => {
    fs.renameSync(store, `${store}.away`);
    others(await unready(s, 'store', /is gone, or another file has its name/), ['store']);
    assert.equal((await ready(s, '/openapi')).status, 503, 'and for one responder');
    assert.equal((await s.get('/livez')).status, 200, 'it lives');
    fs.renameSync(`${store}.away`, store);
    await well(s);
  });
  await t.test('another store has its name', async () => {
    fs.renameSync(store, `${store}.away`);
    fs.copyFileSync(`${store}.away`, store);
    await unready(s, 'store', /is gone, or another file has its name/);
    fs.renameSync(`${store}.away`, store);
    await well(s);
  });
  await t.test('a newer program has migrated it', async (t) => {
    const release = await hold(t, store, 'newer');
    others(await unready(s, 'schema', /version \d+, this program knows \d+/), ['schema']);
    await release();
    await well(s);
  });
  for (const what of ['lock', 'turn'])
    await t.test(`a writer does not give ${what === 'lock' ? 'SQLite\'s lock' : 'its turn'} back`, async (t) => {
      const release = await hold(t, store, what);
      others(await unready(s, 'write', /no write can begin: .*busy/), ['write']);
      await release();
      await well(s);
    });
  await t.test('the runner was killed', async () => {
    const pid = s.pid('runner');
    process.kill(pid, 'SIGKILL');
    await until('its end', () => gone(pid));
    others(await unready(s, 'runner', /no runner is up/), ['runner']);
    assert.equal((await ready(s, '/rpc')).status, 200, 'a responder by itself is ready');
    assert.equal((await metrics(s)).value('rawr_runner_seconds_since_alive'), undefined);
  });
  await t.test('without it the WAL grows over its limit', async () => {
    const description = 'x'.repeat(500000);
    await until('a refused write', async () => (await s.rpc('coordination/saveWorkflow', { workflow: chain('large', ['a'], { description: description + Math.random() }) })).status === 503);
    const r = await unready(s, 'wal', /writes are refused/);
    others(r, ['write', 'wal', 'runner']);
    assert.ok((await metrics(s)).value('rawr_wal_bytes') > 4 * MB);
    s.startRunner();
    await well(s);
  });
  await t.test('a responder has ended', async () => {
    const pid = s.pid('openapi'), workers = s.workers('openapi');
    process.kill(pid, 'SIGKILL');
    await until('its end', () => [pid, ...workers].every(gone));
    others(await unready(s, 'responders', /openapi\.fcgi is not up/), ['responders']);
    assert.ok((await s.get('/livez/openapi')).status >= 502, 'nobody answers there');
    assert.equal((await metrics(s)).value('rawr_workers', { endpoint: 'openapi' }), 0);
    s.startResponder('openapi');
    await well(s);
    assert.equal((await s.get('/livez/openapi')).status, 200);
  });
  await t.test('a responder is up and has no worker that serves', async () => {
    const before = s.workers('workflows');
    fs.renameSync(store, `${store}.away`);
    fs.mkdirSync(store); // no new worker can open that
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await unready(s, 'responders', /workflows\.fcgi has no worker that serves/);
    fs.rmdirSync(store);
    fs.renameSync(`${store}.away`, store);
    await well(s);
  });
});

test('the disk is full', async (t) => {
  const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'rawr-test', disk], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(disk);
    t.skip('no right to mount a disk');
    return;
  }
  let s;
  t.after(async () => {
    await s?.close();
    execFileSync('umount', ['-l', disk]);
    fs.rmdirSync(disk);
  });
  s = await System.start({ RAWR_STORE: path.join(disk, 'rawr.db') });
  await well(s);
  const ballast = path.join(disk, 'ballast');
  fs.writeFileSync(ballast, Buffer.alloc(60 * MB));
  const r = await unready(s, 'disk', /bytes are free/);
  assert.deepEqual(r.json.checks.filter((c) => !c.ok).map((c) => c.name), ['disk']);
  fs.rmSync(ballast);
  await well(s);
});

// ------------------------------------------------------------ what is counted

const served = (m, endpoint) => m.value('rawr_requests_total', { endpoint });

test('what is counted', async (t) => {
  const s = await System.start({ RAWR_WORKERS: '3' });
  t.after(() => s.close());
  await t.test('adds up over all workers', async () => {
    const before = await metrics(s);
    // Connections of our own, so that each worker has some.
    const peers = await Promise.all(Array.from({ length: 12 }, () => Peer.open(s, 'openapi')));
    for (let i = 0; i < 10; i++) await Promise.all(peers.map((p) => p.ask('GET', '/api/orpc/coordination/workflows')));
    const after = await metrics(s);
    assert.equal(served(after, 'openapi') - served(before, 'openapi'), 120);
    const call = { endpoint: 'openapi', procedure: 'coordination.listWorkflows', code: '2xx' };
    assert.equal(after.value('rawr_calls_total', call) - before.value('rawr_calls_total', call), 120);
    assert.equal(after.value('rawr_request_duration_seconds_count', { endpoint: 'openapi' }) - before.value('rawr_request_duration_seconds_count', { endpoint: 'openapi' }), 120);
    assert.ok(after.value('rawr_request_duration_seconds_sum', { endpoint: 'openapi' }) > before.value('rawr_request_duration_seconds_sum', { endpoint: 'openapi' }));
    assert.ok(after.value('rawr_connections', { endpoint: 'openapi' }) >= 12);
    for (const p of peers) p.socket.destroy();
    await until('their connections are gone', async () => (await metrics(s)).value('rawr_connections', { endpoint: 'openapi' }) < 12);
  });
  await t.test('outlives the worker that counted, whose connections are gone', async () => {
    const p = await Peer.open(s, 'workflows'), before = await metrics(s), workers = s.workers('workflows');
    for (let i = 0; i < 5; i++) await p.ask('GET', '/api/workflows/coordination/runs/none');
    for (const pid of workers) process.kill(pid, 'SIGKILL');
    await until('three others', () => s.workers('workflows').length === 3 && !s.workers('workflows').some((pid) => workers.includes(pid)));
    await until('they serve', async () => (await metrics(s)).value('rawr_workers', { endpoint: 'workflows' }) === 3);
    p.socket.destroy();
    const after = await metrics(s);
    assert.equal(served(after, 'workflows') - served(before, 'workflows'), 5);
    const of = (m, name) => m.value(name, { endpoint: 'workflows' });
    assert.equal(of(after, 'rawr_worker_deaths_total') - of(before, 'rawr_worker_deaths_total'), 3);
    assert.equal(of(after, 'rawr_worker_starts_total') - of(before, 'rawr_worker_starts_total'), 3);
    assert.equal(of(after, 'rawr_connections'), 0);
  });
  await t.test('outlives a restart of the responder', async () => {
    await s.get('/api/workflows/coordination/runs/none');
    const before = served(await metrics(s), 'workflows'), pid = s.pid('workflows');
    process.kill(pid, 'SIGTERM');
    await until('its end', () => gone(pid));
    assert.equal(served(await metrics(s), 'workflows'), before);
    s.startResponder('workflows');
    await until('it serves', async () => (await s.get('/livez/workflows')).status === 200);
    assert.ok(served(await metrics(s), 'workflows') > before);
  });
  await t.test('tells calls by procedure and by what became of them, each of a batch by itself', async () => {
    const before = await metrics(s);
    await s.rpc('coordination/getWorkflow', { workflowId: 'none' });
    await s.rpc('coordination/getWorkflow', {});
    const item = (procedure, input) => ({ url: `${s.base}/rpc/coordination/${procedure}`, body: { json: input } });
    const r = await s.request('POST', '/rpc/__batch__', { headers: { 'content-type': 'application/json', 'x-orpc-batch': 'buffered' }, body: JSON.stringify([item('listWorkflows', {}), item('listWorkflows', {})]) });
    assert.equal(r.status, 207, r.text);
    const after = await metrics(s);
    const more = (procedure, code) => ['rawr_calls_total'].map((n) => after.value(n, { endpoint: 'rpc', procedure, code }) - before.value(n, { endpoint: 'rpc', procedure, code }))[0];
    assert.equal(more('coordination.getWorkflow', '4xx'), 2);
    assert.equal(more('coordination.listWorkflows', '2xx'), 2);
    assert.equal(more('coordination.getWorkflow', '5xx'), 0);
  });
  await t.test('shows a request that waits, while it does', async () => {
    const before = (await metrics(s)).value('rawr_request_duration_seconds_count', { endpoint: 'workflows' });
    const claim = s.post('/api/workflows/coordination/tasks/claim', { agentId: 'probe', workflowId: 'wf-none', waitSeconds: 2 });
    await until('it is seen', async () => (await metrics(s)).value('rawr_requests_waiting', { endpoint: 'workflows' }) === 1);
    assert.equal((await claim).json.task, null);
    const after = await metrics(s);
    assert.equal(after.value('rawr_requests_waiting', { endpoint: 'workflows' }), 0);
    assert.equal(after.value('rawr_request_duration_seconds_count', { endpoint: 'workflows' }), before, 'its wait is no measure');
  });
  await t.test('tells of the engine\'s work, and of its steps', async () => {
    const before = await metrics(s);
    assert.equal((await s.rpc('coordination/saveWorkflow', { workflow: chain('wf-count', ['a', 'b']) })).status, 200);
    for (const runId of ['run-1', 'run-2']) assert.equal((await s.rpc('coordination/queueRun', { workflowId: 'wf-count', runId })).status, 200);
    for (const runId of ['run-1', 'run-2']) assert.equal((await s.finish(runId)).status, 'completed');
    const m = await until('both have ended for the engine, too', async () => {
      const now = await metrics(s);
      return now.value('rawr_runs_ended_total', { state: 'completed' }) - before.value('rawr_runs_ended_total', { state: 'completed' }) === 2 && now;
    });
    const more = (name, labels) => m.value(name, labels) - before.value(name, labels);
    assert.equal(more('rawr_runs_started_total'), 2);
    assert.ok(more('rawr_events_total') >= 2);
    assert.ok(more('rawr_steps_total') >= 4);
    assert.ok(more('rawr_attempts_total', { result: 'answered' }) >= 2);
    assert.equal(m.value('rawr_events_queued'), 0);
  });
  await t.test('shows what is queued, and for how long', async () => {
    const pid = s.pid('runner');
    process.kill(pid, 'SIGTERM');
    await until('its end', () => gone(pid));
    for (let i = 0; i < 3; i++) assert.equal((await s.rpc('coordination/queueRun', { workflowId: 'wf-count', runId: `run-queued-${i}` })).status, 200);
    assert.equal((await metrics(s)).value('rawr_events_queued'), 3);
    s.startRunner();
    await until('all is done', async () => {
      const m = await metrics(s);
      return m.value('rawr_events_queued') === 0 && m.value('rawr_jobs', { state: 'due' }) === 0 && m.value('rawr_jobs', { state: 'later' }) === 0;
    });
  });
  await t.test('tells how long writers waited for one another', async (t) => {
    const before = await metrics(s), release = await hold(t, path.join(s.dir, 'rawr.db'), 'turn');
    const save = s.post('/api/orpc/coordination/workflows', { workflow: chain('wf-waits', ['a']) });
    // It is in the queue when it has drawn a ticket.
    await until('the write waits', () => fs.readFileSync('/proc/locks', 'utf8').split('\n').some((l) => /->.*OFDLCK/.test(l)));
    await release();
    assert.equal((await save).status, 200);
    const after = await metrics(s);
    const more = (name) => after.value(name, { endpoint: 'openapi' }) - before.value(name, { endpoint: 'openapi' });
    assert.ok(more('rawr_write_lock_waits_total') >= 1);
    assert.ok(more('rawr_write_lock_wait_seconds_total') > 0);
    assert.equal(more('rawr_write_lock_timeouts_total'), 0);
  });
});

test('figures that cannot be shown stop nothing', async (t) => {
  const s = await System.start();
  t.after(() => s.close());
  process.kill(s.pid('openapi'), 'SIGTERM');
  await until('its end', () => gone(s.pid('openapi')));
  const figures = path.join(s.dir, 'run/openapi.figures');
  fs.rmSync(figures);
  fs.mkdirSync(figures);
  s.startResponder('openapi');
  await until('it serves', async () => (await s.get('/livez/openapi')).status === 200);
  assert.equal((await s.get('/api/orpc/coordination/workflows')).status, 200);
  assert.match(s.logs('openapi'), /"event":"not_seen"/);
  assert.equal((await metrics(s)).value('rawr_workers', { endpoint: 'openapi' }), undefined);
});

// ------------------------------------------------------------------- systemd

test('the runner tells systemd that it is ready, that it lives, and that it stops', async (t) => {
  const s = await System.start();
  t.after(() => s.close());
  const pid = s.pid('runner'), socket = path.join(s.dir, 'run/notify.sock');
  process.kill(pid, 'SIGTERM');
  await until('its end', () => gone(pid));
  const p = spawn(native('notified'), [socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => p.kill());
  let said = '';
  p.stdout.on('data', (d) => { said += d; });
  await until('somebody listens', () => said.includes('listening'));
  const runner = s.startRunner({ NOTIFY_SOCKET: socket });
  await until('it lives on', () => said.split('WATCHDOG=1').length > 3);
  process.kill(runner.pid, 'SIGTERM');
  await until('it stops', () => said.includes('STOPPING=1'));
  const lines = said.trim().split('\n').slice(1);
  assert.equal(lines[0], 'READY=1');
  assert.equal(lines.filter((l) => l === 'READY=1').length, 1);
});
