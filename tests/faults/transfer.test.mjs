// The disk fails under an import or an export, or memory is short: the n-th call
// of a kind, once or for ever after.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System } from '../lib/system.mjs';
import { seed } from './chaos.mjs';
import { FAR, Fault, chosen } from './lives.mjs';
import { files, installation, judgeExported, judgeImported, must, place, rawr } from './transfer.mjs';

// How many of a fault's places are tried.
const SAMPLE = { file: 4, malloc: 16 };
const MOST = 400; // in a soak

// [which files, kind, error]; each once and for ever.
const store = [undefined, ['write', 'EIO'], ['write', 'ENOSPC'], ['write', 'SHORT'], ['sync', 'EIO'], ['truncate', 'EIO'], ['open', 'EIO'], ['read', 'EIO']];
const source = ['/from/', ['open', 'EIO'], ['read', 'EIO']];
const target = ['/out', ['write', 'EIO'], ['write', 'ENOSPC'], ['write', 'SHORT'], ['sync', 'EIO'], ['open', 'EIO'], ['rename', 'EIO']];
const memory = [undefined, ['malloc', 'ENOMEM']];
const each = (...groups) => groups.flatMap(([of, ...kinds]) => kinds.flatMap(([kind, error]) => ['', ':forever'].map((lasts) => ({ kind, error: error + lasts, of }))));

// Exit 1 or, for what passes, 7; and in words.  Without memory, an abort.
function judgeEnd(what, r) {
  if (r.code === 'SIGABRT') {
    assert.match(r.log.trim().split('\n').at(-1), /"event":"bug".*"why":"([^"]*out of memory|[^"]+ != NULL)"/, what);
    return;
  }
  assert.ok([1, 7].includes(r.code), `${what}: ended with ${r.code}`);
  assert.equal(r.doc.ok, false, what);
  if (r.doc.error === undefined) assert.ok(r.doc.result.unread.length > 0, `${what}: no word`);
  else assert.deepEqual([r.doc.error.message.length > 0, r.doc.error.retryable], [true, r.code === 7], `${what}: ${JSON.stringify(r.doc.error)}`);
}

// act(env, name): one execution.  left(place, want, what): judges what a failed
// one has left.  same: what a good one leaves.
async function sweep(t, faults, act, left, same) {
  const rnd = seed(t);
  const s = await System.create();
  t.after(() => fs.rmSync(s.dir, { recursive: true, force: true }));
  s.from = installation(path.join(s.dir, 'from'));
  const fault = new Fault(s.dir);
  const count = { faults: 0, failed: 0 };
  const whole = place(s, 'whole');
  assert.equal((await act(s, whole, {})).code, 0);
  const want = await same(s, whole);
  assert.ok(Object.keys(want).length > 3);
  for (const { kind, error, of } of faults) {
    const env = fault.env(kind, error, of);
    fault.at(FAR);
    assert.equal((await act(s, place(s, `count-${kind}-${error}`), env)).code, 0);
    const total = FAR - fault.left();
    for (const n of chosen(rnd, total, SAMPLE[kind] ?? SAMPLE.file, MOST)) {
      const what = `${kind} ${n} of ${total}, ${error}, ${of ?? 'store'}`;
      const p = place(s, `at-${count.faults++}`);
      fault.at(n);
      const r = await act(s, p, env);
      assert.ok(fault.left() <= 0, `${what}: did not strike`);
      fault.at(0);
      if (r.code !== 0) {
        count.failed++;
        judgeEnd(what, r);
        await left(s, p, want, what);
        const again = await act(s, p, {});
        assert.equal(again.code, 0, `${what}, again: ${JSON.stringify(again.doc)}`);
      }
      assert.deepEqual(await same(s, p), want, what);
      await must(s, p.env, 'db', 'check');
      fs.rmSync(p.dir, { recursive: true });
    }
  }
  t.diagnostic(`${count.faults} faults, ${count.failed} failed`);
  assert.ok(count.failed > count.faults / 2);
}

test('an import whose disk fails says so, leaves whole subjects, and run again it is as one whose disk did not', (t) =>
  sweep(t, each(store, source, memory),
    (s, p, env) => rawr(s, { ...p.env, ...env }, 'import', s.from),
    judgeImported,
    async (s, p) => {
      await must(s, p.env, 'export', path.join(p.dir, 'out'));
      return files(path.join(p.dir, 'out'));
    }));

function complete(out) {
  try { return JSON.parse(fs.readFileSync(path.join(out, 'export.json'), 'utf8')).complete; } catch { return false; }
}

test('an export whose disk fails says so, leaves whole files that no import takes for all, and run again it is as one whose disk did not', (t) =>
  sweep(t, each(target, [undefined, ['open', 'EIO'], ['read', 'EIO']], memory),
    async (s, p, env) => {
      if (!fs.existsSync(path.join(p.dir, 'rawr.db'))) await must(s, p.env, 'import', s.from);
      return rawr(s, { ...p.env, ...env }, 'export', path.join(p.dir, 'out'));
    },
    async (s, p, want, what) => {
      const out = path.join(p.dir, 'out');
      judgeExported(out, want, what);
      if (!fs.existsSync(out)) return;
      // The last sync failed: nothing else is left to do.
      if (complete(out)) { assert.deepEqual(files(out), want, what); return; }
      const taken = await rawr(s, place(s, 'other').env, 'import', out);
      assert.ok([3, 5].includes(taken.code), `${what}: half an export was taken: ${JSON.stringify(taken.doc)}`);
    },
    async (s, p) => {
      assert.ok(complete(path.join(p.dir, 'out')));
      return files(path.join(p.dir, 'out'));
    }));
