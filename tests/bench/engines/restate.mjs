// Restate, one node, with the durability it has by default.
import * as restate from '@restatedev/restate-sdk';
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';
import { freePort, until } from '../../lib/system.mjs';
import { server, stop } from './start.mjs';

export const name = 'Restate';

// Its SDK wants this of Node.js 22.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new this((a, b) => { resolve = a; reject = b; });
  return { promise, resolve, reject };
};

const program = path.join(path.dirname(createRequire(import.meta.url).resolve('@restatedev/restate-server-linux-x64/package.json')), 'bin/restate-server');

export async function start(dir, { steps, atOnce }) {
  const [ingress, admin, node, app] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const quiet = () => {};
  const bench = restate.service({
    name: 'bench',
    handlers: { run: async (ctx) => { for (let i = 0; i < steps; i++) await ctx.run(`step-${i}`, () => i); return 'done'; } },
  });
  const stopApp = await restate.serve({ services: [bench], port: app, logger: quiet });
  const p = server(dir, 'restate', program, ['--base-dir', path.join(dir, 'restate')], { env: {
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`, RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`, RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`, RESTATE_LISTEN_MODE: 'tcp', RESTATE_LOG_FILTER: 'warn',
    RESTATE_DISABLE_TELEMETRY: 'true', TMPDIR: dir } });
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
  const post = (port, at, body) => new Promise((resolve, reject) => {
    const r = http.request({ host: '127.0.0.1', port, path: at, method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (m) => {
      let text = '';
      m.on('data', (d) => { text += d; });
      m.on('end', () => (m.statusCode < 300 ? resolve(text) : reject(new Error(`${at}: ${m.statusCode} ${text}`))));
    });
    r.on('error', reject);
    r.end(JSON.stringify(body));
  });
  await until('Restate takes the service', () => post(admin, '/deployments', { uri: `http://127.0.0.1:${app}` }).then(() => true, () => false), 60);
  await until('Restate runs it', () => post(ingress, '/bench/run', null).then(() => true, () => false), 60);
  return {
    pids: [p.pid],
    run: () => post(ingress, '/bench/run', null),
    async close() {
      await stop(p);
      agent.destroy();
      stopApp?.close?.();
    },
  };
}
