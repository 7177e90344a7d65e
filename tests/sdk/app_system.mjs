// A system with an SDK app beside it.
import { execFileSync, fork } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { System, bin, freePort, until } from '../lib/system.mjs';

export class App {
  // env: of the app; its keys and URLs are filled in.
  constructor(sys, port, env = {}, script = 'app.mjs') {
    Object.assign(this, { sys, port, env, script, log: path.join(sys.dir, `app-${port}.log`) });
  }
  async start() {
    const out = fs.openSync(path.join(this.sys.dir, `app-${this.port}.out`), 'a');
    this.child = fork(path.join(import.meta.dirname, this.script), [String(this.port), this.log], {
      env: { PATH: process.env.PATH, INNGEST_DEV: '0', INNGEST_BASE_URL: this.sys.base, INNGEST_EVENT_KEY: this.sys.eventKey, INNGEST_SIGNING_KEY: this.sys.key, ...this.env },
      stdio: ['ignore', out, out, 'ipc'] });
    fs.closeSync(out);
    await new Promise((resolve, reject) => { this.child.once('message', resolve); this.child.once('exit', (code) => reject(new Error(`the app ended: ${code}, see ${this.log}`))); });
  }
  async kill(signal = 'SIGKILL') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((r) => this.child.once('exit', r));
    this.child.kill(signal);
    await gone;
  }
  // What a deployment does: the app registers by itself.
  register() { return this.sys.request('PUT', '/api/inngest', { port: this.port }); }
  lines() { return fs.existsSync(this.log) ? fs.readFileSync(this.log, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l)) : []; }
  // How often a step has begun.
  ran(what) { return this.lines().filter((l) => l.what === what).length; }
  open(gate) { fs.writeFileSync(`${this.log}.${gate}`, ''); }
}

export class AppSystem extends System {
  static async create(env = {}) {
    const s = Object.setPrototypeOf(await System.create(env), AppSystem.prototype);
    s.appPort = await freePort();
    s.env.RAWR_APPS ??= `http://127.0.0.1:${s.appPort}/api/inngest`;
    s.env.RAWR_RETRY_INTERVAL ??= '1';
    fs.mkdirSync(path.join(s.dir, 'keys'), { mode: 0o700 });
    s.key = `signkey-test-${crypto.randomBytes(32).toString('hex')}`;
    s.eventKey = crypto.randomBytes(16).toString('hex');
    return s;
  }
  writeKeys() {
    fs.writeFileSync(path.join(this.dir, 'keys/signing.key'), `${this.key}\n`, { mode: 0o600 });
    fs.writeFileSync(path.join(this.dir, 'keys/event.keys'), `${this.eventKey}\n`, { mode: 0o600 });
  }
  static async start(env = {}) {
    const s = await AppSystem.create(env);
    s.writeKeys();
    await s.up();
    return s;
  }
  get hash() { return `signkey-test-${crypto.createHash('sha256').update(Buffer.from(this.key.replace(/^signkey-\w+-/, ''), 'hex')).digest('hex')}`; }
  // With the signing key, as an SDK sends it.
  api(method, uri, value, headers = {}) {
    return this.request(method, uri, { headers: { authorization: `Bearer ${this.hash}`, 'content-type': 'application/json', ...headers }, body: value === undefined ? undefined : JSON.stringify(value) });
  }
  async send(name, data, more = {}) {
    const r = await this.post(`/e/${this.eventKey}`, { name, data, ...more });
    if (r.status !== 200) throw new Error(`${name}: ${r.status} ${r.text}`);
    return r.json.ids[0];
  }
  rows(sql) {
    return JSON.parse(execFileSync(path.join(bin, 'rawr'), ['--json', 'db', 'shell'], { env: this.env, input: sql })).result.rows;
  }
  async runsOf(event) { return (await this.api('GET', `/v1/events/${event}/runs`)).json.data; }
  // The one run that an event started, when it has ended.
  ended(event, seconds = 20) {
    return until(`the end of the run of ${event}`, async () => {
      const [run] = await this.runsOf(event);
      return run && run.status !== 'Running' && run;
    }, seconds);
  }
  async run(name, data, seconds) { return this.ended(await this.send(name, data), seconds); }
}
