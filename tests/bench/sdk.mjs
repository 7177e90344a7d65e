// An app of the official SDK on our engine: five steps that do nothing, step by
// step, with a checkpoint behind each, and with one behind all.
//
// The SDK itself takes most of the time, so beside it stand what it can do when
// nobody runs anything durably (one call of it again and again), and what the
// engine does with an app that answers without the SDK.
import { fork } from 'node:child_process';
import crypto from 'node:crypto';
import path from 'node:path';
import { until } from '../lib/system.mjs';
import { AppSystem } from '../sdk/app_system.mjs';
import { cpuSeconds, inTurns, median, series } from './measure.mjs';
import { k, ms, us } from './table.mjs';

const ROUNDS = 3, RUNS = 200, SINGLE = 30, STEPS = 5, AT_ONCE = 50;
// Of the official dev server with the same app, measured elsewhere: steps/s.
const OFFICIAL = { classic: 250, checkpoints: 620 };

async function app(sys, name, port) {
  const child = fork(path.join(import.meta.dirname, `${name}.mjs`), [String(port)], {
    env: { PATH: process.env.PATH, INNGEST_DEV: '0', INNGEST_BASE_URL: sys.base, INNGEST_EVENT_KEY: sys.eventKey, INNGEST_SIGNING_KEY: sys.key },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await new Promise((resolve, reject) => { child.once('message', resolve); child.once('exit', reject); });
  return child;
}

const end = (child) => new Promise((r) => { child.once('exit', r); child.kill(); });

// busy: how much of one processor the app took meanwhile.
async function drain(sys, name, app) {
  const used = app ? cpuSeconds([app.pid]) : 0, start = process.hrtime.bigint();
  const many = Array.from({ length: RUNS }, () => ({ name: `bench/${name}`, data: {} }));
  const sent = await sys.post(`/e/${sys.eventKey}`, many);
  if (sent.status !== 200) throw new Error(sent.text);
  const last = sent.json.ids.at(-1);
  await until('the end of all runs', async () => {
    const [run] = await sys.runsOf(last);
    return run && run.status !== 'Running' && sys.rows('SELECT count(*) AS n FROM engine_run WHERE state = 0')[0].n === 0;
  }, 120);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { perSecond: (RUNS * STEPS) / seconds, busy: app ? (cpuSeconds([app.pid]) - used) / seconds : 0 };
}

// From the request that sends the event to the first look that finds its end.
async function one(sys, name) {
  const took = [];
  for (let i = 0; i < SINGLE; i++) {
    const start = process.hrtime.bigint();
    const event = await sys.send(`bench/${name}`, {});
    for (;;) {
      const [run] = await sys.runsOf(event);
      if (run && run.status !== 'Running') break;
      await new Promise((r) => setTimeout(r, 1));
    }
    took.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  return median(took);
}

// The first call of a run, signed: the app runs a step each time.
function alone(sys, port) {
  const event = { data: {}, id: 'e', name: 'bench/classic', ts: Date.now(), user: {} };
  const body = JSON.stringify({ ctx: { attempt: 0, disable_immediate_execution: false, env: '', max_attempts: 5, run_id: '01HXRUN0000000000000000000', stack: { current: 0, stack: [] }, step_id: 'step', use_api: false },
    defers: {}, event, events: [event], steps: {}, use_api: false, version: 2 });
  const t = Math.floor(Date.now() / 1000);
  const s = crypto.createHmac('sha256', sys.key.replace(/^signkey-\w+-/, '')).update(body + t).digest('hex');
  return series({ url: `http://127.0.0.1:${port}/api/inngest?fnId=bench-app-classic&stepId=step`, body, signature: `t=${t}&s=${s}`, connections: AT_ONCE });
}

// Our programs, without nginx and the app.
const ours = (sys) => ['engine', 'runner'].map((name) => sys.pid(name));

export async function sdk(table) {
  const sys = await AppSystem.start({ RAWR_APP_CALLS: String(AT_ONCE) });
  const children = [];
  try {
    children.push(await app(sys, 'sdk_app', sys.appPort));
    const r = await sys.request('PUT', '/api/inngest', { port: sys.appPort });
    if (r.status !== 200) throw new Error(r.text);
    const sides = Object.fromEntries(['classic', 'checkpoints', 'buffered'].map((name) => [name, () => drain(sys, name, children[0])]));
    await inTurns(sides, 1); // warm
    const steps = await inTurns({ ...sides, alone: () => alone(sys, sys.appPort) }, ROUNDS);
    // A run of five steps is six calls.
    const most = (steps.alone.perSecond * STEPS) / (STEPS + 1);
    table.ratio('SDK app, step by step', k, steps.classic.perSecond, 'the SDK alone', most, {});
    for (const name of ['classic', 'checkpoints']) table.ratio(`SDK app, ${name}`, k, steps[name].perSecond, 'dev server, elsewhere', OFFICIAL[name], { least: 10 });
    table.figure('SDK app, one checkpoint for five steps', k, steps.buffered.perSecond);
    for (const name of ['classic', 'checkpoints', 'buffered']) table.figure(`SDK app, ${name}, its process`, (n) => `${(100 * n).toFixed(0)} % of a processor`, steps[name].busy);
    for (const name of ['classic', 'checkpoints']) table.figure(`SDK app, ${name}, 5 steps, idle, p50`, ms, await one(sys, name), { most: 25 });
    await end(children.pop());
    children.push(await app(sys, 'sdk_stub', sys.appPort));
    await drain(sys, 'classic');
    const used = cpuSeconds(ours(sys));
    const { stub } = await inTurns({ stub: () => drain(sys, 'classic') }, ROUNDS);
    table.figure('app without the SDK, step by step', k, stub.perSecond, { least: 2500 });
    table.figure('the same, CPU of engine and runner per step', us, ((cpuSeconds(ours(sys)) - used) * 1e6) / (ROUNDS * RUNS * STEPS));
    table.figure('the same, 5 steps, idle, p50', ms, await one(sys, 'classic'), { most: 25 });
    await sys.close();
  } catch (e) {
    console.error(`the logs are in ${sys.dir}/log`);
    await sys.down();
    throw e;
  } finally { for (const c of children) await end(c); }
}
