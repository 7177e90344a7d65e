// Functions that crash, hang and eat memory: they fail, and nothing else does.
// They are a plugin's, in a copy of the tree.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../lib/system.mjs';
import { copyTree, makeIn } from '../lib/tree.mjs';

const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-poison-'));
const use = (file) => import(pathToFileURL(path.join(tree, file)));
const EACH = 2;
const died = /the function host died 8 times without an answer/;
const poisons = { segv: died, give_up: died, eat: died, deep: died, hang: /timed out after 1000 ms/ };

test.before(() => {
  copyTree(tree);
  const dir = path.join(tree, 'plugins/workflows/poison');
  fs.mkdirSync(dir, { recursive: true });
  fs.cpSync(path.join(root, 'tests/faults/poison'), dir, { recursive: true });
  for (const target of ['sync', 'build']) {
    const r = makeIn(tree, target);
    assert.ok(r.ok, r.said);
  }
});
test.after(() => fs.rmSync(tree, { recursive: true, force: true }));

test('functions that crash, hang or eat memory fail with a reason, and the others go on meanwhile', async (t) => {
  const { chain, until } = await use('tests/lib/system.mjs');
  const { Clients, start, workflows } = await use('tests/faults/chaos.mjs');
  const { judge, rows } = await use('tests/faults/checker.mjs');
  const { Teller } = await use('tests/faults/teller.mjs');
  const s = await start(t, { RAWR_FUNCTION_WORKERS: '2', RAWR_RETRY_INTERVAL: '1', RAWR_FUNCTION_MEMORY: String(512 << 20) });
  const invoking = (workflowId, functionId) => {
    const w = chain(workflowId, ['a', 'b', 'c']);
    w.desks[1].executor = { kind: 'function', functionId };
    return w;
  };
  const all = new Map([...workflows, ['good', invoking('good', 'poison-fine')], ['bad', invoking('bad', 'poison-segv')]]);
  const c = new Teller(s);
  await c.save(all.get('good'));
  await c.save(all.get('bad'));
  const many = new Clients(s, { clients: 6, least: 40 });
  await until('runs under way', () => many.log.size > 8);
  for (const name of Object.keys(poisons))
    for (let i = 0; i < EACH; i++) {
      const id = `${name}-${i}`;
      assert.equal((await s.rawr('events', 'send', `poison/${name}`, '--id', id)).code, 0);
      c.ledger.events.set(id, { name: `poison/${name}`, acked: true });
    }
  for (let i = 0; i < EACH; i++) {
    await c.queue('bad', `bad-${i}`, { i }, { fails: died });
    await c.queue('good', `good-${i}`, { i });
  }
  const began = Date.now(), before = many.log.size;
  // RUN_FAILED of the engine is 2.  What a desk invokes has an event of the engine's.
  const ended = () => rows(s, "SELECT json_array(e.client_id, state, output) FROM engine_run r JOIN engine_event e ON e.id = r.event WHERE state <> 0 AND fn LIKE 'rawr-poison-%'")
    .filter(([id]) => c.ledger.events.has(id));
  await until('the end of what does harm', () => ended().length === EACH * Object.keys(poisons).length, 90);
  const [took, meanwhile] = [Date.now() - began, many.log.size - before];
  for (const [id, state, output] of ended()) {
    assert.equal(state, 2, id);
    assert.match(output, poisons[id.replace(/-\d+$/, '')], id);
  }
  await many.stop();
  for (const [k, v] of many.log) c.ledger.set(k, v);
  await judge(s, all, c.ledger, 40, (d, received) => received);
  t.diagnostic(`${took} ms until the last one had failed, ${meanwhile} runs begun meanwhile`);
  assert.ok(meanwhile > 10, 'the others stood still');
  await until('all function workers', () => s.workers('inngest').length === 2, 5);
  for (const pid of s.workers('inngest')) {
    const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
    assert.match(limits, /^Max data size\s+536870912 /m);
  }
});
