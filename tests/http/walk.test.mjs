// docs/walk.md, as a newcomer would go it: every command of the page, in one
// shell, with a store and a port of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { bin, freePort, root } from '../lib/system.mjs';

const page = fs.readFileSync(path.join(root, 'docs/walk.md'), 'utf8');
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1]);

// Where the page writes files they go to dir, which has the tree in it.
async function walk(dir) {
  for (const name of fs.readdirSync(root)) fs.symlinkSync(path.join(root, name), path.join(dir, name));
  // The tree is built; make would build it anew elsewhere.
  const script = commands.join('\n').replace(/^make (up|down)$/gm, 'cli/system.sh $1').replace('$PWD/build', bin);
  const env = { ...process.env, RAWR_BIN: bin, RAWR_VAR: path.join(dir, 'data'), RAWR_PORT: String(await freePort()) };
  return new Promise((resolve) => {
    execFile('bash', ['-euc', script], { cwd: dir, env, timeout: 120000 }, (e, stdout, stderr) => resolve({ code: e ? e.code : 0, stdout, stderr }));
  });
}

test('the walk through the documents ends as they say', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-walk-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const w = await walk(dir);
  assert.equal(w.code, 0, `${w.stdout}\n${w.stderr}`);
  assert.match(w.stdout, /"code":"TASK_LEASE_LOST"[\s\S]*\n409\n/);
  const { timeline } = JSON.parse(w.stdout.slice(w.stdout.lastIndexOf('{"runId"')));
  assert.deepEqual(timeline.filter((e) => e.type === 'desk.completed').map((e) => e.detail), ['Read completed by ann', 'Approve answered by maria']);
  assert.equal(timeline.at(-1).type, 'run.completed');
});
