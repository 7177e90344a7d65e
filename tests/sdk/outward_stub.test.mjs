// Events on their way to an Inngest server: what is sent, in which order, and
// what becomes of them when it does not take them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { System, bin, chain, until } from '../lib/system.mjs';
import { execFileSync } from 'node:child_process';
import { InngestStub } from './inngest_stub.mjs';

const require = createRequire(path.resolve(import.meta.dirname, '../clients/x.js'));

async function outward(t, { env = {}, key, up = true } = {}) {
  const eventKey = crypto.randomBytes(16).toString('hex');
  const signingKey = `signkey-test-${crypto.randomBytes(32).toString('hex')}`;
  const stub = new InngestStub({ eventKey, signingKey });
  await stub.start();
  const sys = await System.create({ RAWR_ENGINE: 'inngest', RAWR_INNGEST_URL: stub.url, ...env });
  fs.mkdirSync(path.join(sys.dir, 'keys'), { mode: 0o700 });
  sys.write = (name, text) => fs.writeFileSync(path.join(sys.dir, 'keys', name), `${text}\n`, { mode: 0o600 });
  sys.write('signing.key', signingKey);
  sys.write('inngest.key', key ?? eventKey);
  t.after(async () => { await sys.close(); if (stub.server.listening) await stub.stop(); });
  if (up) await sys.up();
  sys.rows = (sql) => JSON.parse(execFileSync(path.join(bin, 'rawr'), ['--json', 'db', 'shell'], { env: sys.env, input: sql })).result.rows;
  sys.inbox = () => sys.rows('SELECT count(*) AS n FROM engine_inbox')[0].n;
  sys.event = async (name, id, data = {}) => {
    fs.writeFileSync(path.join(sys.dir, 'data.json'), JSON.stringify(data));
    const r = await sys.rawr('events', 'send', name, '--id', id, '--data', `@${sys.dir}/data.json`);
    assert.equal(r.code, 0, JSON.stringify(r.doc));
  };
  sys.check = async (name) => (await sys.rawr('doctor')).doc.result.checks.find((c) => c.check === name);
  return { sys, stub, eventKey };
}
const empty = (sys) => until('an empty inbox', () => sys.inbox() === 0);

test('functions are registered before the first event is sent, once while the server is there', async (t) => {
  const { sys, stub } = await outward(t);
  await sys.event('shop/first', 'one');
  await stub.has('one');
  assert.deepEqual(stub.requests.map((q) => q.path.split('/')[1]), ['fn', 'e']);
  const { body } = stub.requests[0];
  const runner = body.functions.find((f) => f.id === 'rawr-coordination-workflow-runner');
  assert.deepEqual(runner.cancel, [{ event: 'rawr/coordination.run.cancelled', if: 'event.data.runId == async.data.runId' }]);
  assert.equal(body.url, `${sys.base}/api/inngest`);
  await sys.event('shop/first', 'two');
  await stub.has('two');
  assert.equal(stub.requests.filter((q) => q.path === '/fn/register').length, 1);
});

test('a server that was away is told the functions again before the next event', async (t) => {
  const { sys, stub } = await outward(t);
  await until('the registration', () => stub.requests.length === 1);
  await stub.stop();
  await sys.event('shop/away', 'a-1');
  await until('trouble', async () => (await sys.check('engine')).verdict === 'fail');
  await stub.start(stub.port);
  await stub.has('a-1');
  assert.deepEqual(stub.requests.map((q) => q.path.split('/')[1]), ['fn', 'fn', 'e']);
});

test('what is sent has the shape that the official SDK sends', async (t) => {
  const { sys, stub, eventKey } = await outward(t);
  await sys.event('shop/bought', 'b-1', { n: 1 });
  const ours = (await until('our request', () => stub.sends()[0]));
  process.env.INNGEST_BASE_URL = stub.url;
  process.env.INNGEST_DEV = '0';
  const { Inngest } = require('inngest');
  await new Inngest({ id: 'other', eventKey }).send({ name: 'shop/bought', id: 'b-1', data: { n: 1 } });
  const theirs = await until('their request', () => stub.sends()[1]);
  assert.equal(ours.method, theirs.method);
  assert.equal(ours.path, theirs.path);
  const members = (q) => q.body.map((e) => Object.keys(e).sort());
  assert.deepEqual(members(ours), members(theirs));
  const kinds = (q) => q.body.map((e) => Object.fromEntries(Object.entries(e).map(([k, v]) => [k, typeof v])));
  assert.deepEqual(kinds(ours), kinds(theirs));
  const named = (q) => Object.keys(q.headers).filter((h) => /^(content-type|user-agent|x-inngest)/.test(h)).sort();
  assert.deepEqual(named(ours), named(theirs));
  for (const h of ['content-type']) assert.equal(ours.headers[h], theirs.headers[h]);
  for (const [h, form] of [['x-inngest-event-id-seed', /^\d{13},[A-Za-z0-9+/]{14}==$/], ['x-inngest-sdk', /^[a-z-]+:v\d+\.\d+\.\d+$/]])
    for (const q of [ours, theirs]) assert.match(q.headers[h], form);
});

test('nothing is lost and the order kept while the server is away', async (t) => {
  const { sys, stub } = await outward(t);
  await sys.event('shop/n', 'e-0');
  await stub.has('e-0');
  await stub.stop();
  const ids = ['e-0'];
  for (let i = 1; i <= 120; i++) ids.push(`e-${i}`);
  for (const id of ids.slice(1, 20)) await sys.event('shop/n', id);
  await until('trouble', async () => (await sys.check('engine')).verdict === 'fail');
  assert.match((await sys.check('engine')).text, /events wait for the Inngest server: it is not there/);
  execFileSync(path.join(bin, 'rawr'), ['db', 'check'], { env: sys.env });
  for (const id of ids.slice(20)) await sys.event('shop/n', id);
  await stub.start(stub.port);
  await stub.has('e-120', 60);
  assert.deepEqual(stub.events.map((e) => e.id), ids);
  assert.ok(stub.sends().length < 10, 'they go in batches');
  await empty(sys);
  await until('no trouble', async () => (await sys.check('engine')).verdict === 'ok');
});

test('a runner that is killed between send and mark sends again, with the same ids, and nothing is lost', async (t) => {
  const { sys, stub } = await outward(t);
  let held;
  stub.answers.push((q, r, own) => { held = own; });
  for (const id of ['k-1', 'k-2']) await sys.event('shop/k', id);
  await until('a request that is held', () => held);
  process.kill(sys.pid('runner'), 'SIGKILL');
  held();
  assert.deepEqual(stub.events.map((e) => e.id), ['k-1']);
  assert.equal(sys.inbox(), 2, 'nothing is marked');
  sys.startRunner();
  await empty(sys);
  assert.deepEqual(stub.events.map((e) => e.id), ['k-1', 'k-1', 'k-2']);
});

test('an attempt that is made again has the seed it had', async (t) => {
  const { sys, stub } = await outward(t);
  const later = (q, r) => stub.say(q, r, 503, 'busy');
  stub.answers.push(later, (q, r) => r.destroy(), later);
  await sys.event('shop/s', 's-1');
  await empty(sys);
  const seeds = stub.sends().map((q) => q.headers['x-inngest-event-id-seed']);
  assert.equal(seeds.length, 4);
  assert.equal(new Set(seeds).size, 1);
  await sys.event('shop/s', 's-2');
  await empty(sys);
  assert.notEqual(stub.sends()[4].headers['x-inngest-event-id-seed'], seeds[0]);
});

test('a wrong event key is told without the key, loses nothing, and goes on with the right one', async (t) => {
  const wrong = 'not-the-right-key-0123456789';
  const { sys, stub, eventKey } = await outward(t, { key: wrong });
  await sys.event('shop/w', 'w-1');
  await until('trouble', async () => (await sys.check('engine')).verdict === 'fail');
  assert.match((await sys.check('engine')).text, /does not accept the event key, inngest.key \(401: Event key not found\)/);
  assert.match(sys.logs('runner'), /not_forwarded.*does not accept the event key/);
  stub.answers.push((q, r) => stub.say(q, r, 500, JSON.stringify({ error: `cannot serve ${q.path}` })));
  await until('the words that quote the key', () => /quotes a key of ours/.test(sys.logs('runner')));
  for (const text of [sys.logs(), JSON.stringify((await sys.rawr('doctor')).doc), fs.readFileSync(`/proc/${sys.pid('runner')}/cmdline`, 'utf8'), JSON.stringify(sys.rows('SELECT * FROM engine_trouble'))])
    assert.ok(!text.includes(wrong) && !text.includes(eventKey));
  process.kill(sys.pid('runner'), 'SIGTERM');
  await until('the end of the runner', () => !fs.existsSync(`/proc/${sys.pid('runner')}/fd/0`));
  sys.write('inngest.key', eventKey);
  sys.startRunner();
  await stub.has('w-1');
  await empty(sys);
});

test('an event that the server will never take is put aside, named, and what stands around it goes', async (t) => {
  const { sys, stub } = await outward(t);
  stub.refuses = (e) => (e.name === 'shop/bad' ? 'nobody wants it' : undefined);
  await stub.stop();
  for (const id of ['p-1', 'p-2']) await sys.event('shop/p', id);
  await sys.event('shop/bad', 'p-3');
  for (const id of ['p-4', 'p-5']) await sys.event('shop/p', id);
  await sys.event('shop/large', 'p-6', { text: 'x'.repeat(600 << 10) });
  await sys.event('shop/p', 'p-7');
  await stub.start(stub.port);
  await empty(sys);
  assert.deepEqual([...new Set(stub.events.map((e) => e.id))], ['p-1', 'p-2', 'p-4', 'p-5', 'p-7']);
  assert.match(sys.logs('runner'), /event_parked.*"id":"p-3".*nobody wants it/);
  const check = await sys.check('engine');
  assert.deepEqual([check.verdict, check.text], ['warn', 'the Inngest server refused 2 events']);
  const { events } = (await sys.rawr('events', 'parked')).doc.result;
  assert.deepEqual(events.map((e) => [e.name, e.why]), [['shop/bad', 'it answers 400: nobody wants it'], ['shop/large', `it answers 400: Event is over the max size of ${512 << 10} bytes`]]);
  assert.equal((await sys.rawr('events', 'resend', 'nobody')).code, 3);
  assert.equal((await sys.rawr('events', 'resend', events[0].id, '--dry-run')).code, 0);
  stub.refuses = () => undefined;
  assert.equal((await sys.rawr('events', 'resend')).doc.result.events, 2);
  await until('one is parked again', async () => (await sys.rawr('events', 'parked')).doc.result.events.length === 1 && sys.inbox() === 0);
  assert.equal(stub.events.at(-1).id, 'p-3');
  assert.equal((await sys.rawr('events', 'drop', events[1].id)).doc.result.events, 1);
  assert.equal((await sys.check('engine')).verdict, 'ok');
});

for (const [what, answer] of [['a page of somebody else', '<html>no such page'], ['an answer without ids', '{"status":200}'], ['a failure in its body', '{"ids":[],"status":500,"error":"down"}']])
  test(`a 200 with ${what} is no acknowledgement`, async (t) => {
    const { sys, stub } = await outward(t);
    stub.answers.push((q, r) => stub.say(q, r, 200, answer));
    await sys.event('shop/a', 'a-1');
    await stub.has('a-1');
    await empty(sys);
    assert.equal(stub.sends().length, 2);
  });

test('an answer of 400 that is not an Inngest server\'s parks nothing', async (t) => {
  const { sys, stub } = await outward(t);
  stub.answers.push((q, r) => stub.say(q, r, 400, 'Bad Request: the plain HTTP request was sent to HTTPS port'));
  await sys.event('shop/a', 'a-1');
  await stub.has('a-1');
  assert.deepEqual((await sys.rawr('events', 'parked')).doc.result.events, []);
});

test('a run that is cancelled before its event went never goes; one that went is cancelled at the server', async (t) => {
  const { sys, stub } = await outward(t);
  await sys.rpc('coordination/saveWorkflow', { workflow: chain('wf-c', ['a']) });
  const queue = async (runId) => (await sys.rpc('coordination/queueRun', { workflowId: 'wf-c', runId, input: {} })).json.json.eventIds[0];
  const cancel = (runId) => sys.post(`/api/workflows/coordination/runs/${runId}/cancel`, {});
  const explain = async (runId) => (await sys.get(`/api/workflows/coordination/runs/${runId}/explain`)).json.waiting;
  const first = await queue('c-1');
  const e = await stub.has(first);
  assert.equal(e.name, 'rawr/coordination.workflow.run');
  assert.equal(e.data.runId, 'c-1');
  assert.ok(e.data._rawr.correlationId);
  await empty(sys);
  assert.deepEqual((await explain('c-1')).map((w) => [w.for, w.detail]), [['server', 'the Inngest server has its event and has not started it yet']]);
  assert.equal((await cancel('c-1')).json.run.status, 'failed');
  await until('the cancel at the server', () => stub.names().includes('rawr/coordination.run.cancelled'));
  assert.deepEqual(stub.events.at(-1).data.runId, 'c-1');
  await stub.stop();
  await queue('c-2');
  await until('an explanation', async () => /waits for the Inngest server: it is not there/.test((await explain('c-2'))[0]?.detail));
  await cancel('c-2');
  await stub.start(stub.port);
  await empty(sys);
  assert.deepEqual(stub.events.filter((x) => x.data.runId === 'c-2').map((x) => x.name), ['rawr/coordination.run.cancelled']);
});

test('a run whose event was refused says so, and is gone from the list when it is cancelled', async (t) => {
  const { sys, stub } = await outward(t);
  await sys.rpc('coordination/saveWorkflow', { workflow: chain('wf-r', ['a']) });
  stub.answers.push((q, r) => stub.say(q, r, 400, JSON.stringify({ ids: [], status: 400, error: 'no such luck' })));
  await sys.rpc('coordination/queueRun', { workflowId: 'wf-r', runId: 'r-1', input: {} });
  const explain = async () => (await sys.get('/api/workflows/coordination/runs/r-1/explain')).json.waiting[0]?.detail;
  await until('an explanation', async () => /refused its event: it answers 400: no such luck/.test(await explain()));
  await sys.post('/api/workflows/coordination/runs/r-1/cancel', {});
  assert.deepEqual((await sys.rawr('events', 'parked')).doc.result.events, []);
});

test('a runner without the server\'s key does not start, and says which file is missing', async (t) => {
  const { sys } = await outward(t, { up: false });
  fs.rmSync(path.join(sys.dir, 'keys/inngest.key'));
  await assert.rejects(sys.up());
  assert.match(sys.logs('runner'), /no inngest.key in RAWR_KEYS/);
});

test('of two runners one forwards, and the other when that is gone', async (t) => {
  const { sys, stub } = await outward(t);
  sys.startRunner({}, 'second');
  await until('the second', () => /"event":"ready"/.test(sys.logs('second')));
  await sys.event('shop/t', 't-1');
  await empty(sys);
  assert.equal(stub.requests.filter((q) => q.path === '/fn/register').length, 1);
  process.kill(sys.pid('runner'), 'SIGKILL');
  await sys.event('shop/t', 't-2');
  await empty(sys);
  assert.deepEqual(stub.events.map((e) => e.id), ['t-1', 't-2']);
  process.kill(sys.pid('second'), 'SIGTERM');
});

test('our own engine\'s runs stand still meanwhile, which the doctor and the run say', async (t) => {
  const { sys } = await outward(t, { up: false });
  await sys.up({ RAWR_ENGINE: 'own' });
  const w = chain('wf-own', ['a']);
  w.desks[0].executor = { kind: 'agent' };
  await sys.rpc('coordination/saveWorkflow', { workflow: w });
  await sys.rpc('coordination/queueRun', { workflowId: 'wf-own', runId: 'o-1', input: {} });
  await until('its task', () => sys.rows('SELECT 1 FROM coordination_task').length === 1);
  await sys.down();
  await sys.up();
  assert.equal((await sys.check('engine')).text, '1 runs of our own engine stand still');
  const { waiting } = (await sys.get('/api/workflows/coordination/runs/o-1/explain')).json;
  assert.match(waiting.at(-1).detail, /our own engine has it, and stands still/);
});
