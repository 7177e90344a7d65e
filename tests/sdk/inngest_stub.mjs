// The event API and the registration of an Inngest server, as strict as the real
// one: what it would refuse, this refuses, in its words.  No engine behind it.
import crypto from 'node:crypto';
import http from 'node:http';
import { until } from '../lib/system.mjs';

const EVENT_BYTES = 512 << 10; // of one event, unless the server is told otherwise
const [TS_MIN, TS_MAX] = [Date.UTC(1980, 0, 1), Date.UTC(2101, 0, 1)];
const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);

function eventFault(e) {
  if (!isObject(e)) return 'Unable to process event payload';
  if (Buffer.byteLength(JSON.stringify(e)) > EVENT_BYTES) return `Event is over the max size of ${EVENT_BYTES} bytes`;
  if (typeof e.name !== 'string' || e.name === '') return 'Event name is empty';
  if (e.name.startsWith('inngest/')) return "event name is reserved for internal use: 'inngest/'";
  if (e.data !== undefined && !isObject(e.data)) return 'Event data is not an object';
  if (e.id !== undefined && typeof e.id !== 'string') return 'Event id is not a string';
  if (e.ts !== undefined && (!Number.isInteger(e.ts) || (e.ts !== 0 && (e.ts < TS_MIN || e.ts > TS_MAX)))) return 'timestamp is out of range';
  const strange = Object.keys(e).find((k) => !['id', 'name', 'data', 'user', 'ts', 'v', 'meta'].includes(k));
  return strange === undefined ? undefined : `unknown member ${strange}`;
}
const only = (o, keys) => isObject(o) && Object.keys(o).every((k) => keys.includes(k));
function functionFault(f, app) {
  if (!only(f, ['id', 'name', 'triggers', 'steps', 'cancel'])) return 'a member that is no option';
  if (!f.id?.startsWith(`${app}-`) || f.id.length > 255 || !f.name) return 'id or name';
  if (!Array.isArray(f.triggers) || f.triggers.length < 1 || f.triggers.length > 10) return 'triggers';
  if (!f.triggers.every((t) => only(t, ['event', 'expression', 'cron']) && !t.event !== !t.cron)) return 'a trigger';
  const step = f.steps?.step;
  if (!only(step, ['id', 'name', 'runtime', 'retries']) || step.runtime.type !== 'http' || !URL.canParse(step.runtime.url)) return 'its step';
  if (!(step.retries.attempts >= 0 && step.retries.attempts <= 20)) return 'retries';
  if (f.cancel && !(f.cancel.length <= 5 && f.cancel.every((c) => only(c, ['event', 'if', 'timeout']) && c.event))) return 'cancel';
}

export class InngestStub {
  requests = []; // {method, path, headers, text, body, status}
  events = []; // that were taken, in order, repeats too
  refuses = () => undefined; // of an event: why it is not taken, beside the rules
  answers = []; // instead of its own: functions of (request, response), used up from the front
  constructor({ eventKey, signingKey }) { Object.assign(this, { eventKey, signingKey }); }
  async start(port = 0) {
    this.server = http.createServer((q, r) => {
      const chunks = [];
      q.on('data', (c) => chunks.push(c));
      q.on('end', () => this.#serve({ method: q.method, path: q.url, headers: q.headers, text: Buffer.concat(chunks).toString() }, r));
    });
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }
  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
  get hash() { return `signkey-test-${crypto.createHash('sha256').update(Buffer.from(this.signingKey.replace(/^signkey-\w+-/, ''), 'hex')).digest('hex')}`; }
  #serve(q, r) {
    try { q.body = JSON.parse(q.text); } catch { /* not JSON */ }
    this.requests.push(q);
    const answer = q.path.startsWith('/e/') ? this.answers.shift() : undefined;
    if (answer) return answer(q, r, () => this.#own(q, r));
    this.#own(q, r);
  }
  #own(q, r) {
    const [status, body] = q.path.startsWith('/e/') ? this.#take(q) : q.path === '/fn/register' ? this.#register(q) : [404, undefined];
    this.say(q, r, status, body === undefined ? '404 page not found\n' : JSON.stringify(body));
  }
  say(q, r, status, text) {
    q.status = status;
    r.writeHead(status, { 'content-type': 'application/json', 'x-inngest-server-kind': 'cloud' }).end(text);
  }
  #take(q) {
    if (q.method !== 'POST' || q.path !== `/e/${this.eventKey}`) return [401, { status: 401, message: '', error: 'Event key not found' }];
    const ids = [];
    for (const e of Array.isArray(q.body) ? q.body : [q.body]) {
      const error = eventFault(e) ?? this.refuses(e);
      if (error) return [400, { ids: [...ids, ''], status: 400, error }];
      this.events.push(e);
      ids.push(crypto.randomUUID());
    }
    return [200, { ids, status: 200 }];
  }
  #register(q) {
    if (q.headers.authorization !== `Bearer ${this.hash}`) return [401, { error: 'Authentication failed', status: 401 }];
    const b = q.body;
    if (!only(b, ['url', 'deployType', 'framework', 'appName', 'functions', 'sdk', 'v', 'capabilities', 'appVersion', 'deployId', 'featureObservations'])) return [400, { error: 'Invalid request', status: 400 }];
    if (!/^[a-z]+:v\d/.test(b.sdk) || b.v !== '0.1' || b.deployType !== 'ping' || !URL.canParse(b.url)) return [400, { error: 'Invalid request', status: 400 }];
    const wrong = b.functions.map((f) => functionFault(f, b.appName)).find(Boolean);
    if (wrong) return [400, { error: `function: ${wrong}`, status: 400 }];
    const modified = JSON.stringify(b.functions) !== this.functions;
    this.functions = JSON.stringify(b.functions);
    return [200, { ok: true, modified, sync_id: crypto.randomUUID(), app_id: crypto.randomUUID() }];
  }
  sends() { return this.requests.filter((q) => q.path.startsWith('/e/')); }
  names() { return this.events.map((e) => e.name); }
  has(id, seconds) { return until(`event ${id} at the server`, () => this.events.find((e) => e.id === id), seconds); }
}
