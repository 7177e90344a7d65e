// The official clients, as their users use them, through nginx.
import assert from 'node:assert/strict';
import test from 'node:test';
import { System, chain } from '../lib/system.mjs';

const versions = {
  '1.13.5': {
    core: await import('orpc-client-1.13'), fetch: await import('orpc-client-1.13/fetch'), plugins: await import('orpc-client-1.13/plugins'),
    contract: await import('orpc-contract-1.13'), openapi: await import('orpc-openapi-client-1.13/fetch'),
  },
  '1.16.1': {
    core: await import('orpc-client-1.16'), fetch: await import('orpc-client-1.16/fetch'), plugins: await import('orpc-client-1.16/plugins'),
    contract: await import('orpc-contract-1.16'), openapi: await import('orpc-openapi-client-1.16/fetch'),
  },
};

const routes = ({ oc }) => ({
  coordination: {
    listWorkflows: oc.route({ method: 'GET', path: '/coordination/workflows' }),
    saveWorkflow: oc.route({ method: 'POST', path: '/coordination/workflows' }),
    getWorkflow: oc.route({ method: 'GET', path: '/coordination/workflows/{workflowId}' }),
    validateWorkflow: oc.route({ method: 'POST', path: '/coordination/workflows/{workflowId}/validate' }),
    queueRun: oc.route({ method: 'POST', path: '/coordination/workflows/{workflowId}/run' }),
    getRunStatus: oc.route({ method: 'GET', path: '/coordination/runs/{runId}' }),
    getRunTimeline: oc.route({ method: 'GET', path: '/coordination/runs/{runId}/timeline' }),
  },
  state: { getRuntimeState: oc.route({ method: 'GET', path: '/state/runtime' }) },
});

let sys;
test.before(async () => { sys = await System.start(); });
test.after(() => sys.close());

// Every procedure once, and every declared error by its code.
async function everyProcedure(client, core, tag) {
  const id = `wf-${tag}`, runId = `run-${tag}`;
  const workflow = chain(id, ['a', 'b']);
  const failure = async (promise) => {
    const e = await promise.then(() => assert.fail('no error'), (x) => x);
    assert.ok(e instanceof core.ORPCError, String(e));
    return { code: e.code, status: e.status, data: e.data, defined: e.defined };
  };
  assert.deepEqual(await client.coordination.saveWorkflow({ workflow }), { workflow });
  const listed = await client.coordination.listWorkflows({});
  assert.ok(listed.workflows.some((w) => w.workflowId === id));
  assert.equal((await client.coordination.getWorkflow({ workflowId: id })).workflow.name, id);
  assert.deepEqual(await client.coordination.validateWorkflow({ workflowId: id }), { workflowId: id, validation: { ok: true, errors: [] } });
  const queued = await client.coordination.queueRun({ workflowId: id, runId, input: { n: 1 } });
  assert.equal(queued.run.runId, runId);
  assert.equal(queued.eventIds.length, 1);
  assert.deepEqual((await client.coordination.queueRun({ workflowId: id, runId })).eventIds, []);
  await sys.finish(runId);
  const { run } = await client.coordination.getRunStatus({ runId });
  assert.equal(run.status, 'completed');
  assert.deepEqual(run.output.received.received, { n: 1 });
  const { timeline } = await client.coordination.getRunTimeline({ runId });
  assert.deepEqual(timeline.map((e) => e.type), ['run.started', 'run.started', 'desk.started', 'desk.completed', 'desk.started', 'desk.completed', 'run.completed']);
  assert.equal((await client.state.getRuntimeState({})).state.version, 1);

  assert.deepEqual(await failure(client.coordination.getWorkflow({ workflowId: 'nope' })),
    { code: 'WORKFLOW_NOT_FOUND', status: 404, data: { workflowId: 'nope' }, defined: false });
  assert.deepEqual(await failure(client.coordination.getWorkflow({ workflowId: '../x' })),
    { code: 'INVALID_WORKFLOW_ID', status: 400, data: { workflowId: '../x' }, defined: false });
  assert.equal((await failure(client.coordination.getRunStatus({ runId: 'nope' }))).code, 'RUN_NOT_FOUND');
  assert.equal((await failure(client.coordination.getRunStatus({ runId: '-' }))).code, 'INVALID_RUN_ID');
  const invalid = await failure(client.coordination.saveWorkflow({ workflow: { ...workflow, entryDeskId: 'zz' } }));
  assert.equal(invalid.code, 'WORKFLOW_VALIDATION_FAILED');
  assert.ok(invalid.data.errors.some((e) => e.code === 'MISSING_ENTRY_DESK'));
  const other = await client.coordination.saveWorkflow({ workflow: chain(`${id}-2`, ['a']) });
  const conflict = await failure(client.coordination.queueRun({ workflowId: other.workflow.workflowId, runId }));
  assert.equal(conflict.code, 'RUN_QUEUE_FAILED');
  assert.equal(conflict.status, 500);
  assert.equal(conflict.data.run.status, 'failed');
  const bad = await failure(client.coordination.getRunTimeline({ runId: '' }));
  assert.equal(bad.code, 'BAD_REQUEST');
  assert.deepEqual(bad.data, { issues: [{ message: 'must not have fewer than 1 characters', path: ['runId'] }] });
}

for (const [version, v] of Object.entries(versions)) {
  const tag = version.replaceAll('.', '-');
  const rpc = (options = {}) => v.core.createORPCClient(new v.fetch.RPCLink({ url: `${sys.base}/rpc`, ...options }));

  test(`RPCLink ${version} by POST reaches every procedure and reads every error`, () => everyProcedure(rpc(), v.core, `post-${tag}`));

  test(`RPCLink ${version} by GET reaches every procedure that is declared GET`, async () => {
    const gets = new Set(['listWorkflows', 'getWorkflow', 'getRunStatus', 'getRunTimeline', 'getRuntimeState']);
    await everyProcedure(rpc({ method: (_o, path) => (gets.has(path.at(-1)) ? 'GET' : 'POST') }), v.core, `get-${tag}`);
  });

  test(`RPCLink ${version} by GET is refused where the procedure is declared POST`, async () => {
    const e = await rpc({ method: () => 'GET' }).coordination.queueRun({ workflowId: 'x' }).catch((x) => x);
    assert.equal(e.code, 'METHOD_NOT_SUPPORTED');
    assert.equal(e.status, 405);
  });

  for (const mode of ['buffered', 'streaming'])
    test(`BatchLinkPlugin ${version} gets ${mode} answers to calls made at once`, async () => {
      const requests = [];
      const client = rpc({
        plugins: [new v.plugins.BatchLinkPlugin({ mode, groups: [{ condition: () => true, context: {} }] })],
        fetch: (request, init) => { requests.push(new URL(request.url).pathname); return fetch(request, init); },
      });
      const answers = await Promise.allSettled([
        client.state.getRuntimeState({}), client.coordination.listWorkflows({}), client.coordination.getWorkflow({ workflowId: 'nope' }),
        client.coordination.nothing({}),
      ]);
      assert.equal(requests.length, 1, requests.join());
      assert.match(requests[0], /__batch__$/);
      assert.equal(answers[0].value.state.version, 1);
      assert.ok(Array.isArray(answers[1].value.workflows));
      assert.equal(answers[2].reason.code, 'WORKFLOW_NOT_FOUND');
      assert.equal(answers[3].reason.status, 404);
    });

  test(`BatchLinkPlugin ${version} splits more than ten calls and gets every answer`, async () => {
    const client = rpc({ plugins: [new v.plugins.BatchLinkPlugin({ groups: [{ condition: () => true, context: {} }] })] });
    const answers = await Promise.all(Array.from({ length: 25 }, () => client.state.getRuntimeState({})));
    assert.equal(answers.filter((a) => a.state.version === 1).length, 25);
  });

  test(`RPCLink ${version} sends and gets back dates, sets and other values that JSON lacks`, async () => {
    const schema = { type: 'object', when: new Date(0), big: 12345678901234567890n, set: new Set([1, 'x']), map: new Map([['k', new Date(1)]]), re: /a\/b/gi, url: new URL('https://e.com/a?b=1'), nan: NaN };
    const workflow = chain(`wf-rich-${tag}`, ['a']);
    workflow.desks[0].inputSchema = schema;
    const saved = await rpc().coordination.saveWorkflow({ workflow }).catch((e) => e);
    if (saved instanceof v.core.ORPCError) assert.equal(saved.code, 'BAD_REQUEST'); // a bigint cannot be stored
    delete schema.big;
    const echoed = await rpc().coordination.saveWorkflow({ workflow });
    const { re, ...got } = echoed.workflow.desks[0].inputSchema;
    const { re: sent, ...want } = schema;
    assert.deepEqual(got, want);
    assert.equal(`/${re.source}/${re.flags}`, String(sent)); // 1.16 makes it when it is first used
  });

  test(`OpenAPILink ${version} reaches every procedure and reads every error`, async () => {
    const link = new v.openapi.OpenAPILink(routes(v.contract), { url: `${sys.base}/api/orpc` });
    await everyProcedure(v.core.createORPCClient(link), v.core, `api-${tag}`);
  });
}
