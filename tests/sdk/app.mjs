// An app of the official Inngest SDK, in a process of its own:
//	app.mjs PORT LOG
// Every step that runs writes a line to LOG: what ran, and how often, can be
// told after its death.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';

const [port, log] = process.argv.slice(2);
const require = createRequire(path.resolve(import.meta.dirname, '../clients/x.js'));
const { Inngest, NonRetriableError, RetryAfterError } = require('inngest');
const { serve } = require('inngest/node');

const ran = (what, more = {}) => fs.appendFileSync(log, `${JSON.stringify({ what, pid: process.pid, ...more })}\n`);
const client = new Inngest({ id: process.env.APP_ID ?? 'test-app', checkpointing: process.env.APP_CHECKPOINTING === '1' });
const on = (id, event, fn, more = {}) => client.createFunction({ id, triggers: [event ? { event } : undefined].filter(Boolean), ...more }, fn);
const gate = (what) => new Promise((r) => { // until a file of that name is there
  const look = () => (fs.existsSync(`${log}.${what}`) ? r() : setTimeout(look, 10));
  look();
});

const functions = [
  on('five', 'app/five', async ({ event, step }) => {
    let sum = 0;
    for (const n of [1, 2, 3, 4, 5]) sum += await step.run(`s${n}`, () => { ran(`five ${event.data.k} s${n}`); return n * event.data.by; });
    return { sum };
  }),
  on('retries', 'app/retries', async ({ event, step, attempt }) =>
    step.run('flaky', () => {
      ran(`flaky ${event.data.k}`, { attempt });
      if (attempt < 2) throw new Error(`not yet ${attempt}`);
      return attempt;
    }), { retries: 3 }),
  on('after', 'app/after', async ({ event, step, attempt }) =>
    step.run('later', () => { ran(`later ${event.data.k}`, { at: Date.now() }); if (attempt === 0) throw new RetryAfterError('later', 1000); return 'done'; }), { retries: 1 }),
  on('throws', 'app/throws', async ({ event, attempt }) => {
    ran(`throws ${event.data.k}`, { attempt });
    if (event.data.final) throw new NonRetriableError('never');
    throw new Error('always');
  }, { retries: 1, onFailure: async ({ event, error, step }) => step.run('told', () => { ran(`failure ${event.data.event.data.k}`, { message: error.message, fn: event.data.function_id }); }) }),
  on('catches', 'app/catches', async ({ step }) => {
    try { await step.run('bad', () => { throw new TypeError('boom'); }); } catch (e) {
      return step.run('rollback', () => `${e.name}: ${e.message}`);
    }
  }, { retries: 0 }),
  on('sleeps', 'app/sleeps', async ({ event, step }) => {
    await step.run('before', () => { ran(`sleeps ${event.data.k} before`, { at: Date.now() }); });
    await step.sleep('nap', '1s');
    return step.run('behind', () => { ran(`sleeps ${event.data.k} behind`, { at: Date.now() }); return 'awake'; });
  }),
  on('waits', 'app/waits', async ({ event, step }) => {
    const got = await step.waitForEvent('w', { event: 'app/resume', timeout: event.data.timeout ?? '1h', if: 'event.data.k == async.data.k' });
    return got === null ? 'timed out' : got.data.answer;
  }),
  on('child', undefined, async ({ event, step }) => {
    const v = await step.run('double', () => event.data.n * 2);
    if (event.data.fail) throw new NonRetriableError('child failed');
    return { v };
  }),
  on('parent', 'app/parent', async ({ event, step }) => step.invoke('call', { function: functions.find((f) => f.id() === 'child'), data: event.data })),
  on('parallel', 'app/parallel', async ({ event, step }) => {
    const all = await Promise.all([1, 2, 3].map((n) => step.run(`p${n}`, () => { ran(`parallel ${event.data.k} p${n}`); return n; })));
    const then = await step.run('sum', () => all.reduce((a, b) => a + b));
    return { all, then };
  }),
  on('sends', 'app/sends', async ({ event, step }) => step.sendEvent('out', [{ name: 'app/five', data: { k: event.data.k, by: 1 } }])),
  on('hangs', 'app/hangs', async ({ event, step }) => {
    await step.run('first', () => { ran(`hangs ${event.data.k} first`); return 1; });
    await step.run('second', async () => { ran(`hangs ${event.data.k} second`); await gate(event.data.k); return 2; });
    return step.run('third', () => { ran(`hangs ${event.data.k} third`); return 3; });
  }),
  on('large', 'app/large', async ({ step }) => {
    let n = 0;
    for (const i of [1, 2, 3, 4]) n += (await step.run(`l${i}`, () => 'x'.repeat(950_000))).length;
    return n;
  }),
  on('only', 'app/only', async ({ event }) => { ran(`only ${event.data.k}`); return event.data.k; }),
  client.createFunction({ id: 'ticks', triggers: [{ cron: '* * * * *' }] }, async ({ event }) => { ran('tick', { name: event.name, cron: event.data.cron }); }),
];
if (process.env.APP_WITH) functions.push(on('odd', 'app/odd', async () => 1, JSON.parse(process.env.APP_WITH)));

http.createServer(serve({ client, functions })).listen(Number(port), '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit());
