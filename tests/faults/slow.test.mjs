// Peers that say nothing, or half of something.
import assert from 'node:assert/strict';
import net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { begin, params, record } from '../lib/fcgi.mjs';
import { until } from '../lib/system.mjs';
import { Clients, start, workflows } from './chaos.mjs';
import { judge } from './checker.mjs';

const post = record(4, params({ REQUEST_METHOD: 'POST', REQUEST_URI: '/health', CONTENT_TYPE: 'application/json', CONTENT_LENGTH: '1000' }));
const sent = {
  'says nothing': Buffer.alloc(0),
  'sends half a record\'s head': begin.subarray(0, 3),
  'sends half of its parameters': Buffer.concat([begin, post.subarray(0, 30)]),
  'sends half of its body': Buffer.concat([begin, post, record(4, Buffer.alloc(0)), record(5, Buffer.alloc(500, 0x20))]),
};
// How many of each kind: together more than any responder has workers.
const EACH = 4;
const asked = {
  rpc: ['POST', '/rpc/state/getRuntimeState', 200],
  openapi: ['GET', '/api/orpc/state/runtime', 200],
  workflows: ['GET', '/api/workflows/coordination/runs/none', 404],
  inngest: ['GET', '/api/inngest', 401],
};

async function connect(s, name, bytes) {
  const c = net.connect(path.join(s.dir, 'run', `${name}.sock`));
  c.on('error', () => {});
  await new Promise((resolve, reject) => { c.once('connect', resolve); c.once('error', reject); });
  if (bytes.length > 0) await new Promise((resolve) => c.write(bytes, resolve));
  return c;
}

for (const [what, bytes] of Object.entries(sent))
  test(`a peer of a responder's socket that ${what} stalls nobody else`, async (t) => {
    const s = await start(t);
    const slow = [];
    for (const name of Object.keys(asked))
      for (let i = 0; i < EACH; i++) slow.push(await connect(s, name, bytes));
    let worst = 0;
    for (const [name, [method, uri, status]] of Object.entries(asked))
      for (let i = 0; i < 8; i++) {
        const began = Date.now();
        const r = await s.request(method, uri, { headers: { 'content-type': 'application/json' }, body: method === 'POST' ? '{"json":{}}' : undefined });
        worst = Math.max(worst, Date.now() - began);
        assert.equal(r.status, status, `${name}: ${r.text}`);
        assert.ok(worst < 3000, `${name} took ${worst} ms`);
      }
    const c = new Clients(s, { clients: 8, least: 8 });
    await c.stop();
    await judge(s, workflows, c.log);
    for (const peer of slow) peer.destroy();
    t.diagnostic(`the slowest answer took ${worst} ms`);
  });

test('a peer that sends half a request is shown out, one that is silent is kept', async (t) => {
  const s = await start(t);
  const half = await connect(s, 'rpc', sent['sends half of its body']);
  const silent = await connect(s, 'rpc', sent['says nothing']);
  const closed = new Set();
  half.on('close', () => closed.add('half'));
  silent.on('close', () => closed.add('silent'));
  half.resume();
  silent.resume();
  t.after(() => { half.destroy(); silent.destroy(); });
  await until('the half request is given up', () => closed.has('half'), 15);
  assert.deepEqual([...closed], ['half']);
});
