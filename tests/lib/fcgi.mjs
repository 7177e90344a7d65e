// Connections to a responder's socket that stay open, as nginx keeps them: so a
// test says how many requests are there when the responder next looks.
import net from 'node:net';
import path from 'node:path';

const BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, HEAD = 8, RECORD_MAX = 65535;

export const record = (type, content) => {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([head, content]);
};
export const begin = record(BEGIN, Buffer.from([0, 1, 1, 0, 0, 0, 0, 0]));
export const params = (pairs) => Buffer.concat(Object.entries(pairs).flatMap(([k, v]) => [Buffer.from([k.length, v.length]), Buffer.from(k + v)]));

// value: a Buffer as it is, all else as JSON.
function request(method, uri, value) {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(value === undefined ? '' : JSON.stringify(value));
  const head = params({ REQUEST_METHOD: method, REQUEST_URI: uri, CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(body.length), REMOTE_ADDR: '127.0.0.1' });
  const parts = [];
  for (let at = 0; at < body.length; at += RECORD_MAX) parts.push(record(STDIN, body.subarray(at, at + RECORD_MAX)));
  return Buffer.concat([begin, record(PARAMS, head), record(PARAMS, Buffer.alloc(0)), ...parts, record(STDIN, Buffer.alloc(0))]);
}

// The reply that `bytes` begin with, if all of it is there.
function reply(bytes) {
  const out = [];
  for (let at = 0; bytes.length - at >= HEAD;) {
    const n = bytes.readUInt16BE(at + 4), next = at + HEAD + n + bytes[at + 6];
    if (next > bytes.length) return undefined;
    if (bytes[at + 1] === STDOUT) out.push(bytes.subarray(at + HEAD, at + HEAD + n));
    if (bytes[at + 1] === END) {
      const text = Buffer.concat(out).toString('utf8'), cut = text.indexOf('\r\n\r\n');
      return { status: Number(/^Status: (\d+)/m.exec(text.slice(0, cut))?.[1] ?? 200), json: JSON.parse(text.slice(cut + 4)) };
    }
    at = next;
  }
  return undefined;
}

export class Peer {
  static async open(s, name) {
    const p = new Peer();
    p.socket = net.connect(path.join(s.dir, 'run', `${name}.sock`));
    await new Promise((resolve, reject) => { p.socket.once('connect', resolve); p.socket.once('error', reject); });
    return p;
  }
  // Resolves when the request, or its first `bytes`, are in the socket, to
  // {answer: Promise}; undefined where the connection ends before it.
  async send(method, uri, value, bytes) {
    const answer = new Promise((resolve) => {
      let got = Buffer.alloc(0);
      const over = (r) => { this.socket.removeAllListeners(); this.socket.on('error', () => {}); resolve(r); };
      this.socket.on('data', (chunk) => { const r = reply(got = Buffer.concat([got, chunk])); if (r) over(r); });
      this.socket.on('error', () => over());
      this.socket.on('close', () => over());
    });
    await new Promise((resolve) => this.socket.write(request(method, uri, value).subarray(0, bytes), resolve));
    return { answer };
  }
  async ask(method, uri, value) { return (await this.send(method, uri, value)).answer; }
  rpc(procedure, input, bytes) { return this.send('POST', `/rpc/${procedure}`, { json: input }, bytes); }
  close() { this.socket.destroy(); }
}
