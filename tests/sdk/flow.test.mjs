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
    await t.test('timeouts: a run that does not end in time is cancelled', async () => {
      assert.equal((await sys.run('app/overdue', {})).status, 'Cancelled');
    });
  });
