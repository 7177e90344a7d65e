// One whole system of its own per test file: nginx, responders, runner, store.
import { execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const bin = process.env.RAWR_BIN ?? path.join(root, 'build');

export const freePort = () =>
  new Promise((resolve, reject) => {
    const s = net.createServer();
    s.once('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });

// Wait for a condition, with a deadline; never for a time.
export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const v = await condition();
    if (v) return v;
    if (Date.now() > end) throw new Error(`did not happen within ${seconds} s: ${what}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}

const run = (file, args, env) =>
  new Promise((resolve, reject) =>
    execFile(file, args, { env, cwd: root, maxBuffer: 64 << 20 }, (e, stdout, stderr) =>
      e ? reject(new Error(`${file} ${args.join(' ')}: ${e.message}\n${stdout}\n${stderr}`)) : resolve({ stdout, stderr })));

export class System {
  static async create(env = {}) {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-'));
    const port = await freePort();
    const s = new System();
    s.dir = dir;
    s.port = port;
    s.base = `http://127.0.0.1:${port}`;
    s.env = { PATH: process.env.PATH, HOME: process.env.HOME ?? '/', RAWR_BIN: bin, RAWR_VAR: dir, RAWR_PORT: String(port),
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=1', UBSAN_OPTIONS: 'print_stacktrace=1', ...env };
    return s;
  }
  static async start(env = {}) {
    const s = await System.create(env);
    await s.up();
    return s;
  }
  async up(env = {}) { await run(path.join(root, 'cli/system.sh'), ['up'], { ...this.env, ...env }); }
  async down() { await run(path.join(root, 'cli/system.sh'), ['down'], this.env); }
  // Stop, fail on what a sanitizer or an abort left in the logs, unless it is
  // one that the test means (`meant`, a pattern), and clean up.
  async close() {
    await this.down();
    const bad = this.logs().split('\n').filter((l) => /ERROR: (Address|Leak)Sanitizer|runtime error:|"event":"bug"/.test(l) && !this.meant?.test(l));
    if (bad.length) throw new Error(`the logs hold:\n${bad.slice(0, 20).join('\n')}\n(${this.dir}/log)`);
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
  logs(name) {
    const d = path.join(this.dir, 'log');
    return fs.readdirSync(d).filter((f) => !name || f === `${name}.log`).map((f) => fs.readFileSync(path.join(d, f), 'utf8')).join('\n');
  }
  pid(name) { return Number(fs.readFileSync(path.join(this.dir, 'run', `${name}.pid`), 'utf8').split(' ')[0]); }
  // Worker processes of a responder.
  workers(name) {
    try { return fs.readFileSync(`/proc/${this.pid(name)}/task/${this.pid(name)}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number); } catch { return []; }
  }
  rawr(...args) {
    return new Promise((resolve) =>
      execFile(path.join(bin, 'rawr'), ['--json', ...args], { env: this.env, cwd: root, maxBuffer: 64 << 20 }, (e, stdout) =>
        resolve({ code: e ? e.code : 0, doc: stdout ? JSON.parse(stdout) : undefined })));
  }
  // The runner or a responder again, as system.sh starts it; `name` of its log
  // and pid file.
  startRunner(env = {}, name = 'runner', args = []) { return this.#spawn(name, path.join(bin, 'rawr-runner'), args, env); }
  startResponder(name, env = {}, args = []) {
    const socket = path.join(this.dir, 'run', `${name}.sock`);
    fs.rmSync(socket, { force: true });
    return this.#spawn(name, 'spawn-fcgi', ['-n', '-s', socket, '-M', '0660', '--', path.join(bin, `${name}.fcgi`), ...args], env);
  }
  #spawn(name, file, args, env = {}) {
    const log = fs.openSync(path.join(this.dir, `log/${name}.log`), 'a');
    const p = spawn(file, args, { env: { ...this.env, ...env }, cwd: root, stdio: ['ignore', log, log], detached: true });
    fs.closeSync(log);
    p.unref();
    const since = fs.readFileSync(`/proc/${p.pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[19];
    fs.writeFileSync(path.join(this.dir, `run/${name}.pid`), `${p.pid} ${since}\n`);
    return p;
  }
  request(method, pathname, { headers = {}, body, port = this.port, socketPath, agent = false, timeout = 30000 } = {}) {
    return new Promise((resolve, reject) => {
      const r = http.request({ host: '127.0.0.1', port, socketPath, method, path: pathname, headers, agent, timeout }, (m) => {
        const chunks = [];
        m.on('data', (c) => chunks.push(c));
        m.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          let json;
          try { json = JSON.parse(text); } catch { /* not JSON */ }
          resolve({ status: m.statusCode, headers: m.headers, text, json });
        });
        m.on('error', reject);
      });
      r.on('timeout', () => r.destroy(new Error('timeout')));
      r.on('error', reject);
      r.end(body);
    });
  }
  get(p, headers) { return this.request('GET', p, { headers }); }
  post(p, value, headers = {}) {
    return this.request('POST', p, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) });
  }
  rpc(procedure, input, headers) { return this.post(`/rpc/${procedure}`, { json: input }, headers); }
  // Save a workflow, queue a run, wait for its end.
  async finish(runId, seconds = 20) {
    return until(`the end of ${runId}`, async () => {
      const r = await this.get(`/api/orpc/coordination/runs/${runId}`);
      return ['completed', 'failed'].includes(r.json?.run?.status) && r.json.run;
    }, seconds);
  }
}

export const desk = (deskId, extra = {}) => ({
  deskId, kind: 'desk:analysis', name: `Desk ${deskId}`, responsibility: `Own ${deskId}`, domain: 'test',
  inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, memoryScope: { persist: false }, ...extra,
});
export const chain = (workflowId, ids, extra = {}) => ({
  workflowId, version: 1, name: workflowId, entryDeskId: ids[0], desks: ids.map((d) => desk(d)),
  handoffs: ids.slice(1).map((d, i) => ({ handoffId: `h${i}`, fromDeskId: ids[i], toDeskId: d })), ...extra,
});

// A request straight to a responder's socket, as a CGI: what nginx never sees.
export function direct(sys, responder, { method = 'GET', uri, headers = {}, body = '', addr }) {
  const env = { ...sys.env, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: method, REQUEST_URI: uri, CONTENT_LENGTH: String(Buffer.byteLength(body)) };
  if (addr !== undefined) env.REMOTE_ADDR = addr;
  for (const [k, v] of Object.entries(headers)) env[k.toLowerCase() === 'content-type' ? 'CONTENT_TYPE' : `HTTP_${k.toUpperCase().replaceAll('-', '_')}`] = v;
  const out = execFileSync(path.join(bin, `${responder}.fcgi`), [], { env, input: body, cwd: root, stdio: ['pipe', 'pipe', 'ignore'] }).toString('utf8');
  const at = out.indexOf('\r\n\r\n');
  const status = Number(/^Status: (\d+)/m.exec(out.slice(0, at))?.[1] ?? 200);
  return { status, text: out.slice(at + 4), head: out.slice(0, at) };
}
