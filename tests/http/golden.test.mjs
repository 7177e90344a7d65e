// The recorded requests and answers of the reference system, replayed through
// nginx (tests/golden/README.md).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System, root } from '../lib/system.mjs';

const golden = path.join(root, 'tests/golden');

const replay = (base, suite, extra) =>
  new Promise((resolve) =>
    execFile(process.execPath, [path.join(golden, 'replay.mjs'), '--suite', suite, '--settle', '--strict-order', '--ignore-links',
      '--overlay', path.join(golden, 'overlay-1.16.1'), ...extra], { env: { ...process.env, BASE_URL: base }, maxBuffer: 64 << 20 },
    (e, stdout) => resolve({ ok: !e, stdout })));

// Faults of the reference, and what nginx refuses itself, in one list.
function expectedFailures() {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-xfail-')), 'xfail.txt');
  fs.writeFileSync(file, ['not-to-copy.txt', 'answered-by-nginx.txt'].map((f) => fs.readFileSync(path.join(golden, f), 'utf8')).join('\n'));
  return file;
}

test('every recorded case of the main suite gets its recorded answer', async (t) => {
  const s = await System.start({ RAWR_WEB_PLUGINS: path.join(golden, 'fixtures/main/plugins/web') });
  t.after(() => s.close());
  const imported = await s.rawr('import', path.join(golden, 'fixtures/main'));
  assert.equal(imported.code, 0, JSON.stringify(imported.doc));
  const r = await replay(s.base, 'main', ['--xfail', expectedFailures()]);
  assert.ok(r.ok, r.stdout);
});

test('every recorded case of an empty store gets its recorded answer', async (t) => {
  const s = await System.start();
  t.after(() => s.close());
  const r = await replay(s.base, 'fresh', []);
  assert.ok(r.ok, r.stdout);
});

test('every recorded case of a run that nothing executes gets its recorded answer', async (t) => {
  const s = await System.start({ RAWR_RUNNER: 'off' });
  t.after(() => s.close());
  const r = await replay(s.base, 'ack', []);
  assert.ok(r.ok, r.stdout);
});
