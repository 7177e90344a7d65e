// The boundary context: ids are accepted, made, echoed, and travel with a run.
import assert from 'node:assert/strict';
import test from 'node:test';
import { System, chain } from '../lib/system.mjs';

let sys;
test.before(async () => { sys = await System.start({ RAWR_LOG_LEVEL: 'debug' }); });
test.after(() => sys.close());

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

for (const p of ['/health', '/api/orpc/state/runtime', '/api/workflows/openapi.json', '/api/orpc/nothing'])
  test(`${p} answers with a request id, a correlation id and a traceparent`, async () => {
    const r = await sys.get(p);
    assert.match(r.headers['x-request-id'], /^[0-9a-f]{32}$/);
    assert.equal(r.headers['x-correlation-id'], r.headers['x-request-id']);
    assert.match(r.headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
  });

test('ids that a client sends come back as they were', async () => {
  const r = await sys.get('/api/orpc/state/runtime', { 'x-request-id': 'req-1', 'x-correlation-id': 'cor.2', traceparent: trace });
  assert.equal(r.headers['x-request-id'], 'req-1');
  assert.equal(r.headers['x-correlation-id'], 'cor.2');
  assert.equal(r.headers.traceparent, trace);
});

for (const [name, headers] of Object.entries({
  'an id with a blank': { 'x-request-id': 'a b' }, 'an id of 129 bytes': { 'x-request-id': 'x'.repeat(129) },
  'a traceparent of zeros': { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }, 'a traceparent of another version': { traceparent: trace.replace('00-', 'ff-') },
}))
  test(`${name} is replaced, not echoed`, async () => {
    const r = await sys.get('/api/orpc/state/runtime', headers);
    for (const [k, v] of Object.entries(headers)) assert.notEqual(r.headers[k], v);
  });

// What a sanitized program says of changing stacks is not its own line.
const lines = (name) => sys.logs(name).split('\n').filter((l) => l && !/^==\d+==WARNING: ASan doesn't fully support makecontext/.test(l));

test('the correlation id and the traceparent of the trigger reach every log line of its run', async () => {
  await sys.rpc('coordination/saveWorkflow', { workflow: chain('wf-ctx', ['a', 'b']) });
  await sys.rpc('coordination/queueRun', { workflowId: 'wf-ctx', runId: 'run-ctx' }, { 'x-correlation-id': 'cor-run-ctx', traceparent: trace });
  await sys.finish('run-ctx');
  const parsed = (names) => names.flatMap(lines).map((l) => JSON.parse(l));
  const mine = parsed(['inngest']).find((l) => l.correlation_id === 'cor-run-ctx');
  const engineRun = mine?.run ?? mine?.run_id;
  assert.ok(engineRun, 'the function host logged the run');
  const mentioning = parsed(['inngest', 'runner']).filter((l) => Object.values(l).includes(engineRun));
  assert.ok(mentioning.length > 0);
  for (const l of mentioning) assert.deepEqual([l.correlation_id, l.traceparent], ['cor-run-ctx', trace], JSON.stringify(l));
});

test('every line of every log is one JSON object', () => {
  for (const name of ['rpc', 'openapi', 'workflows', 'inngest', 'runner'])
    for (const line of lines(name)) assert.doesNotThrow(() => JSON.parse(line), `${name}: ${line}`);
});
