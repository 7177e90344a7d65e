// DBOS on PostgreSQL as Debian sets it up: fsync and synchronous_commit are on.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, until } from '../../lib/system.mjs';
import { as, server, stop } from './start.mjs';

export const name = 'DBOS on PostgreSQL';

// The newest that is installed.
const bin = () => {
  const base = '/usr/lib/postgresql', versions = fs.existsSync(base) ? fs.readdirSync(base) : [];
  if (versions.length === 0) throw new Error('PostgreSQL is not installed');
  return path.join(base, versions.sort((a, b) => a - b).at(-1), 'bin');
};

export async function start(dir, { steps }) {
  const port = await freePort(), data = path.join(dir, 'postgres');
  fs.mkdirSync(data, { mode: 0o700 });
  if (process.getuid() === 0) {
    execFileSync('chown', ['postgres:postgres', data]);
    execFileSync('chmod', ['a+rx', dir]);
  }
  as('postgres', path.join(bin(), 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres'], { cwd: '/', stdio: 'pipe' });
  const pg = server(dir, 'postgres', path.join(bin(), 'postgres'), ['-D', data, '-p', String(port), '-k', '', '-c', 'listen_addresses=127.0.0.1'], { user: 'postgres' });
  const admin = (...args) => execFileSync(path.join(bin(), args[0]), ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', ...args.slice(1)], { stdio: 'pipe' });
  await until('PostgreSQL answers', () => { try { admin('pg_isready'); return true; } catch { return false; } }, 60);
  admin('createdb', 'bench');
  const body = DBOS.registerWorkflow(async () => {
    for (let i = 0; i < steps; i++) await DBOS.runStep(async () => i, { name: `step-${i}` });
  }, { name: 'bench' });
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: `postgresql://postgres@127.0.0.1:${port}/bench`, runAdminServer: false, logLevel: 'error' });
  await DBOS.launch();
  return {
    pids: [pg.pid],
    run: () => body(),
    async close() {
      await DBOS.shutdown();
      await stop(pg, 'SIGINT');
    },
  };
}
