// Clients that write down what they were told, and ways to do harm.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { System, chain, desk, until } from '../lib/system.mjs';

// Numbers from a seed (mulberry32), so that a failure's plan can be had again.
export function random(seed) {
  let s = seed >>> 0;
  const next = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, between: (a, b) => a + Math.floor(next() * (b - a + 1)), pick: (list) => list[Math.floor(next() * list.length)] };
}
export function seed(t) {
  const value = Number(process.env.RAWR_SEED ?? crypto.randomInt(2 ** 31));
  t.diagnostic(`RAWR_SEED=${value}`);
  return random(value);
}
// Not a wait for something: the moment of the next blow.
export const pause = (ms) => new Promise((r) => setTimeout(r, ms));

// A line of desks, one of which remembers; and a fork that joins.
export const workflows = new Map([
  chain('line', ['a', 'b', 'c', 'd']),
  {
    ...chain('fork', ['a', 'b', 'c', 'd']),
    desks: ['a', 'b', 'c'].map((d) => desk(d, { memoryScope: { persist: d === 'b', ...(d === 'b' ? { ttlSeconds: 3600 } : {}) } })).concat(desk('d', { kind: 'desk:join' })),
    handoffs: [['a', 'b'], ['a', 'c'], ['b', 'd'], ['c', 'd']].map(([from, to], i) => ({ handoffId: `h${i}`, fromDeskId: from, toDeskId: to })),
  },
].map((w) => [w.workflowId, w]));

export async function start(t, env = {}) {
  const s = await System.start({ RAWR_LEASE: '1', ...env });
  t.after(() => s.close());
  for (const workflow of workflows.values()) {
    const r = await s.rpc('coordination/saveWorkflow', { workflow });
    if (r.status !== 200) throw new Error(r.text);
  }
  return s;
}

const state = (pid) => {
  try { return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0]; } catch { return 'gone'; }
};
export const gone = (pid) => ['gone', 'Z', 'X'].includes(state(pid));
export const frozen = (pid) => state(pid) === 'T';
// False if it was gone already.
export function signal(pid, name = 'SIGKILL') {
  try { process.kill(pid, name); return true; } catch { return false; }
}
export async function killRunner(s, whileDead = () => {}) {
  const pid = s.pid('runner');
  signal(pid);
  await until('the end of the runner', () => gone(pid));
  whileDead();
  s.startRunner();
}
export async function killMaster(s, name) {
  const pid = s.pid(name);
  signal(pid);
  await until(`the end of ${name}`, () => gone(pid));
  s.startResponder(name);
}

// A closed loop of clients: each queues a run, waits for its end, and so on
// until stop() and at least `least` runs.  Whoever gets no answer asks again
// with the same run id.
export class Clients {
  constructor(s, { clients = 16, least = 60, poll = 40 } = {}) {
    Object.assign(this, { s, least, poll, log: new Map(), retries: 0, stopping: false, n: 0 });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: clients });
    this.done = Promise.all(Array.from({ length: clients }, () => this.#client()));
    this.done.catch(() => {}); // stop() tells
  }
  async stop() {
    this.stopping = true;
    try { await this.done; } finally { this.agent.destroy(); }
  }
  acked() { return [...this.log.values()].filter((e) => e.acked).length; }
  open() { return [...this.log.values()].filter((e) => !e.ended).length; }
  async #client() {
    while (!this.stopping || this.log.size < this.least) await this.#run();
  }
  // An answer that is one; undefined where there was none, or a 5xx.
  async #ask(method, uri, body) {
    try {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const r = await this.s.request(method, uri, { headers, body: body && JSON.stringify(body), agent: this.agent, timeout: 10000 });
      if (r.status < 500) return r;
    } catch { /* asked again */ }
    this.retries++;
    await pause(20);
    return undefined;
  }
  async #run() {
    const n = this.n++;
    const workflowId = [...workflows.keys()][n % workflows.size];
    const entry = { runId: `run-${n}`, workflowId, input: { n, text: `Nr. ${n} äöü` }, acked: false, ended: false };
    this.log.set(entry.runId, entry);
    const { runId, input } = entry;
    const r = await until(`an answer to ${runId}`, () => this.#ask('POST', '/rpc/coordination/queueRun', { json: { workflowId, runId, input } }), 60);
    if (r.status !== 200 || r.json.json.run.runId !== runId) throw new Error(`${runId}: ${r.status} ${r.text}`);
    entry.acked = true;
    await until(`the end of ${runId}`, async () => {
      const got = await this.#ask('GET', `/api/workflows/coordination/runs/${runId}`);
      if (got && got.status !== 200) throw new Error(`${runId} was acknowledged, now: ${got.status} ${got.text}`);
      if (['completed', 'failed'].includes(got?.json.run.status)) return true;
      await pause(this.poll);
      return false;
    }, 60);
    entry.ended = true;
  }
}
