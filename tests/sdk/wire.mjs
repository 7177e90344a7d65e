// Something between two HTTP programs: it hands on what goes by, writes it down,
// and holds an answer back where a test asks for that.
import http from 'node:http';
import { until } from '../lib/system.mjs';

export class Wire {
  seen = []; // {method, path, body, status, answer}
  #holds = [];
  constructor(to) { this.to = to; } // the URL of the other end
  async start() {
    this.server = http.createServer((q, r) => {
      const chunks = [];
      q.on('data', (c) => chunks.push(c));
      q.on('end', () => this.#pass(q, r, Buffer.concat(chunks)));
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }
  #pass(q, r, body) {
    const row = { method: q.method, path: q.url, headers: q.headers, body: parsed(body) };
    const { hostname, port } = new URL(this.to());
    const out = http.request({ hostname, port, method: q.method, path: q.url, headers: q.headers, agent: false }, (m) => {
      const chunks = [];
      m.on('data', (c) => chunks.push(c));
      m.on('end', async () => {
        Object.assign(row, { status: m.statusCode, answer: parsed(Buffer.concat(chunks)) });
        this.seen.push(row);
        const hold = this.#holds.find((h) => !h.row && h.match(row));
        if (hold) { hold.row = row; await hold.until; }
        r.writeHead(m.statusCode, m.headers).end(Buffer.concat(chunks));
      });
      m.on('error', () => r.destroy());
    });
    out.on('error', () => r.destroy());
    out.end(body);
  }
  // The first answer that matches waits for release().
  hold(match) {
    const h = { match };
    h.until = new Promise((resolve) => { h.release = resolve; });
    h.held = (seconds) => until('an answer that is held', () => h.row, seconds);
    this.#holds.push(h);
    return h;
  }
  async stop() {
    for (const h of this.#holds) h.release();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
const parsed = (b) => { try { return JSON.parse(b); } catch { return b.toString(); } };
