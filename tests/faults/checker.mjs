// Judges a system from outside: from what its clients were told, and from the
// rows of its store, read by a program that shares nothing with it but SQLite.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { root, until } from '../lib/system.mjs';
import { native } from './native.mjs';

// A program of this directory that reads or holds a store.
export function storeProgram(name) {
  const ours = path.join(root, 'build/obj/hard/sqlite3.o');
  return native(name, ...(fs.existsSync(ours) ? ['-I', path.join(root, 'build/sqlite'), ours, '-lm'] : ['-lsqlite3']));
}

// The rows of a query on the live store, whose one column is JSON.
export function rows(sys, sql) {
  const store = path.join(sys.dir, 'rawr.db');
  return execFileSync(storeProgram('dump'), [store, sql], { maxBuffer: 256 << 20 }).toString('utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l));
}
export const one = (sys, sql) => rows(sys, sql)[0];

// What clients were told, written down by them.  The entries are runs:
// {runId, workflowId, input, acked}, with
//   cancelled: its cancel was acknowledged
//   fails: the error that it has to end with (a pattern)
//   waits: it may be open still, if it can say what it waits for
export class Ledger extends Map {
  saves = new Map(); // workflowId -> workflows, in order; .acked of the last one told of
  answers = new Map(); // taskId -> [{output, verdict: 'taken' | 'refused' | 'unknown', by}]
  switches = new Map(); // plugin -> [{on, acked}]
  events = new Map(); // event id -> {name, acked}
}
// The same of an app of the SDK.
export class AppLedger {
  events = new Map(); // data.k -> {name, data, ids: those of the answer, or undefined}
  functions = new Map(); // id -> as it was registered, acknowledged
  cancelled = new Set(); // ids of runs whose cancel was acknowledged
}
const ledgerOf = (log) => (log instanceof Ledger ? log : new Ledger(log));

// ------------------------------------------------------------------- a model

// The order of desks: those nobody hands to, then whoever has all inputs.
function orderOf(w) {
  const into = (id) => w.handoffs.filter((h) => h.toDeskId === id);
  const left = new Map(w.desks.map((d) => [d.deskId, into(d.deskId).length]));
  const queue = w.desks.filter((d) => left.get(d.deskId) === 0).map((d) => d.deskId);
  for (let i = 0; i < queue.length; i++)
    for (const h of w.handoffs.filter((x) => x.fromDeskId === queue[i])) {
      left.set(h.toDeskId, left.get(h.toDeskId) - 1);
      if (left.get(h.toDeskId) === 0) queue.push(h.toDeskId);
    }
  return queue;
}
function reachedFrom(w, from) {
  const seen = new Set([from]);
  for (const id of seen) for (const h of w.handoffs) if (h.fromDeskId === id) seen.add(h.toDeskId);
  return seen;
}
// Tests write expressions that JavaScript reads as the runtime has to.
const evaluate = (text, vars) => new Function('output', 'input', 'desk', `return (${text});`)(vars.output, vars.input, vars.desk);
const stepsOf = { echo: 1, http: 1, function: 1, agent: 3 }; // agent: offer, wait, outcome

// Walks a workflow as it must have been executed along the timeline that a run
// has, and tells what else has to be recorded.  given(desk, round, received):
// the output of a desk that does not echo.
export function walk(workflow, entry, timeline, given = () => undefined) {
  const live = workflow.desks.some((d) => d.executor);
  const order = orderOf(workflow);
  const desks = new Map(workflow.desks.map((d) => [d.deskId, d]));
  const at = { done: new Set(), ran: new Set(), turns: new Map(), back: new Map(), again: new Map(), outputs: {} };
  const want = { keys: ['queued', 'run-start'], steps: 2, output: undefined };
  let pos = 0;
  const take = (type, deskId) => {
    const e = timeline[pos++];
    assert.deepEqual(e && [e.type, e.deskId], [type, deskId], `event ${pos} of ${entry.runId}`);
    return e;
  };
  const vars = (id) => ({ output: at.outputs[id], input: entry.input, desk: id });
  const receive = (id) => {
    const all = workflow.handoffs.filter((h) => h.toDeskId === id);
    const taken = all.filter((h) => at.ran.has(h.fromDeskId) && (!live || !h.condition || evaluate(h.condition, vars(h.fromDeskId))));
    const carried = (h) => (live && h.mappingRefs
      ? Object.fromEntries(Object.entries(h.mappingRefs).map(([k, x]) => [k, evaluate(x, vars(h.fromDeskId))])) : at.outputs[h.fromDeskId]);
    if (all.length === 0) return { taken: true, value: entry.input };
    return { taken: taken.length > 0, value: all.length === 1 && taken.length === 1 ? carried(taken[0]) : Object.fromEntries(taken.map((h) => [h.fromDeskId, carried(h)])) };
  };
  const turn = (id) => {
    const d = desks.get(id), round = at.turns.get(id) ?? 0, kind = d.executor?.kind ?? 'echo';
    const suffix = round > 0 ? `#${round + 1}` : '';
    at.turns.set(id, round + 1);
    const { taken, value } = receive(id);
    if (!taken) {
      assert.match(take('desk.completed', id).detail, /skipped/);
      want.keys.push(`desk/${id}/completed${suffix}`);
      want.steps++;
      return undefined;
    }
    const received = at.again.has(id) ? { received: value, ...at.again.get(id) } : value;
    at.again.delete(id);
    assert.deepEqual(take('desk.started', id).output, received, `input of ${id} in ${entry.runId}`);
    const { output } = take('desk.completed', id);
    if (kind === 'echo') assert.deepEqual([output.deskId, output.received ?? output.merged], [id, received], `what ${id} worked on in ${entry.runId}`);
    else assert.deepEqual(output, given(d, round, received), `what ${id} gave in ${entry.runId}`);
    want.keys.push(`desk/${id}/started${suffix}`, `desk/${id}/completed${suffix}`);
    want.steps += 3 + stepsOf[kind] + (d.memoryScope.persist ? 1 : 0);
    at.ran.add(id);
    at.outputs[id] = live && d.kind === 'desk:observer' ? received : output;
    if (!live || !d.rework || !evaluate(d.rework.when, vars(id))) return undefined;
    const rounds = at.back.get(id) ?? 0;
    if (rounds >= d.rework.maxRounds) return undefined;
    at.back.set(id, rounds + 1);
    at.again.set(d.rework.toDeskId, { rework: at.outputs[id], round: rounds + 1 });
    return d.rework.toDeskId;
  };
  take('run.started');
  take('run.started');
  for (let i = 0; i < order.length;) {
    if (at.done.has(order[i])) { i++; continue; }
    const back = turn(order[i]);
    at.done.add(order[i]);
    if (back === undefined) continue;
    for (const id of reachedFrom(workflow, back))
      if (order.indexOf(id) <= i) { at.done.delete(id); at.ran.delete(id); }
    i = order.indexOf(back);
  }
  take('run.completed');
  assert.equal(pos, timeline.length, `events of ${entry.runId}`);
  want.keys.push('run-completed');
  want.output = at.outputs[order.filter((id) => at.ran.has(id)).at(-1)];
  return want;
}

// ------------------------------------------------------------------ judgement

const all = (sys, table, columns, where = '1') => rows(sys, `SELECT json_array(${columns.join(', ')}) FROM ${table} WHERE ${where}`);

function stored(sys) {
  const by = (list) => new Map(list.map(([k, ...v]) => [k, v]));
  return {
    runs: new Map(all(sys, 'coordination_run', ['run_id', 'workflow_id', 'status', 'engine_run_id', 'event_id']).map(([runId, workflowId, status, engine, eventId]) => [runId, { workflowId, status, engine, eventId }])),
    steps: by(rows(sys, 'SELECT json_array(r.id, count(*), count(DISTINCT m.step)) FROM engine_memo m JOIN engine_run r ON r.num = m.run GROUP BY r.id')),
    keys: by(rows(sys, 'SELECT json_array(run_id, json_group_array(event_key), max(seq)) FROM'
      + ' (SELECT * FROM coordination_timeline ORDER BY run_id, seq) GROUP BY run_id')),
    engine: all(sys, 'engine_run r JOIN engine_event e ON e.id = r.event', ['r.id', 'e.client_id', 'r.state'], 'r.fn = \'rawr-coordination-workflow-runner\''),
    tasks: all(sys, 'coordination_task', ['task_id', 'run_id', 'desk_id', 'round', 'state', 'json(output)', 'claimed_by'])
      .map(([taskId, runId, deskId, round, state, output, by_]) => ({ taskId, runId, deskId, round, state, output, by: by_ })),
    ends: by(rows(sys, 'SELECT json_array(client_id, count(*)) FROM engine_event WHERE name = \'rawr/coordination.task.ended\' GROUP BY client_id')),
  };
}

function judgeTasks(store, ledger) {
  for (const t of store.tasks) {
    const ended = ['completed', 'failed'].includes(t.state);
    assert.deepEqual(store.ends.get(`${t.taskId}-ended`) ?? [0], [ended ? 1 : 0], `how often ${t.taskId} (${t.state}) was told to have ended`);
    const answers = ledger.answers.get(t.taskId) ?? [];
    const taken = answers.filter((a) => a.verdict === 'taken');
    assert.ok(taken.length <= 1, `${t.taskId} took ${taken.length} answers`);
    if (t.state !== 'completed') assert.equal(taken.length, 0, `an answer to ${t.taskId} was acknowledged, and it is ${t.state}`);
    if (taken.length === 1) assert.deepEqual(t.output, taken[0].output, `the answer that ${t.taskId} acknowledged`);
    else if (t.state === 'completed')
      assert.ok(answers.some((a) => a.verdict === 'unknown' && isDeepStrictEqual(a.output, t.output)), `nobody gave ${t.taskId} its output`);
  }
  const known = new Set(store.tasks.map((t) => t.taskId));
  for (const id of ledger.answers.keys()) assert.ok(known.has(id), `${id} is lost`);
}

async function judgeRun(sys, store, workflow, entry, externals) {
  const row = store.runs.get(entry.runId);
  assert.ok(row, `${entry.runId} was acknowledged`);
  const r = await sys.get(`/api/orpc/coordination/runs/${entry.runId}`);
  assert.equal(r.status, 200, `${entry.runId} was acknowledged`);
  const { run } = r.json;
  assert.equal(run.status, row.status, `two truths about ${entry.runId}`);
  assert.deepEqual(run.input, entry.input);
  const executions = store.engine.filter((e) => e[1] === row.eventId);
  assert.ok(executions.length <= 1, `${executions.length} executions of ${entry.runId}`);
  const { timeline } = (await sys.get(`/api/orpc/coordination/runs/${entry.runId}/timeline`)).json;
  assert.equal(new Set(timeline.map((e) => e.eventId)).size, timeline.length, `event ids of ${entry.runId}`);
  const ends = timeline.filter((e) => ['run.completed', 'run.failed'].includes(e.type));
  if (entry.waits && ['queued', 'running'].includes(run.status)) {
    const { waiting } = (await sys.get(`/api/workflows/coordination/runs/${entry.runId}/explain`)).json;
    assert.ok(waiting.length > 0 && waiting.every((w) => w.for), `${entry.runId} waits for nothing that has a name`);
    return;
  }
  assert.equal(ends.length, 1, `ends of ${entry.runId}`);
  assert.equal(ends[0], timeline.at(-1), `the last event of ${entry.runId}`);
  if (entry.cancelled || entry.fails) {
    assert.equal(run.status, 'failed', JSON.stringify(run));
    assert.match(run.error, entry.fails ?? /^cancelled by /);
    return;
  }
  assert.equal(run.status, 'completed', JSON.stringify(run));
  const given = (d, round, received) => {
    if (d.executor.kind !== 'agent') return externals(d, received);
    const task = store.tasks.filter((t) => t.runId === entry.runId && t.deskId === d.deskId && t.round === round);
    assert.deepEqual(task.map((t) => t.state), ['completed'], `tasks of ${d.deskId} in ${entry.runId}`);
    return task[0].output;
  };
  const want = walk(workflow, entry, timeline, given);
  assert.deepEqual(run.output, want.output, `output of ${entry.runId}`);
  assert.deepEqual(store.steps.get(row.engine), [want.steps, want.steps], `recorded steps of ${entry.runId}: count, and of different ones`);
  assert.deepEqual(store.keys.get(entry.runId), [want.keys, want.keys.length], `recorded events of ${entry.runId}`);
  assert.deepEqual(executions, [[row.engine, row.eventId, 1]], `the execution of ${entry.runId}`);
}

function judgeWrites(sys, ledger) {
  const bodies = new Map(all(sys, 'coordination_workflow', ['workflow_id', "json_remove(body, '$.updatedAt')"]));
  for (const [id, saves] of ledger.saves) {
    const last = saves.findLastIndex((s) => s.acked);
    if (last < 0) continue;
    assert.ok(saves.slice(last).some((s) => isDeepStrictEqual(s.workflow, bodies.get(id))), `the workflow ${id} that was acknowledged last is not there`);
  }
  for (const [id, e] of ledger.events)
    assert.ok(!e.acked || one(sys, `SELECT count(*) FROM engine_event WHERE client_id = '${id}' AND name = '${e.name}'`) > 0, `event ${id} was acknowledged`);
}

async function judgeSwitches(sys, ledger) {
  if (ledger.switches.size === 0) return;
  const { plugins } = (await sys.rawr('plugins', 'list')).doc.result;
  for (const [name, list] of ledger.switches) {
    const may = list.slice(Math.max(0, list.findLastIndex((s) => s.acked))).map((s) => s.on);
    assert.ok(may.includes(plugins.find((p) => p.name === name)?.enabled), `the switch of ${name} that was acknowledged last is not as it was set`);
  }
}

// Wait until nothing is left to do, then judge everything.  log: a Ledger, or a
// Map of runId to entry; workflows: Map of id to workflow; externals(desk,
// received): what http and function desks give.
export async function judge(sys, workflows, log, seconds = 40, externals = () => undefined) {
  const ledger = ledgerOf(log);
  const waiting = [...ledger.values()].filter((e) => e.waits).length;
  // The watch over leases sleeps until the first one ends, by the wall clock.
  const watch = "SELECT num FROM engine_run WHERE state = 0 AND fn = 'rawr-coordination-task-reaper'";
  const left = () => one(sys, `SELECT json_object('jobs', (SELECT count(*) FROM engine_job WHERE run NOT IN (${watch})), 'inbox', (SELECT count(*) FROM engine_inbox),`
    + ` 'open', (SELECT count(*) FROM engine_run WHERE state = 0 AND num NOT IN (${watch})),`
    + ' \'runs\', (SELECT count(*) FROM coordination_run WHERE status IN (\'queued\', \'running\')))');
  const idle = (n) => (waiting === 0 ? Object.values(n).every((x) => x === 0) : n.inbox === 0 && n.runs <= waiting);
  await until('nothing is left to do', () => idle(left()), seconds)
    .catch((e) => { throw new Error(`${e.message}: ${JSON.stringify(left())}`); });
  const store = stored(sys);
  for (const runId of store.runs.keys()) assert.ok(ledger.has(runId), `nobody asked for ${runId}`);
  assert.deepEqual([...store.keys.keys()].filter((k) => !store.runs.has(k)), [], 'a timeline without a run');
  assert.ok(store.engine.length <= store.runs.size, 'more executions than runs');
  judgeTasks(store, ledger);
  judgeWrites(sys, ledger);
  await judgeSwitches(sys, ledger);
  for (const entry of ledger.values())
    if (entry.acked || store.runs.has(entry.runId)) await judgeRun(sys, store, workflows.get(entry.workflowId), entry, externals);
  const check = await sys.rawr('db', 'check');
  assert.equal(check.code, 0, JSON.stringify(check.doc));
  return store.runs.size;
}

// The same for an app of the SDK.  want(entry, run): what a run of that event
// has to have come to, {fn, state, output, steps: {hash: value}}.
export async function judgeApp(sys, ledger, want, seconds = 40) {
  const left = () => one(sys, 'SELECT json_object(\'jobs\', (SELECT count(*) FROM engine_job), \'inbox\', (SELECT count(*) FROM engine_inbox))');
  await until('nothing is left to do', () => Object.values(left()).every((x) => x === 0), seconds)
    .catch((e) => { throw new Error(`${e.message}: ${JSON.stringify(left())}`); });
  const sent = all(sys, 'engine_event', ['id', 'client_id', 'name', 'json(data)'], 'name LIKE \'app/%\'');
  const runs = all(sys, 'engine_run r JOIN engine_event e ON e.id = r.event', ['r.id', 'r.fn', 'coalesce(e.client_id, e.id)', 'r.state', 'json(r.output)'], 'e.name LIKE \'app/%\''); // no ticks
  const memos = all(sys, 'engine_memo m JOIN engine_run r ON r.num = m.run', ['r.id', 'm.step', 'json(m.value)']);
  let judged = 0;
  for (const [k, entry] of ledger.events) {
    const mine = sent.filter((e) => e[3].k === k);
    for (const id of entry.ids ?? []) assert.ok(mine.some((e) => e[0] === id), `the event ${id} of ${k} was acknowledged`);
    for (const e of mine) assert.deepEqual([e[2], e[3]], [entry.name, entry.data], `what was sent as ${k}`);
    const clients = [...new Set(mine.map((e) => e[1]))];
    assert.ok(clients.length === 1 || (clients.length === 0 && !entry.ids), `${k} was known by ${clients.length} ids`);
    const its = runs.filter((r) => r[2] === clients[0]);
    assert.equal(its.length, clients.length, `runs of ${k}`);
    for (const [id, fn, , state, output] of its) {
      const steps = Object.fromEntries(memos.filter((m) => m[0] === id).map(([, step, value]) => [step, value]));
      assert.deepEqual({ fn, state, output, steps }, want(entry, id), `the run of ${k}`);
      judged++;
    }
  }
  assert.equal(judged, runs.length, 'runs that nobody asked for');
  const config = new Map(all(sys, 'engine_fn', ['slug', 'json(config)'], 'archived = 0'));
  for (const [id, f] of ledger.functions) assert.deepEqual(config.get(id), f, `the registration of ${id} was acknowledged`);
  const check = await sys.rawr('db', 'check');
  assert.equal(check.code, 0, JSON.stringify(check.doc));
  return judged;
}
