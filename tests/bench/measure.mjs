// Reading /proc, running wrk, and the arithmetic.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const script = path.join(import.meta.dirname, 'wrk.lua');

export const median = (v) => {
  const s = [...v].sort((a, b) => a - b);
  const half = s.length >> 1;
  return s.length % 2 ? s[half] : (s[half - 1] + s[half]) / 2;
};

export const run = (file, args, env = {}) =>
  new Promise((resolve, reject) =>
    execFile(file, args.map(String), { env: { ...process.env, ...env }, maxBuffer: 1 << 20 }, (e, stdout, stderr) =>
      e ? reject(new Error(`${file} ${args.join(' ')}: ${e.message}\n${stdout}${stderr}`)) : resolve(stdout)));

// A process and all below it.
export function tree(pid) {
  try {
    const below = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return [Number(pid), ...below.flatMap((p) => tree(p))];
  } catch { return []; }
}
const sum = (roots, of) => roots.flatMap((pid) => tree(pid)).reduce((n, pid) => { try { return n + of(pid); } catch { return n; } }, 0);
const field = (pid, file, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1]);

// Seconds of utime + stime, with those of children that ended.
export const cpuSeconds = (roots) =>
  sum(roots, (pid) => {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return stat.slice(11, 15).reduce((n, t) => n + Number(t), 0) / TICKS_PER_S;
  });
export const pssBytes = (roots) => sum(roots, (pid) => field(pid, 'smaps_rollup', 'Pss') * 1024);
export const writtenBytes = (roots) => sum(roots, (pid) => field(pid, 'io', 'write_bytes'));

// One series of requests: {perSecond, cpuUs, p50Ms, p99Ms}.  Fails unless every
// single answer was a 2xx.
export async function series({ url, body, signature, template, connections = 32, seconds = 2, processes = [] }) {
  const env = body ? { BENCH_BODY: body } : template ? { BENCH_TEMPLATE: template, BENCH_STAMP: String(Date.now()) } : {};
  if (signature) env.BENCH_SIGNATURE = signature;
  const before = cpuSeconds(processes);
  const out = await run('wrk', ['-t', Math.min(2, connections), '-c', connections, '-d', `${seconds}s`, '-s', script, url], env);
  const used = cpuSeconds(processes) - before;
  const r = JSON.parse(out.trim().split('\n').pop());
  if (r.failed > 0 || r.requests === 0) throw new Error(`${url}: ${r.failed} of ${r.requests} requests failed`);
  return { perSecond: r.requests / r.seconds, cpuUs: (used * 1e6) / r.requests, p50Ms: r.p50Ms, p99Ms: r.p99Ms };
}

// Every side in turn, several times over: {side: medians of its figures}.
export async function inTurns(sides, rounds) {
  const all = Object.fromEntries(Object.keys(sides).map((k) => [k, []]));
  for (let i = 0; i < rounds; i++)
    for (const [name, side] of Object.entries(sides)) all[name].push(await side());
  const middle = (rows) => Object.fromEntries(Object.keys(rows[0]).map((f) => [f, median(rows.map((r) => r[f]))]));
  return Object.fromEntries(Object.entries(all).map(([k, rows]) => [k, middle(rows)]));
}
