// The wall clock of every process jumps, by an hour and by a day, forward and
// back, while runs, leases, attempts and tasks are under way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System } from '../lib/system.mjs';
import { Clients, pause, seed, workflows } from './chaos.mjs';
import { judge, one } from './checker.mjs';
import { Agents, called, crew, httpKey, serve } from './crew.mjs';
import { preload } from './native.mjs';
import { Teller } from './teller.mjs';

const HOUR = 3600, DAY = 24 * HOUR;

// A system whose clock is set with jump(seconds).
async function shifted(t, env) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-clock-'));
  const file = path.join(dir, 'shift');
  fs.writeFileSync(file, Buffer.alloc(8));
  const s = await System.create({ RAWR_LEASE: '1', RAWR_RETRY_INTERVAL: '1', LD_PRELOAD: preload('shift'), RAWR_SHIFT: file, ...env });
  t.after(async () => { await s.close(); fs.rmSync(dir, { recursive: true }); });
  s.set = (seconds) => {
    const b = Buffer.alloc(8);
    b.writeBigInt64LE(BigInt(seconds) * 1000000000n);
    fs.writeFileSync(file, b, { flag: 'r+' });
  };
  return s;
}

test('a clock that jumps to and fro loses no run, doubles none and leaves none behind', async (t) => {
  const rnd = seed(t);
  const url = await serve(t);
  const s = await shifted(t, { RAWR_HTTP_ALLOW: url });
  httpKey(s);
  await s.up();
  const c = new Teller(s);
  const crewed = crew(url);
  await c.save(crewed);
  for (const w of workflows.values()) await c.save(w);
  const agents = new Agents(s, 4);
  t.after(() => agents.stop());
  const many = new Clients(s, { clients: 6, least: 40 });
  const before = Date.now();
  const jumps = [HOUR, 0, -HOUR, 0, DAY, 0, -DAY, 0, -HOUR, HOUR, DAY, -DAY];
  let stopping = false, worst = 0;
  const work = (async () => {
    for (let n = 0; !stopping || n < 6; n++) {
      const runId = `crew-${n}`, began = Date.now();
      await c.queue('crew', runId, { n, name: runId });
      const task = await (async () => {
        for (;;) {
          const r = await c.ask('GET', `/api/workflows/coordination/tasks?state=open&deskId=sign&runId=${runId}`);
          if (r.json.tasks.length > 0) return r.json.tasks[0];
          assert.ok(Date.now() - began < 60000, `${runId} stands still: ${(await s.get(`/api/workflows/coordination/runs/${runId}/explain`)).text}`);
          await pause(20);
        }
      })();
      await c.answer(task, { ok: runId }, 'maria');
      await c.ended(runId);
      worst = Math.max(worst, Date.now() - began);
    }
  })();
  for (const seconds of jumps) {
    await pause(rnd.between(300, 900));
    s.set(seconds);
  }
  await pause(300);
  s.set(0);
  stopping = true;
  await work;
  await many.stop();
  agents.stop();
  const count = agents.tell(c.ledger);
  for (const [k, v] of many.log) c.ledger.set(k, v);
  const n = await judge(s, new Map([...workflows, ['crew', crewed]]), c.ledger, 60, called);
  const after = one(s, 'SELECT max(received_ms) FROM engine_event');
  assert.ok(after - before > (DAY - HOUR) * 1000, 'the clock was not shifted');
  assert.ok(s.logs('runner').includes('"event":"clock_back"'), 'nobody saw the clock go back');
  t.diagnostic(`${n} runs, the slowest with tasks took ${worst} ms; answers ${JSON.stringify(count)}`);
});
