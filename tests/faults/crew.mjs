// A workflow with desks of every executor, the agents that work on it as
// processes, the person who answers and the URL that is called.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { desk, root } from '../lib/system.mjs';
import { frozen, pause, signal } from './chaos.mjs';
import { rows } from './checker.mjs';

const handoff = (from, to, extra = {}) => ({ handoffId: `${from}-${to}`, fromDeskId: from, toDeskId: to, ...extra });
const any = { inputSchema: {}, outputSchema: {} };
const agent = (id, extra = {}) => desk(id, { ...any, runtimePolicy: { retries: 20 }, executor: { kind: 'agent', taskKind: 'work', leaseSeconds: 1 }, ...extra });

// draft -> qa (back to draft while it says redo) -> even or odd -> join -> sign
export const crew = (url) => ({
  workflowId: 'crew', version: 1, name: 'crew', entryDeskId: 'draft',
  desks: [
    agent('draft', { memoryScope: { persist: true } }),
    agent('qa', { kind: 'desk:qa', rework: { toDeskId: 'draft', when: "output.verdict == 'redo'", maxRounds: 2 } }),
    desk('even', { ...any, executor: { kind: 'echo' } }),
    desk('odd', { ...any, executor: { kind: 'http', url }, runtimePolicy: { retries: 20 } }),
    desk('see', { ...any, kind: 'desk:observer' }),
    desk('both', { ...any, kind: 'desk:join' }),
    desk('sign', { ...any, kind: 'desk:human-wait', executor: { kind: 'agent' } }),
  ],
  handoffs: [
    handoff('draft', 'qa'),
    handoff('qa', 'even', { condition: 'output.n % 2 == 0' }),
    handoff('qa', 'odd', { condition: 'output.n % 2 == 1', mappingRefs: { n: 'output.n', of: 'input.name' } }),
    handoff('qa', 'see'),
    handoff('even', 'both'), handoff('odd', 'both'), handoff('see', 'both'),
    handoff('both', 'sign'),
  ],
});
// What the URL gives, which is what an `http` desk has to have given.
export const called = (d, input) => ({ called: d.deskId, n: input.n });

export async function serve(t) {
  const server = http.createServer((req, res) => {
    const chunks = [];
    req.on('data', (c) => chunks.push(c));
    req.on('end', () => {
      const call = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify(called({ deskId: call.deskId }, call.input)));
    });
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}/desk`;
}
export const httpKey = (s) => {
  fs.mkdirSync(path.join(s.dir, 'keys'), { mode: 0o700, recursive: true });
  fs.writeFileSync(path.join(s.dir, 'keys/http.key'), 'a-key-of-at-least-thirty-two-characters\n', { mode: 0o600 });
};

// Agents that are born again when they die.
export class Agents {
  constructor(s, count) {
    this.s = s;
    this.all = Array.from({ length: count }, (_, i) => this.#born(`agent-${i}`));
    this.kills = 0;
  }
  #born(name) {
    const p = spawn(process.execPath, [path.join(root, 'tests/faults/agent.mjs'), this.s.base, name, path.join(this.s.dir, `${name}.book`)], { stdio: 'ignore' });
    return { name, pid: p.pid };
  }
  kill(rnd) {
    const i = rnd.between(0, this.all.length - 1);
    signal(this.all[i].pid);
    this.kills++;
    this.all[i] = this.#born(this.all[i].name);
  }
  // One that has a task in hand, for longer than its lease.  False: none has.
  async freeze(rnd, ms) {
    const busy = new Set(rows(this.s, "SELECT json_quote(claimed_by) FROM coordination_task WHERE state = 'claimed'"));
    const able = this.all.filter((a) => busy.has(a.name) && !frozen(a.pid));
    if (able.length === 0) return false;
    const { pid } = rnd.pick(able);
    signal(pid, 'SIGSTOP');
    await pause(ms);
    signal(pid, 'SIGCONT');
    return true;
  }
  stop() { for (const { pid } of this.all) signal(pid); }
  // What they said and were told, into the ledger; how often each verdict came,
  // and how often a heartbeat came too late.
  tell(ledger) {
    const count = { taken: 0, refused: 0, unknown: 0, late: 0 };
    for (const { name } of this.all) {
      const file = path.join(this.s.dir, `${name}.book`);
      const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l)) : [];
      const said = new Map();
      count.late += lines.filter((x) => x.beat).length;
      for (const l of lines.filter((x) => x.taskId)) {
        const key = `${l.taskId} ${l.token}`;
        if (l.output) said.set(key, { taskId: l.taskId, output: l.output, verdict: 'unknown' });
        else said.get(key).verdict = l.verdict;
        if (l.status && ![200, 409].includes(l.status)) throw new Error(JSON.stringify(l));
      }
      for (const a of said.values()) {
        count[a.verdict]++;
        ledger.answers.set(a.taskId, [...(ledger.answers.get(a.taskId) ?? []), a]);
      }
    }
    return count;
  }
}
