// Functions of the official SDK that say when and how often they run.
import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { App, AppSystem } from './app_system.mjs';

for (const [mode, checkpointing] of [['step by step', '0'], ['with checkpoints', '1']])
  test(`functions with options, of an SDK that works ${mode}`, async (t) => {
    const sys = await AppSystem.start({ RAWR_LEASE: '2' });
    const app = new App(sys, sys.appPort, { APP_CHECKPOINTING: checkpointing }, 'flow_app.mjs');
    t.after(async () => { await app.kill(); await sys.close(); });
    await app.start();
    assert.deepEqual((await app.register()).json, { message: 'Successfully registered', modified: true });
    // Events are taken in the order they came: behind this one, those before are.
    const taken = (event) => until('the event is taken', () => sys.rows(`SELECT 1 FROM engine_inbox WHERE event = '${event}'`).length === 0);
    const runs = async (name, datas) => {
      const events = [];
      for (const data of datas) events.push(await sys.send(name, data));
      await taken(events.at(-1));
      return Promise.all(events.map(async (e) => (await sys.runsOf(e)).length));
    };

    await t.test('rateLimit: events beyond it start nothing, by key', async () => {
      assert.deepEqual(await runs('app/limited', [{ user: 'a' }, { user: 'a' }, { user: 'b' }, {}, {}]), [1, 0, 1, 1, 1]);
    });
    await t.test('idempotency: one run for each value', async () => {
      assert.deepEqual(await runs('app/once', [{ order: 1 }, { order: 1 }, { order: 2 }, { order: 1 }]), [1, 0, 1, 0]);
    });
    await t.test('cancelOn: an event that matches cancels a run', async () => {
      const [mine, other] = [await sys.send('app/stopped', { user: 'a' }), await sys.send('app/stopped', { user: 'b' })];
      await sys.send('app/stop', { user: 'a' });
      const run = await sys.ended(mine);
      assert.deepEqual([run.status, run.output.message], ['Cancelled', 'function cancelled']);
      assert.equal((await sys.runsOf(other))[0].status, 'Running');
    });
    await t.test('singleton: an event beside an open run starts none', async () => {
      assert.deepEqual(await runs('app/single', [{ user: 'a' }, { user: 'a' }, { user: 'b' }]), [1, 0, 1]);
    });
    await t.test('singleton: a run makes way for the next', async () => {
      const [first, second] = [await sys.send('app/newest', { n: 1 }), await sys.send('app/newest', { n: 2 })];
      assert.equal((await sys.ended(first)).status, 'Cancelled');
      const [run] = await sys.runsOf(second);
      await until('the wait', () => sys.rows(`SELECT 1 FROM engine_job JOIN engine_run r ON r.num = run WHERE r.id = '${run.run_id}' AND wait_event IS NOT NULL`).length > 0);
      await sys.send('app/go-on', {});
      assert.equal((await sys.ended(second)).status, 'Completed');
    });
    await t.test('priority: a run of a lower one starts later', async () => {
      const later = await sys.send('app/prior', { n: 1, p: -1 });
      assert.equal((await sys.run('app/prior', { n: 2, p: 5 })).output, 2);
      await sys.ended(later);
      assert.deepEqual(app.lines().filter((l) => l.what.startsWith('app/prior')).map((l) => l.what), ['app/prior 2', 'app/prior 1']);
    });
    await t.test('concurrency: no more calls than that are in flight', async () => {
      const events = [];
      for (const n of [1, 2, 3, 4]) events.push(await sys.send('app/two', { n }));
      const begun = (k) => [1, 2, 3, 4].filter((n) => app.ran(`${k} ${n} begins`) > 0);
      await until('two calls', () => begun('two').length === 2);
      await taken(events.at(-1));
      await sys.run('app/prior', { n: 3 }); // what could be called has been
      assert.equal(begun('two').length, 2);
      const [first] = begun('two');
      app.open(`two-${first}`);
      await until('the next', () => begun('two').length === 3);
      for (const n of [1, 2, 3, 4]) app.open(`two-${n}`);
      for (const e of events) assert.equal((await sys.ended(e)).status, 'Completed');
      for (const n of [1, 2, 3, 4]) assert.equal(app.ran(`two ${n} begins`), 1);
    });
    await t.test('concurrency: by key', async () => {
      const events = [];
      for (const [n, user] of [[1, 'a'], [2, 'a'], [3, 'b']]) events.push(await sys.send('app/keyed', { n, user }));
      const begun = () => [1, 2, 3].filter((n) => app.ran(`keyed ${n} begins`) > 0);
      await until('a call of each', () => begun().length === 2);
      assert.ok(begun().includes(3));
      for (const n of [1, 2, 3]) app.open(`keyed-${n}`);
      for (const e of events) assert.equal((await sys.ended(e)).status, 'Completed');
    });
    await t.test('throttle: runs start one after the other', async () => {
      const events = [];
      for (const n of [1, 2, 3]) events.push(await sys.send('app/paced', { n, user: 'a' }));
      const other = await sys.run('app/paced', { n: 4, user: 'b' });
      assert.equal(other.status, 'Completed');
      for (const e of events) assert.equal((await sys.ended(e)).status, 'Completed');
      const at = app.lines().filter((l) => /app.paced [123]/.test(l.what)).map((l) => l.at);
      for (const i of [1, 2]) assert.ok(at[i] - at[i - 1] > 500, `${at}`);
    });
    await t.test('debounce: the last event starts one run', async () => {
      const events = [];
      for (const n of [1, 2, 3]) events.push(await sys.send('app/quiet', { n, user: 'a' }));
      const other = await sys.send('app/quiet', { n: 4, user: 'b' });
      const [last, alone] = [await sys.ended(events[2]), await sys.ended(other)];
      assert.deepEqual([last.output, alone.output], [3, 4]);
      assert.deepEqual([(await sys.runsOf(events[0])).length, (await sys.runsOf(events[1])).length], [0, 0]);
    });
    await t.test('batchEvents: a run begins with several events', async () => {
      const events = [];
      for (const n of [1, 2, 3]) events.push(await sys.send('app/batch', { n, user: 'a' }));
      const few = await sys.send('app/batch', { n: 4, user: 'b' });
      const { bytes, ...output } = (await sys.ended(events[0])).output;
      assert.deepEqual(output, { first: 1, all: [1, 2, 3], sum: 6 });
      const [run] = await sys.runsOf(events[0]);
      for (const e of events) assert.equal((await sys.runsOf(e))[0].run_id, run.run_id);
      assert.deepEqual((await sys.ended(few)).output.all, [4]);
      assert.deepEqual((await sys.run('app/batch', { n: 5, user: 'a', alone: true })).output.all, [5]);
    });
    await t.test('batchEvents: events that are too large for a call are fetched', async () => {
      const events = [];
      for (const n of [1, 2, 3]) events.push(await sys.send('app/batch', { n, user: 'c', x: 'x'.repeat(900_000) }));
      const { output } = await sys.ended(events[0]);
      assert.deepEqual([output.all, output.bytes > 2_700_000], [[1, 2, 3], true]);
    });
    await t.test('timeouts: a run that does not end in time is cancelled', async () => {
      assert.equal((await sys.run('app/overdue', {})).status, 'Cancelled');
    });
  });
