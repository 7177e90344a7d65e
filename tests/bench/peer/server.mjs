// The same procedures as others write them, on Bun: oRPC over JSON files, one
// file per workflow and per run, read per request, written without fsync.
//	server.mjs DIRECTORY PORT ROOT reference|lean
// ROOT/plugins and ROOT/lib/domain hold the contract that is checked against.
//
// "reference" does for a request what the system does that ours replaces, with the
// versions that it locks: Elysia routes it, the schema is walked (not compiled),
// the four directories of the storage are made sure of, and a file's directory is
// again before it is written.  "lean" leaves all of that out.
import fs from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { OpenAPIHandler } from '@orpc/openapi/fetch';
import { ORPCError, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/fetch';
import { Elysia } from 'elysia';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';

const [directory, port, root, kind] = process.argv.slice(2);
const LEAN = { reference: false, lean: true }[kind];
if (LEAN === undefined) throw new Error('usage: server.mjs DIRECTORY PORT ROOT reference|lean');
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
  const type = resolved(definition), compiled = Compile(type);
  const check = LEAN ? (value) => compiled.Check(value) : (value) => Value.Check(type, value);
  const validate = (value) => (check(value) ? { value } : { issues: [{ message: 'does not match the contract' }] });
  return { '~standard': { version: 1, vendor: 'typebox', validate } };
};
const procedure = (name, handler) => {
  const { route, input, output } = procedures[name];
  return os.route({ method: route.method, path: route.path }).input(schema(input)).output(schema(output)).handler(handler);
};

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const check = (ok, code, status = 400) => { if (!ok) throw new ORPCError(code, { status }); };
const KINDS = ['workflows', 'runs', 'timelines', 'memory'];
const file = (kind, id) => path.join(directory, kind, `${id}.json`);
const makeSure = (kinds) => Promise.all(kinds.map((k) => mkdir(path.join(directory, k), { recursive: true })));
await makeSure(KINDS);

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
  if (!LEAN) await makeSure(KINDS);
  const runId = input.runId.trim();
  check(ID.test(runId), 'INVALID_RUN_ID');
  const text = await readFile(file('runs', runId), 'utf8').catch(() => null);
  check(text !== null, 'RUN_NOT_FOUND', 404);
  return { run: JSON.parse(text) };
});

const saveWorkflow = procedure('saveWorkflow', async ({ input: { workflow } }) => {
  if (!LEAN) await makeSure(KINDS);
  check(valid(workflow), 'WORKFLOW_VALIDATION_FAILED');
  if (!LEAN) await makeSure(['workflows']);
  const stored = { ...workflow, updatedAt: new Date().toISOString() };
  await writeFile(file('workflows', workflow.workflowId), JSON.stringify(stored, null, 2));
  return { workflow };
});

const router = { coordination: { getRunStatus, saveWorkflow } };
const handlers = { '/rpc': new RPCHandler(router), '/api/orpc': new OpenAPIHandler(router) };
const answer = (prefix) => async (request) => {
  const { matched, response } = await handlers[prefix].handle(request, { prefix });
  return matched ? response : new Response('not found', { status: 404 });
};
const [rpc, openapi] = [answer('/rpc'), answer('/api/orpc')];

if (LEAN) {
  Bun.serve({ hostname: '127.0.0.1', port: Number(port), fetch: (request) => (request.url.includes('/rpc/') ? rpc : openapi)(request) });
} else {
  new Elysia()
    .all('/rpc/*', ({ request }) => rpc(request), { parse: 'none' })
    .all('/api/orpc/*', ({ request }) => openapi(request), { parse: 'none' })
    .listen({ hostname: '127.0.0.1', port: Number(port) });
}
