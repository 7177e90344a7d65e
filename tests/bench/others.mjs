// What ours is measured beside, behind the same nginx: a hello in C, a peer in
// JavaScript, and nginx by itself.
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
upstream bench_peer { server 127.0.0.1:${o.peerPort}; keepalive 32; }
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
	location /peer/ {
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_pass http://bench_peer/;
	}
}
`;

// Bun where its package has a program for this machine, else Node.js.
const bun = path.join(here, 'peer/node_modules/.bin/bun');

export class Others {
  // The part of nginx's configuration has to be there before it starts.
  static async create(sys, dir) {
    const o = new Others();
    o.sys = sys;
    o.hello_program = path.join(dir, 'bin/hello');
    o.store = path.join(sys.dir, 'peer');
    o.socket = path.join(sys.dir, 'hello.sock');
    o.port = await freePort();
    o.peerPort = await freePort();
    o.base = `http://127.0.0.1:${o.port}`;
    o.usesBun = fs.existsSync(bun);
    o.peerName = o.usesBun ? 'oRPC on Bun' : 'oRPC on Node';
    fs.mkdirSync(path.join(sys.dir, 'nginx/conf.d'), { recursive: true });
    fs.writeFileSync(path.join(sys.dir, 'nginx/conf.d/bench.conf'), nginx(o));
    return o;
  }
  async start() {
    const options = { detached: true, stdio: ['ignore', 'ignore', 'inherit'] };
    this.hello = spawn('spawn-fcgi', ['-n', '-s', this.socket, '--', this.hello_program, '2'], options);
    this.peer = spawn(this.usesBun ? bun : process.execPath, [path.join(here, 'peer/server.mjs'), this.store, String(this.peerPort), root],
      { ...options, env: { ...process.env, NODE_ENV: 'production' } });
    await until('the start of hello', () => fs.existsSync(this.socket));
    await until('the start of the peer', () => this.sys.request('GET', '/', { port: this.peerPort }).catch(() => null));
  }
  // Whole process groups: hello has a second worker.
  stop() {
    for (const p of [this.hello, this.peer])
      if (p?.pid && p.exitCode === null) try { process.kill(-p.pid, 'SIGTERM'); } catch { /* it ended just now */ }
  }
  storeRun(stored) { fs.writeFileSync(path.join(this.store, 'runs', `${stored.runId}.json`), JSON.stringify(stored, null, 2)); }
  hasWorkflow(id) { return fs.existsSync(path.join(this.store, 'workflows', `${id}.json`)); }
}
