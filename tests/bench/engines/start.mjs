// Starting the servers of others, and waiting for them.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

// A server in a process group of its own; its log goes to a file.  As
// `postgres` where we are root and it will not be.
export function server(dir, name, file, args, { env = {}, user } = {}) {
  const log = fs.openSync(path.join(dir, `${name}.log`), 'a');
  const [f, a] = user && process.getuid() === 0 ? ['setpriv', ['--reuid', user, '--regid', user, '--init-groups', file, ...args]] : [file, args];
  const p = spawn(f, a, { cwd: dir, env: { ...process.env, ...env }, stdio: ['ignore', log, log], detached: true });
  fs.closeSync(log);
  return p;
}
export const as = (user, file, args, options = {}) =>
  user && process.getuid() === 0
    ? execFileSync('setpriv', ['--reuid', user, '--regid', user, '--init-groups', file, ...args], options)
    : execFileSync(file, args, options);

export async function stop(p, signal = 'SIGTERM') {
  if (p.exitCode !== null || p.signalCode !== null) return;
  const ended = new Promise((r) => p.once('exit', r));
  process.kill(-p.pid, signal);
  await ended;
}
