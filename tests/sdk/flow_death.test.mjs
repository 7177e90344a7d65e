// SIGKILL before every write, sync and truncation of the runner, while functions
// that say when and how often they run are started.  A sample of them by default;
// all with RAWR_SOAK=1.
import assert from 'node:assert/strict';
import test from 'node:test';
import { gone, seed, signal } from '../faults/chaos.mjs';
import { one, rows } from '../faults/checker.mjs';
import { Death, FAR, Nurse, chosen } from '../faults/lives.mjs';
import { until } from '../lib/system.mjs';
import { App, AppSystem } from './app_system.mjs';

const sanitized = /san$/.test(process.env.RAWR_BIN ?? '') && 'what is preloaded does not go with ASan';
const COMPLETED = 1;
let n = 0; // of all events

// Everything that name stands for is over.
const rest = (s, name) => until(`the rest of ${name}`, () => one(s, `SELECT
  NOT EXISTS (SELECT 1 FROM engine_inbox) AND NOT EXISTS (SELECT 1 FROM engine_wake WHERE name NOT LIKE 't%')
  AND NOT EXISTS (SELECT 1 FROM engine_run WHERE state = 0)`) === 1, 60);

async function live(s, app, name) {
  const send = async (what, count) => {
    for (let i = 0; i < count; i++) {
      n++;
      app.open(`keyed-${n}`);
      await s.send(`app/${what}`, { n, user: name, order: name });
    }
  };
  for (const [what, count] of [['batch', 4], ['once', 2], ['quiet', 2], ['keyed', 3], ['paced', 2]]) await send(what, count);
  await rest(s, name);
}

// The runs of a function for name, with the numbers of all events each began with.
function runsOf(s, what, name) {
  return rows(s, `SELECT json_object('state', r.state, 'ns', json_group_array(json_extract(e.data, '$.n')))
    FROM engine_run r JOIN engine_event e ON e.id = r.event OR e.id IN (SELECT event FROM engine_batch WHERE owner = r.id)
    WHERE r.fn = 'flow-app-${what}' AND json_extract(e.data, '$.user') = '${name}' GROUP BY r.id`)
    .map(({ state, ns }) => { assert.equal(state, COMPLETED, `${what} ${name}`); return ns; });
}

function judge(s, name) {
  const sent = (what) => rows(s, `SELECT json_extract(data, '$.n') FROM engine_event WHERE name = 'app/${what}' AND json_extract(data, '$.user') = '${name}' ORDER BY id`);
  for (const what of ['batch', 'keyed', 'paced']) // each event in one run
    assert.deepEqual(runsOf(s, what, name).flat().sort((a, b) => a - b), sent(what), `${what} ${name}`);
  assert.deepEqual(runsOf(s, 'once', name), [[sent('once')[0]]], `once ${name}`);
  const quiet = runsOf(s, 'quiet', name).flat(), [first, last] = sent('quiet');
  assert.equal(quiet.filter((k) => k === last).length, 1, `quiet ${name}: ${quiet}`);
  assert.ok(quiet.filter((k) => k === first).length <= 1, `quiet ${name}: ${quiet}`);
}

test('whatever write of the runner is its last, no event is lost or counted twice by an option', { skip: sanitized }, async (t) => {
  const rnd = seed(t);
  const s = await AppSystem.start({ RAWR_LEASE: '1' });
  const app = new App(s, s.appPort, {}, 'flow_app.mjs');
  t.after(async () => { await app.kill(); await s.close(); });
  await app.start();
  assert.equal((await app.register()).status, 200);
  const death = new Death(s.dir);
  const first = s.pid('runner');
  signal(first);
  await until('the end of the runner', () => gone(first));
  let deaths = 0;
  const names = [];
  const once = async (at) => {
    names.push(`at-${names.length}`);
    death.at(at);
    await live(s, app, names.at(-1));
    const left = death.left();
    death.at(0);
    return left;
  };
  const nurse = new Nurse(s, 'runner', death.env);
  let total;
  try {
    await live(s, app, 'warm');
    total = FAR - await once(FAR);
    for (const at of chosen(rnd, total, 24)) if (await once(at) <= 0) deaths++;
  } finally { nurse.leave(); }
  for (const name of names) judge(s, name);
  t.diagnostic(`${deaths} deaths at ${total} boundaries`);
  assert.ok(deaths >= 12, `only ${deaths} deaths`);
});
