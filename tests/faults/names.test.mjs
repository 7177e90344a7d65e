// A name server that does not answer, and an app that goes by its name.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { chain, until } from '../lib/system.mjs';
import { AppSystem } from '../sdk/app_system.mjs';
import { gone, signal } from './chaos.mjs';
import { preload } from './native.mjs';

const url = 'http://app.test:1/api/inngest';

test('a name server that never answers keeps the runner neither from our functions nor from its end', async (t) => {
  const s = await AppSystem.start({ RAWR_APPS: url });
  t.after(() => s.close());
  signal(s.pid('runner'), 'SIGTERM');
  await until('the end of the runner', () => gone(s.pid('runner')));
  const file = path.join(s.dir, 'asked');
  fs.writeFileSync(file, '');
  s.startRunner({ LD_PRELOAD: preload('deaf'), RAWR_DEAF: file });
  const asked = (n) => until(`question ${n}`, () => fs.statSync(file).size >= n, 60);

  const registered = await s.api('POST', '/fn/register', { url, appName: 'app', functions: [
    { id: 'app-f', name: 'f', triggers: [{ event: 'app/go' }], steps: { step: { id: 'step', name: 'step', runtime: { type: 'http', url } } } }] });
  assert.equal(registered.status, 200, registered.text);
  await s.send('app/go', {});
  await asked(1);
  await asked(2); // the first call was given up
  assert.equal((await s.rpc('coordination/saveWorkflow', { workflow: chain('wf', ['a']) })).status, 200);
  await s.rpc('coordination/queueRun', { workflowId: 'wf', runId: 'run', input: {} });
  assert.equal((await s.finish('run', 60)).status, 'completed');
  const pid = s.pid('runner');
  signal(pid, 'SIGTERM');
  await until('the end of the runner', () => gone(pid), 60);
});
