// The skills of the agents plugins, as an agent would follow them: every command
// of each page, in one shell, against a system of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { System, bin, root } from '../lib/system.mjs';

const read = (f) => JSON.parse(fs.readFileSync(path.join(root, f), 'utf8'));
const places = fs.globSync?.('plugins/agents/*/skills/*/SKILL.md', { cwd: root }) ??
  fs.readdirSync(path.join(root, 'plugins/agents'), { recursive: true }).filter((f) => f.endsWith('/SKILL.md')).map((f) => `plugins/agents/${f}`);

let sys;
test.before(async () => { sys = await System.start(); });
test.after(() => sys.close());

// The page as it is served: what an agent reads is what is run.
async function follow(t, place) {
  const { text } = await sys.get(`/rawr/${place}`);
  const script = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1]).join('\n');
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-skill-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const env = { ...sys.env, PATH: `${bin}:${process.env.PATH}`, RAWR_BASE_URL: sys.base };
  const r = await new Promise((resolve) =>
    execFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: dir, env, timeout: 60000 }, (e, stdout, stderr) => resolve({ code: e ? e.code ?? 1 : 0, stdout, stderr })));
  assert.equal(r.code, 0, `${r.stdout}\n${r.stderr}`);
  assert.deepEqual(fs.readdirSync(dir), [], 'the page removes what it writes');
  return r.stdout;
}

const skills = {
  'plugins/agents/coordination/skills/work-a-task/SKILL.md': async (t, place) => {
    const api = '/api/workflows/coordination';
    await sys.post('/api/orpc/coordination/workflows', { workflow: read('docs/examples/triage.json') });
    for (let i = 1; i <= 4; i++) await sys.post(`${api}/workflows/triage/run`, { runId: `triage-${i}`, input: { mail: 'x' } });
    const said = await follow(t, place);
    assert.doesNotMatch(said, /"code"|"task":null/);
    const { tasks } = (await sys.get(`${api}/tasks?deskId=read`)).json;
    // One over HTTP; one failed there, offered again and done at the console; one given up; one by a program.
    assert.deepEqual(tasks.map((x) => x.state).sort(), ['completed', 'completed', 'completed', 'failed']);
    assert.deepEqual(tasks.map((x) => x.attempt).sort(), [1, 1, 1, 2]);
    assert.ok(tasks.every((x) => x.by === 'ann'));
  },
  'plugins/agents/coordination/skills/run-a-workflow/SKILL.md': async (t, place) => {
    const said = await follow(t, place);
    assert.match(said, /"type":"run\.completed"/);
    for (const id of ['greet-1', 'greet-2']) assert.equal((await sys.finish(id)).status, 'completed');
  },
  // Builds: tests/plugin runs it, in a copy of the tree.
  'plugins/agents/coordination/skills/add-a-capability/SKILL.md': null,
};

test('every skill of the tree is followed here or in tests/plugin', () => {
  assert.deepEqual([...places].sort(), Object.keys(skills).sort());
});
for (const [place, f] of Object.entries(skills))
  if (f) test(`the commands of ${place} do what it says`, (t) => f(t, place));

test('the codes that the skills name are codes that there are', async () => {
  const { doc } = await sys.rawr('codes');
  const codes = new Set(doc.result.codes.map((c) => c.code));
  for (const p of places)
    for (const [, code] of fs.readFileSync(path.join(root, p), 'utf8').matchAll(/`([A-Z]+_[A-Z_]+)`/g)) assert.ok(codes.has(code), `${p}: ${code}`);
});
