// The same procedures as others write them: oRPC in JavaScript over JSON files,
// one file per workflow and per run, read per request, written without fsync.
//	server.mjs DIRECTORY PORT ROOT
// ROOT/plugins and ROOT/lib/domain hold the contract that is checked against.
import fs from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { OpenAPIHandler } from '@orpc/openapi/fetch';
import { ORPCError, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/fetch';
import { Compile } from 'typebox/compile';

const [directory, port, root] = process.argv.slice(2);
const read = (file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));
const types = read('lib/domain/coordination/types.json');
const { procedures } = read('plugins/api/coordination/contract.json');

const resolved = (v) => {
  if (Array.isArray(v)) return v.map(resolved);
  if (v === null || typeof v !== 'object') return v;
  if (v.$ref) return resolved(types[v.$ref.split('/').pop()]);
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, resolved(x)]));
};
const schema = (definition) => {
  const compiled = Compile(resolved(definition));
  const validate = (value) => (compiled.Check(value) ? { value } : { issues: [{ message: 'does not match the contract' }] });
  return { '~standard': { version: 1, vendor: 'typebox', validate } };
};
const procedure = (name, handler) => {
  const { route, input, output } = procedures[name];
  return os.route({ method: route.method, path: route.path }).input(schema(input)).output(schema(output)).handler(handler);
};

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const check = (ok, code, status = 400) => { if (!ok) throw new ORPCError(code, { status }); };
const file = (kind, id) => path.join(directory, kind, `${id}.json`);

// Known desks, no cycle, everything reached: what the answer depends on.
function valid({ workflowId, entryDeskId, desks, handoffs }) {
  const ids = new Set(desks.map((d) => d.deskId));
  if (!ID.test(workflowId) || ids.size !== desks.length || !ids.has(entryDeskId)) return false;
  const next = new Map(), inbound = new Map();
  for (const h of handoffs) {
    if (!ids.has(h.fromDeskId) || !ids.has(h.toDeskId)) return false;
    next.set(h.fromDeskId, [...(next.get(h.fromDeskId) ?? []), h.toDeskId]);
    inbound.set(h.toDeskId, (inbound.get(h.toDeskId) ?? 0) + 1);
  }
  const ready = desks.filter((d) => !inbound.has(d.deskId)).map((d) => d.deskId);
  for (let i = 0; i < ready.length; i++)
    for (const to of next.get(ready[i]) ?? []) {
      inbound.set(to, inbound.get(to) - 1);
      if (inbound.get(to) === 0) ready.push(to);
    }
  return ready.length === desks.length;
}

const getRunStatus = procedure('getRunStatus', async ({ input }) => {
  const runId = input.runId.trim();
  check(ID.test(runId), 'INVALID_RUN_ID');
  const text = await readFile(file('runs', runId), 'utf8').catch(() => null);
  check(text !== null, 'RUN_NOT_FOUND', 404);
  return { run: JSON.parse(text) };
});

const saveWorkflow = procedure('saveWorkflow', async ({ input: { workflow } }) => {
  check(valid(workflow), 'WORKFLOW_VALIDATION_FAILED');
  const stored = { ...workflow, updatedAt: new Date().toISOString() };
  await writeFile(file('workflows', workflow.workflowId), JSON.stringify(stored, null, 2));
  return { workflow };
});

const router = { coordination: { getRunStatus, saveWorkflow } };
const rpc = new RPCHandler(router);
const openapi = new OpenAPIHandler(router);
fs.mkdirSync(path.join(directory, 'runs'), { recursive: true });
fs.mkdirSync(path.join(directory, 'workflows'), { recursive: true });

async function answer(request) {
  const r = request.url.includes('/rpc/') ? await rpc.handle(request, { prefix: '/rpc' }) : await openapi.handle(request, { prefix: '/api/orpc' });
  return r.matched ? r.response : new Response('not found', { status: 404 });
}

if (typeof Bun !== 'undefined') {
  Bun.serve({ hostname: '127.0.0.1', port: Number(port), fetch: answer });
} else {
  const [{ createServer }, node, api] = await Promise.all([import('node:http'), import('@orpc/server/node'), import('@orpc/openapi/node')]);
  const h = { '/rpc': new node.RPCHandler(router), '/api/orpc': new api.OpenAPIHandler(router) };
  createServer((q, s) => {
    const prefix = q.url.startsWith('/rpc/') ? '/rpc' : '/api/orpc';
    h[prefix].handle(q, s, { prefix }).then(({ matched }) => { if (!matched) s.writeHead(404).end(); });
  }).listen(Number(port), '127.0.0.1');
}
