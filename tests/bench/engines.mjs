// Durable engines of others beside ours, in turns in one run: the same five
// steps that do nothing, 50 runs at once and one at a time.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { inTurns, median } from './measure.mjs';
import { k, ms } from './table.mjs';

const here = import.meta.dirname;
const ROUNDS = 3, RUNS = 300, SINGLE = 20, STEPS = 5, AT_ONCE = 50;
// How many times their steps per second ours has to reach (docs/performance.md).
const PEERS = { restate: 5, dbos: 8, bullmq: 2 };

class Peer {
  static async start(name, base) {
    const p = new Peer();
    p.dir = fs.mkdtempSync(path.join(base, `${name}-`));
    fs.chmodSync(p.dir, 0o755);
    p.child = spawn(process.execPath, [path.join(here, 'engines/peer.mjs'), name, p.dir, String(STEPS), String(AT_ONCE)],
      { stdio: ['pipe', 'pipe', fs.openSync(path.join(p.dir, 'peer.log'), 'a')] });
    p.answers = readline.createInterface({ input: p.child.stdout })[Symbol.asyncIterator]();
    Object.assign(p, await p.#answer());
    return p;
  }
  async #answer() {
    const { value, done } = await this.answers.next();
    if (done) throw new Error(`${this.name ?? 'a peer'} ended: see ${this.dir}/peer.log`);
    return JSON.parse(value);
  }
  ask(command) {
    this.child.stdin.write(`${command}\n`);
    return this.#answer();
  }
  async drain() { return { perSecond: (RUNS * STEPS * 1000) / (await this.ask(`drain ${RUNS}`)).ms }; }
  async one() { return { p50Ms: median((await this.ask(`one ${SINGLE}`)).msEach) }; }
  async close() {
    const ended = new Promise((r) => this.child.once('exit', r));
    this.child.stdin.end();
    await ended;
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

// ours: {drain(): {perSecond}, one(): {p50Ms}}.
export async function engines(dir, ours, table) {
  const peers = [];
  try {
    for (const name of Object.keys(PEERS)) peers.push([name, await Peer.start(name, dir)]);
    const sides = (what) => Object.fromEntries([['ours', () => ours[what]()], ...peers.map(([name, p]) => [name, () => p[what]()])]);
    await inTurns(sides('drain'), 1); // warm
    const steps = await inTurns(sides('drain'), ROUNDS);
    const single = await inTurns(sides('one'), ROUNDS);
    for (const [name, p] of peers) {
      table.ratio('durable steps, 50 runs at once', k, steps.ours.perSecond, p.name, steps[name].perSecond, { least: PEERS[name] });
      table.ratio('one run of 5 steps, idle, p50', ms, single.ours.p50Ms, p.name, single[name].p50Ms, { most: 0.5 });
    }
  } finally { for (const [, p] of peers) await p.close(); }
}
