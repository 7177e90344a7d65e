// sdk_stub.mjs PORT: what sdk_app.mjs answers, without the SDK: so that what is
// measured is the engine.
import crypto from 'node:crypto';
import http from 'node:http';

const STEPS = ['one', 'two', 'three', 'four', 'five'].map((name) => [name, crypto.createHash('sha1').update(name).digest('hex')]);
const port = Number(process.argv[2]);
const headers = { 'content-type': 'application/json', 'x-inngest-sdk': 'js:v4.24.0', 'x-inngest-req-version': '2' };

function answer(body) {
  const { steps } = JSON.parse(body);
  const next = STEPS.find(([, id]) => !(id in steps));
  return next ? [206, JSON.stringify([{ id: next[1], op: 'StepRun', name: next[0], displayName: next[0], opts: {}, userland: { id: next[0] }, data: null }])] : [200, 'null'];
}
http.createServer((q, r) => {
  let body = '';
  q.setEncoding('utf8');
  q.on('data', (c) => { body += c; });
  q.on('end', () => { const [status, text] = answer(body); r.writeHead(status, headers).end(text); });
}).listen(port, '127.0.0.1', () => process.send('ready'));
process.on('disconnect', () => process.exit());
