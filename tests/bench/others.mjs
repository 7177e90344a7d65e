// What ours is measured beside, behind the same nginx: a hello in C, the two
// kinds of peer/server.mjs, and nginx by itself.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, until } from '../lib/system.mjs';

export const RPC = '/rpc/coordination/getRunStatus';
export const SAVE = '/rpc/coordination/saveWorkflow';
const here = import.meta.dirname;
const root = path.resolve(here, '../..');

const nginx = (o) => `
upstream bench_hello { server unix:${o.socket}; keepalive 32; }
${KINDS.map((kind) => `upstream bench_${kind} { server 127.0.0.1:${o.peers[kind].port}; keepalive 32; }`).join('\n')}
server {
	listen 127.0.0.1:${o.port};
	location = /ceiling {
		default_type application/json;
		return 200 '{"json":{}}';
	}
	location = /hello {
		include snippets/rawr-fastcgi.conf;
		fastcgi_keep_conn on;
		fastcgi_pass bench_hello;
	}
	${KINDS.map((kind) => `location /${kind}/ {
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_pass http://bench_${kind}/;
	}`).join('\n\t')}
}
`;

const KINDS = ['reference', 'lean'];
const bun = path.join(here, 'peer/node_modules/.bin/bun');

export class Others {
  // The part of nginx's configuration has to be there before it starts.
  static async create(sys, dir) {
    const o = new Others();
    o.sys = sys;
    o.hello_program = path.join(dir, 'bin/hello');
    o.socket = path.join(sys.dir, 'hello.sock');
    o.port = await freePort();
    o.peers = {};
    for (const kind of KINDS) o.peers[kind] = { port: await freePort(), prefix: `/${kind}`, store: path.join(sys.dir, kind) };
    o.base = `http://127.0.0.1:${o.port}`;
    fs.mkdirSync(path.join(sys.dir, 'nginx/conf.d'), { recursive: true });
    fs.writeFileSync(path.join(sys.dir, 'nginx/conf.d/bench.conf'), nginx(o));
    return o;
  }
  async start() {
    const options = { detached: true, stdio: ['ignore', 'ignore', 'inherit'] };
    this.hello = spawn('spawn-fcgi', ['-n', '-s', this.socket, '--', this.hello_program, '2'], options);
    for (const [kind, peer] of Object.entries(this.peers))
      peer.process = spawn(bun, [path.join(here, 'peer/server.mjs'), peer.store, String(peer.port), root, kind],
        { ...options, env: { ...process.env, NODE_ENV: 'production' } });
    await until('the start of hello', () => fs.existsSync(this.socket));
    for (const [kind, { port }] of Object.entries(this.peers))
      await until(`the start of ${kind}`, () => this.sys.request('GET', '/', { port }).catch(() => null));
  }
  // Whole process groups: hello has a second worker.
  stop() {
    for (const p of [this.hello, ...Object.values(this.peers).map((peer) => peer.process)])
      if (p?.pid && p.exitCode === null) try { process.kill(-p.pid, 'SIGTERM'); } catch { /* it ended just now */ }
  }
  storeRun(stored) {
    for (const { store } of Object.values(this.peers)) fs.writeFileSync(path.join(store, 'runs', `${stored.runId}.json`), JSON.stringify(stored, null, 2));
  }
  hasWorkflow(id) { return Object.values(this.peers).every(({ store }) => fs.existsSync(path.join(store, 'workflows', `${id}.json`))); }
}
