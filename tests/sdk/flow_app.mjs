// An app whose functions say when and how often they run:
//	flow_app.mjs PORT LOG
import fs from 'node:fs';
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';

const [port, log] = process.argv.slice(2);
const require = createRequire(path.resolve(import.meta.dirname, '../clients/x.js'));
const { Inngest } = require('inngest');
const { serve } = require('inngest/node');

const ran = (what, more = {}) => fs.appendFileSync(log, `${JSON.stringify({ what, pid: process.pid, ...more })}\n`);
const client = new Inngest({ id: 'flow-app', checkpointing: process.env.APP_CHECKPOINTING === '1' });
const on = (id, options, fn) => client.createFunction({ id, triggers: [{ event: `app/${id}` }], retries: 0, ...options }, fn);
const note = ({ event, runId }) => { ran(`${event.name} ${event.data.n}`, { run: runId, at: Date.now() }); return event.data.n; };

const gate = (what) => new Promise((r) => { // until a file of that name is there
  const look = () => (fs.existsSync(`${log}.${what}`) ? r() : setTimeout(look, 10));
  look();
});

const functions = [
  on('limited', { rateLimit: { limit: 1, period: '1h', key: 'event.data.user' } }, note),
  on('once', { idempotency: 'event.data.order' }, note),
  on('stopped', { cancelOn: [{ event: 'app/stop', match: 'data.user' }] }, async ({ event, step }) => {
    await step.sleep('long', '1h');
    note({ event });
  }),
  on('single', { singleton: { key: 'event.data.user', mode: 'skip' } }, async ({ event, step }) => {
    await step.waitForEvent('w', { event: 'app/go-on', timeout: '1h' });
    note({ event });
  }),
  on('newest', { singleton: { mode: 'cancel' } }, async ({ event, step }) => {
    await step.waitForEvent('w', { event: 'app/go-on', timeout: '1h' });
    note({ event });
  }),
  on('prior', { priority: { run: 'event.data.p' } }, note),
  on('two', { concurrency: 2 }, async ({ event, step }) => {
    await step.run('held', async () => { ran(`two ${event.data.n} begins`); await gate(`two-${event.data.n}`); });
    await step.sleep('nap', '10ms');
    note({ event });
  }),
  on('keyed', { concurrency: [{ limit: 1, key: 'event.data.user', scope: 'account' }, { limit: 5 }] }, async ({ event, step }) => {
    await step.run('held', async () => { ran(`keyed ${event.data.n} begins`); await gate(`keyed-${event.data.n}`); });
    note({ event });
  }),
  on('paced', { throttle: { limit: 2, period: '2s', key: 'event.data.user' } }, note),
  on('quiet', { debounce: { period: '1s', key: 'event.data.user' } }, note),
  on('batch', { batchEvents: { maxSize: 3, timeout: '1s', key: 'event.data.user', if: 'event.data.alone != true' } }, async ({ event, events, step }) => {
    const sum = await step.run('sum', () => events.reduce((a, e) => a + e.data.n, 0));
    return { first: event.data.n, all: events.map((e) => e.data.n), sum, bytes: JSON.stringify(events).length };
  }),
  on('overdue', { timeouts: { finish: '1s' } }, async ({ event, step }) => {
    await step.sleep('long', '1h');
    note({ event });
  }),
];

http.createServer(serve({ client, functions })).listen(Number(port), '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit());
