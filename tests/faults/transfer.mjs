// What imports and exports are tried with.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bin, chain, root } from '../lib/system.mjs';

export const rawr = (s, env, ...args) => new Promise((resolve) =>
  execFile(path.join(bin, 'rawr'), ['--json', ...args], { env: { ...s.env, ...env }, cwd: root, maxBuffer: 64 << 20 }, (e, stdout, stderr) =>
    resolve({ code: e ? e.code ?? e.signal : 0, log: stderr, doc: stdout ? JSON.parse(stdout) : undefined })));

// The files of an installation, but for the mark that tells how far an export came.
export const files = (dir) => Object.fromEntries(fs.readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((e) => e.isFile() && e.name !== 'export.json')
  .map((e) => [path.relative(dir, path.join(e.parentPath ?? e.path, e.name)), fs.readFileSync(path.join(e.parentPath ?? e.path, e.name), 'utf8')]));

// A store of its own below the directory of `s`.
export const place = (s, name) => {
  const dir = path.join(s.dir, name);
  fs.mkdirSync(dir, { recursive: true });
  return { dir, env: { RAWR_VAR: dir } };
};
export async function must(s, env, ...args) {
  const r = await rawr(s, env, ...args);
  assert.equal(r.code, 0, JSON.stringify(r.doc));
  return r.doc.result;
}

// An installation to import: workflows, runs with their timelines, memory.
export function installation(dir) {
  const put = (file, value) => {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
    fs.writeFileSync(path.join(dir, file), JSON.stringify(value, null, 2));
  };
  const time = (n) => new Date(1.7e12 + n).toISOString();
  for (let i = 0; i < 3; i++) {
    const runId = `run-${i}`, of = { runId, workflowId: 'wf-0', workflowVersion: 1 };
    put(`coordination/workflows/wf-${i}.json`, { updatedAt: time(i), ...chain(`wf-${i}`, ['a', 'b']) });
    put(`coordination/runs/${runId}.json`, { status: 'completed', ...of, startedAt: time(i), output: { i }, traceLinks: [] });
    put(`coordination/timelines/${runId}.json`, [1, 2].map((n) => ({ eventId: `e${n}`, ...of, type: 'run.started', ts: time(n), status: 'queued' })));
    put(`coordination/memory/wf-${i}/a.json`, { workflowId: `wf-${i}`, workflowVersion: 1, deskId: 'a', memoryKey: 'default', data: { i }, updatedAt: time(i) });
  }
  return dir;
}

// What an export that did not end has written: whole files, or none.
export function judgeExported(out, want, what) {
  if (!fs.existsSync(out)) return;
  for (const [file, text] of Object.entries(files(out)))
    if (!/\.new-\d+$/.test(file)) assert.equal(text, want[file], `${what}: ${file} is not whole`);
}

// What an import that did not end has taken over: whole subjects, a run with
// its timeline; or not even the store's tables are there.
export async function judgeImported(s, p, want, what) {
  const out = path.join(p.dir, 'part');
  const r = await rawr(s, p.env, 'export', out);
  if (r.code !== 0) {
    assert.match(r.doc.error.message, /^no store at|run rawr db migrate/, what);
    return;
  }
  judgeExported(out, want, what);
  const there = files(out);
  for (const run of Object.keys(there).filter((f) => f.includes('/runs/')))
    assert.ok(there[run.replace('/runs/', '/timelines/')], `${what}: ${run} without its timeline`);
}
