// The gateway stands still, dies and comes back: runs go on without it, and its
// clients lose nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { until } from '../lib/system.mjs';
import { Clients, gone, signal, start, workflows } from './chaos.mjs';
import { judge, one } from './checker.mjs';

const ended = (s) => one(s, "SELECT count(*) FROM coordination_run WHERE status = 'completed'");
const open = (s) => one(s, "SELECT count(*) FROM coordination_run WHERE status IN ('queued', 'running')");
const all = (s) => [s.pid('nginx'), ...s.workers('nginx')];

function startNginx(s) {
  const p = spawn('sh', ['-c', 'exec "$(command -v nginx || echo /usr/sbin/nginx)" -p "$0" -c nginx.conf -e log/nginx.log', path.join(s.dir, 'nginx')], { env: s.env, stdio: 'ignore' });
  return until('nginx is back', async () => {
    const file = path.join(s.dir, 'nginx/run/nginx.pid');
    const pid = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : '';
    if (p.exitCode === null || !pid || gone(Number(pid))) return false;
    const since = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[19];
    fs.writeFileSync(path.join(s.dir, 'run/nginx.pid'), `${pid} ${since}\n`);
    return (await s.get('/health').catch(() => ({}))).status === 200;
  });
}

// A backlog that is worked off while nobody can ask about it.
async function workedOff(s, what) {
  assert.ok(open(s) > 0, `${what}: nothing was under way`);
  const before = ended(s);
  await until(`${what}: the queue is worked off`, () => open(s) === 0, 40);
  assert.ok(ended(s) > before);
}

test('runs go on while the gateway stands still or is dead, and its clients lose nothing', async (t) => {
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '2' });
  const c = new Clients(s, { clients: 24, least: 80 });
  for (let i = 0; i < (process.env.RAWR_SOAK === '1' ? 10 : 2); i++) {
    await until('a backlog', () => open(s) > 8);
    const still = all(s);
    for (const pid of still) signal(pid, 'SIGSTOP');
    try { await workedOff(s, 'nginx stands still'); } finally { for (const pid of still) signal(pid, 'SIGCONT'); }
    await until('a backlog', () => open(s) > 8);
    const dead = all(s);
    for (const pid of dead) signal(pid);
    await until('the end of nginx', () => dead.every(gone));
    await workedOff(s, 'nginx is dead');
    fs.rmSync(path.join(s.dir, 'nginx/run/nginx.pid'), { force: true });
    await startNginx(s);
    await until('a backlog', () => open(s) > 8);
    execFileSync('kill', ['-HUP', String(s.pid('nginx'))]);
  }
  await c.stop();
  const n = await judge(s, workflows, c.log);
  t.diagnostic(`${n} runs, ${c.retries} requests again`);
  assert.ok(c.retries > 0, 'no client noticed');
});
