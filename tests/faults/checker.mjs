// Judges a system from outside: from what its clients were told, and from the
// rows of its store, read by a program that shares nothing with it but SQLite.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, until } from '../lib/system.mjs';

const built = new Map();
// A program of this directory with SQLite, or a library to be preloaded.
export function program(name, shared = false) {
  if (built.has(name)) return built.get(name);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `rawr-${name}-`));
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  const ours = path.join(root, 'build/obj/hard/sqlite3.o');
  const sqlite = fs.existsSync(ours) ? ['-I', path.join(root, 'build/sqlite'), ours, '-lm'] : ['-lsqlite3'];
  const file = path.join(dir, name);
  execFileSync('cc', ['-o', file, path.join(root, `tests/faults/${name}.c`), ...(shared ? ['-shared', '-fPIC', '-ldl'] : sqlite)]);
  built.set(name, file);
  return file;
}

// The rows of a query on the live store, whose one column is JSON.
export function rows(sys, sql) {
  const store = path.join(sys.dir, 'rawr.db');
  return execFileSync(program('dump'), [store, sql], { maxBuffer: 256 << 20 }).toString('utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l));
}
export const one = (sys, sql) => rows(sys, sql)[0];

// What a run of a workflow records, computed from the workflow alone.
export function expected(workflow, input) {
  const inputs = (id) => workflow.handoffs.filter((h) => h.toDeskId === id).map((h) => h.fromDeskId);
  const order = [];
  while (order.length < workflow.desks.length)
    order.push(workflow.desks.find((d) => !order.includes(d) && inputs(d.deskId).every((i) => order.some((o) => o.deskId === i))));
  const received = (id, outputs) => {
    const from = inputs(id);
    if (from.length === 0) return input;
    return from.length === 1 ? outputs[from[0]] : Object.fromEntries(from.map((f) => [f, outputs[f]]));
  };
  const desks = order.map((d) => d.deskId);
  return {
    received,
    last: desks.at(-1),
    // run-start and run-completed; started, memory-read, execute, completed
    steps: 2 + order.reduce((n, d) => n + (d.memoryScope.persist ? 5 : 4), 0),
    keys: ['queued', 'run-start', ...desks.flatMap((d) => [`desk/${d}/started`, `desk/${d}/completed`]), 'run-completed'],
    timeline: [['run.started'], ['run.started'], ...desks.flatMap((d) => [['desk.started', d], ['desk.completed', d]]), ['run.completed']],
  };
}

function judgeTimeline(workflow, entry, run, timeline) {
  const want = expected(workflow, entry.input);
  assert.deepEqual(timeline.map((e) => (e.deskId ? [e.type, e.deskId] : [e.type])), want.timeline, `timeline of ${entry.runId}`);
  assert.equal(new Set(timeline.map((e) => e.eventId)).size, timeline.length, `event ids of ${entry.runId}`);
  const outputs = {};
  for (const e of timeline) {
    if (e.type === 'desk.started') assert.deepEqual(e.output, want.received(e.deskId, outputs), `input of ${e.deskId} in ${entry.runId}`);
    if (e.type !== 'desk.completed') continue;
    assert.equal(e.output.deskId, e.deskId);
    assert.deepEqual(e.output.received ?? e.output.merged, want.received(e.deskId, outputs), `what ${e.deskId} worked on in ${entry.runId}`);
    outputs[e.deskId] = e.output;
  }
  assert.deepEqual(run.output, outputs[want.last], `output of ${entry.runId}`);
  assert.deepEqual(run.input, entry.input);
}

function judgeStore(sys, workflows, log) {
  const steps = new Map(rows(sys, 'SELECT json_array(run, count(*), min(seq), max(seq)) FROM engine_memo GROUP BY run').map(([run, ...r]) => [run, r]));
  const keys = new Map(rows(sys, 'SELECT json_array(run_id, json_group_array(event_key), max(seq)) FROM'
    + ' (SELECT * FROM coordination_timeline ORDER BY run_id, seq) GROUP BY run_id').map(([run, ...r]) => [run, r]));
  const runs = rows(sys, 'SELECT json_array(run_id, workflow_id, status, engine_run_id, event_id) FROM coordination_run');
  const engine = rows(sys, 'SELECT json_array(id, event_client, state) FROM engine_run WHERE fn = \'rawr-coordination-workflow-runner\'');
  assert.equal(engine.length, runs.length, 'one execution per run');
  for (const [runId, workflowId, status, engineRun, eventId] of runs) {
    const want = expected(workflows.get(workflowId), {});
    assert.ok(log.has(runId), `nobody asked for ${runId}`);
    assert.equal(status, 'completed', runId);
    assert.deepEqual(engine.filter((e) => e[1] === eventId), [[engineRun, eventId, 1]], `executions of ${runId}`);
    assert.deepEqual(steps.get(engineRun), [want.steps, 1, want.steps], `recorded steps of ${runId}: count, first and last number`);
    assert.deepEqual(keys.get(runId), [want.keys, want.keys.length], `recorded events of ${runId}`);
  }
  assert.equal(keys.size, runs.length, 'no timeline without a run');
  return new Set(runs.map((r) => r[0]));
}

// Wait until nothing is left to do, then judge everything.  log: Map of runId to
// {runId, workflowId, input, acked}; workflows: Map of id to workflow.
export async function judge(sys, workflows, log, seconds = 40) {
  const left = () => one(sys, 'SELECT json_object(\'jobs\', (SELECT count(*) FROM engine_job), \'inbox\', (SELECT count(*) FROM engine_inbox),'
    + ' \'open\', (SELECT count(*) FROM engine_run WHERE state = 0), \'runs\', (SELECT count(*) FROM coordination_run WHERE status IN (\'queued\', \'running\')))');
  await until('nothing is left to do', () => Object.values(left()).every((n) => n === 0), seconds)
    .catch((e) => { throw new Error(`${e.message}: ${JSON.stringify(left())}`); });
  const stored = judgeStore(sys, workflows, log);
  for (const entry of log.values()) {
    if (!entry.acked && !stored.has(entry.runId)) continue;
    const r = await sys.get(`/api/orpc/coordination/runs/${entry.runId}`);
    assert.equal(r.status, 200, `${entry.runId} was acknowledged`);
    assert.equal(r.json.run.status, 'completed', JSON.stringify(r.json.run));
    const t = await sys.get(`/api/orpc/coordination/runs/${entry.runId}/timeline`);
    judgeTimeline(workflows.get(entry.workflowId), entry, r.json.run, t.json.timeline);
  }
  const check = await sys.rawr('db', 'check');
  assert.equal(check.code, 0, JSON.stringify(check.doc));
  return stored.size;
}
