// Agents die, stand still and come too late, while runners and workers die too.
import assert from 'node:assert/strict';
import test from 'node:test';
import { System, until } from '../lib/system.mjs';
import { killRunner, pause, seed, signal } from './chaos.mjs';
import { judge } from './checker.mjs';
import { Agents, called, crew, httpKey, serve } from './crew.mjs';
import { Teller } from './teller.mjs';

// Queue runs and answer for the person, until `runs` of them have ended.
async function direct(c, runs) {
  const api = '/api/workflows/coordination';
  const ends = [];
  const person = { stopping: false };
  person.done = (async () => {
    while (!person.stopping) {
      const r = await c.ask('GET', `${api}/tasks?state=open&deskId=sign&limit=50`);
      for (const task of r.json.tasks) await c.answer(task, { ok: task.runId }, 'maria');
      await pause(30);
    }
  })();
  for (let n = 0; n < runs; n++) {
    await c.queue('crew', `run-${n}`, { n, name: `Nr. ${n}` });
    ends.push(c.ended(`run-${n}`, 120));
    if (ends.length >= 12) await ends[n - 11];
  }
  await Promise.all(ends);
  person.stopping = true;
  await person.done;
}

test('agents that die or stand still at random moments do each piece of work once', async (t) => {
  const rnd = seed(t);
  const url = await serve(t);
  const s = await System.create({ RAWR_LEASE: '1', RAWR_RETRY_INTERVAL: '1', RAWR_HTTP_ALLOW: url });
  httpKey(s);
  await s.up();
  t.after(() => s.close());
  const c = new Teller(s);
  const workflow = crew(url);
  await c.save(workflow);
  const agents = new Agents(s, 8);
  t.after(() => agents.stop());
  const thawed = [];
  let stopping = false, frozen = 0, standing = 0;
  const harm = (async () => {
    for (let i = 0; !stopping; i++) {
      await pause(rnd.between(50, 250));
      if (i % 12 === 5) await killRunner(s);
      else if (i % 12 === 9) signal(rnd.pick(await until('a worker', () => { const w = s.workers(rnd.pick(['inngest', 'workflows'])); return w.length > 0 && w; }, 15)));
      else if (rnd.next() < 0.5) agents.kill(rnd);
      else if (standing < 2) {
        standing++;
        thawed.push(agents.freeze(rnd, 1300).then((was) => { standing--; frozen += was; }));
      }
    }
  })();
  await direct(c, process.env.RAWR_SOAK === '1' ? 400 : 24);
  stopping = true;
  await harm;
  await Promise.all(thawed);
  agents.stop();
  const count = agents.tell(c.ledger);
  const n = await judge(s, new Map([['crew', workflow]]), c.ledger, 60, called);
  t.diagnostic(`${n} runs, ${agents.kills} agents killed, ${frozen} stopped, answers ${JSON.stringify(count)}, ${c.unanswered} requests again`);
  assert.ok(agents.kills > 10 && frozen > 2 && count.refused + count.late > 0, 'too little harm was done');
});
