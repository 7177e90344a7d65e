// One workflow through everything that a client can have acknowledged, again
// and again, with something that strikes at the n-th thing a process does.
import fs from 'node:fs';
import path from 'node:path';
import { chain, until } from '../lib/system.mjs';
import { preload } from './native.mjs';

export const FAR = 1 << 30;

// A number that processes share and count down in.
export class Countdown {
  constructor(dir, name) {
    this.file = path.join(dir, name);
    fs.writeFileSync(this.file, Buffer.alloc(8));
  }
  at(n) { fs.writeFileSync(this.file, this.#bytes(n), { flag: 'r+' }); }
  left() { return Number(fs.readFileSync(this.file).readBigInt64LE()); }
  #bytes(n) { const b = Buffer.alloc(8); b.writeBigInt64LE(BigInt(n)); return b; }
}

// SIGKILL: tests/faults/death.c.
export class Death extends Countdown {
  constructor(dir) {
    super(dir, 'death');
    this.env = { LD_PRELOAD: preload('death'), RAWR_DEATH: this.file };
  }
}

// A call that fails: tests/faults/fault.c.  files: part of the paths of those
// that are meant, where they are not a store's.
export class Fault extends Countdown {
  constructor(dir) { super(dir, 'fault'); }
  env(kind, error, files) {
    return { LD_PRELOAD: preload('fault'), FAULT: `${kind}:0:${error}`, FAULT_LEFT: this.file, ...(files ? { FAULT_FILES: files } : {}) };
  }
}

// Which of 1 to total: all in a soak, up to `most`, else `count` of them, spread.
export function chosen(rnd, total, count, most = Infinity) {
  const n = process.env.RAWR_SOAK === '1' ? most : count;
  if (total <= n) return Array.from({ length: total }, (_, i) => i + 1);
  return Array.from({ length: n }, (_, i) => rnd.between(Math.floor((i * total) / n) + 1, Math.floor(((i + 1) * total) / n)));
}

export const workflowId = 'life';
export const life = (version) => {
  const w = chain(workflowId, ['a', 'b'], { version });
  w.desks[1].executor = { kind: 'agent', taskKind: 'work', leaseSeconds: 1 };
  w.desks[1].runtimePolicy = { retries: 20 };
  w.desks[1].memoryScope = { persist: true };
  return w;
};

// c: a Teller.
export async function live(c, name, version) {
  await c.save(life(version));
  await c.queue(workflowId, `${name}-a`, { name });
  await c.queue(workflowId, `${name}-b`, { name });
  await c.cancel(`${name}-b`);
  await until(`an answer that ${name} takes`, async () => {
    const task = await c.claim({ workflowId });
    const mine = task?.runId === `${name}-a`;
    if (mine) await c.complete(task, { by: name, attempt: task.attempt });
    const { tasks } = await c.ok('GET', `/api/workflows/coordination/tasks?runId=${name}-a`);
    return tasks.some((t) => t.state === 'completed');
  }, 60);
  await c.ended(`${name}-a`);
}

// The victims, and how each is started again.
export const again = {
  runner: (s, env) => s.startRunner(env),
  rpc: (s, env) => s.startResponder('rpc', env),
  workflows: (s, env) => s.startResponder('workflows', env),
  inngest: (s, env) => s.startResponder('inngest', env),
  engine: (s, env) => s.startResponder('engine', env),
};

// A program's own end, by process: {code, signal}.  env: what it is preloaded
// with.  Whatever ends is started again until leave().
export class Nurse {
  constructor(s, victim, env) { Object.assign(this, { s, victim, env, ends: [] }); this.#born(); }
  #born() {
    if (this.over) return;
    const p = again[this.victim](this.s, this.env);
    p.once('exit', (code, signal) => { this.ends.push({ code, signal }); this.#born(); });
  }
  leave() { this.over = true; }
}
