// sdk_app.mjs PORT: five steps that do nothing, as a function of the official
// Inngest SDK, step by step and with checkpoints.
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';

const require = createRequire(path.resolve(import.meta.dirname, '../clients/x.js'));
const { Inngest } = require('inngest');
const { serve } = require('inngest/node');
const client = new Inngest({ id: 'bench-app' });
const five = (id, checkpointing) => client.createFunction({ id, triggers: [{ event: `bench/${id}` }], checkpointing }, async ({ step }) => {
  for (const n of ['one', 'two', 'three', 'four', 'five']) await step.run(n, () => null);
});
const functions = [five('classic', false), five('checkpoints', true), five('buffered', { bufferedSteps: 5 })];
http.createServer(serve({ client, functions })).listen(Number(process.argv[2]), '127.0.0.1', () => process.send('ready'));
process.on('disconnect', () => process.exit());
