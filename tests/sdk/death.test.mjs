// SIGKILL before every write, sync, truncation and reply of engine.fcgi, while an
// app of the SDK registers, sends, checkpoints and cancels.  A sample of them by
// default; all with RAWR_SOAK=1.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { gone, pause, seed, signal } from '../faults/chaos.mjs';
import { AppLedger, judgeApp, one } from '../faults/checker.mjs';
import { Death, FAR, Nurse, chosen } from '../faults/lives.mjs';
import { until } from '../lib/system.mjs';
import { App, AppSystem } from './app_system.mjs';

const sanitized = /san$/.test(process.env.RAWR_BIN ?? '') && 'what is preloaded does not go with ASan';
const COMPLETED = 1, CANCELLED = 3;
const hash = (step) => crypto.createHash('sha1').update(step).digest('hex');

// Asks again, as an SDK does, where it gets no answer, and writes down what it
// was told.
class AppTeller {
  constructor(s) { Object.assign(this, { s, ledger: new AppLedger(), unanswered: 0 }); }
  ask(method, uri, value, headers = {}) {
    return until(`an answer to ${method} ${uri}`, async () => {
      try {
        const r = await this.s.api(method, uri, value, headers);
        if (r.status < 500) return r;
      } catch { /* no answer */ }
      this.unanswered++;
      await pause(10);
      return undefined;
    }, 60);
  }
  async ok(method, uri, value, headers) {
    const r = await this.ask(method, uri, value, headers);
    assert.equal(r.status, 200, `${method} ${uri}: ${r.status} ${r.text}`);
    return r.json;
  }
  // Another app every time.
  async register(name) {
    const url = this.s.env.RAWR_APPS;
    const f = { id: `${name}-f`, name, triggers: [{ event: 'other/go' }], steps: { step: { id: 'step', name: 'step', runtime: { type: 'http', url } } } };
    await this.ok('POST', '/fn/register', { url, appName: name, functions: [f] });
    this.ledger.functions.set(f.id, f);
  }
  // With the seed that an SDK sends, by which a request is known again.
  async send(name, data) {
    const entry = { name, data };
    this.ledger.events.set(data.k, entry);
    const ids = { 'x-inngest-event-id-seed': `${Date.now()},${crypto.randomBytes(10).toString('base64')}` };
    entry.ids = (await this.ok('POST', `/e/${this.s.eventKey}`, [{ name, data }], ids)).ids;
    assert.equal(entry.ids.length, 1);
  }
  // By the store: nothing more is asked of engine.fcgi.
  run(k, condition) {
    return until(`the run of ${k}`, () => one(this.s, `SELECT json_quote(r.id) FROM engine_run r JOIN engine_event e ON e.id = r.event WHERE json_extract(e.data, '$.k') = '${k}' AND ${condition}`), 60);
  }
  // Asked again, by nginx or by us, one that went through says that the run has
  // ended.
  async cancel(run) {
    const r = await this.ask('DELETE', `/v1/runs/${run}`);
    assert.ok(r.status === 200 || (r.status === 409 && /ended/.test(r.text)), `${r.status} ${r.text}`);
    this.ledger.cancelled.add(run);
  }
}

async function live(c, name) {
  await c.register(name);
  await c.send('app/waits', { k: `${name}-waits` });
  await c.send('app/five', { k: `${name}-five`, by: c.ledger.events.size });
  await c.cancel(await c.run(`${name}-waits`, 'EXISTS (SELECT 1 FROM engine_job j WHERE j.run = r.num AND j.wait_event IS NOT NULL)'));
  await c.run(`${name}-five`, 'r.state <> 0');
}

test('whatever write of engine.fcgi is its last, what an app was told of is done once', { skip: sanitized }, async (t) => {
  const rnd = seed(t);
  const s = await AppSystem.start();
  const app = new App(s, s.appPort, { APP_CHECKPOINTING: '1' });
  t.after(async () => { await app.kill(); await s.close(); });
  await app.start();
  assert.equal((await app.register()).status, 200);
  const death = new Death(s.dir);
  const first = s.pid('engine');
  signal(first);
  await until('the end of engine.fcgi', () => gone(first));
  const c = new AppTeller(s);
  let deaths = 0, total;
  const once = async (n) => {
    death.at(n);
    await live(c, `at-${n}`);
    const left = death.left();
    death.at(0);
    return left;
  };
  const nurse = new Nurse(s, 'engine', death.env);
  try {
    await live(c, 'warm');
    total = FAR - await once(FAR);
    for (const n of chosen(rnd, total, 24)) if (await once(n) <= 0) deaths++;
  } finally { nurse.leave(); }
  const runs = await judgeApp(s, c.ledger, ({ name, data }, run) => (name === 'app/waits'
    ? { fn: 'test-app-waits', state: c.ledger.cancelled.has(run) ? CANCELLED : undefined, output: { message: 'function cancelled', name: 'Error' }, steps: {} }
    : { fn: 'test-app-five', state: COMPLETED, output: { sum: 15 * data.by }, steps: Object.fromEntries([1, 2, 3, 4, 5].map((n) => [hash(`s${n}`), { data: n * data.by }])) }));
  for (const [k, { name }] of c.ledger.events)
    if (name === 'app/five') for (const n of [1, 2, 3, 4, 5]) assert.equal(app.ran(`five ${k} s${n}`), 1, `${k} s${n}`);
  t.diagnostic(`${deaths} deaths at ${total} boundaries, ${runs} runs, ${c.unanswered} requests again`);
  assert.ok(deaths >= 12, `only ${deaths} deaths`);
});
