// Memory runs short in a process at work: one allocation of it fails.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { largeTimeline } from '../lib/large.mjs';
import { until } from '../lib/system.mjs';
import { gone, seed, signal, start } from './chaos.mjs';
import { judge } from './checker.mjs';
import { FAR, Fault, Nurse, chosen, life, live, workflowId } from './lives.mjs';
import { Teller } from './teller.mjs';

// How many of the allocations of a life are tried: one out of each of so many
// stretches of equal length.  A soak tries MOST.
const sample = { runner: 30, rpc: 20, workflows: 30, inngest: 30 };
const MOST = 300;

// Our word, and libfcgi's: its Malloc() aborts as well.
const OURS = /"event":"bug".*"why":"([^"]*out of memory|[^"]+ != NULL)"/;
const LIBFCGI = /fcgiapp\.c:\d+: Malloc: Assertion .* failed\.$/gm;
const lines = (s, victim, event) => s.logs(victim).split('\n').filter((l) => l.includes(`"event":"${event}"`));

// No end but by an abort of ours, or with an error that is told.
function judgeEnds(s, victim, ends, faults) {
  const bugs = lines(s, victim, 'bug'), aborts = lines(s, victim, 'worker_died').map((l) => JSON.parse(l));
  for (const l of bugs) assert.match(l, OURS);
  const theirs = s.logs(victim).match(LIBFCGI)?.length ?? 0;
  assert.ok(bugs.length + theirs <= faults, `${bugs.length + theirs} aborts of ${faults} faults`);
  for (const l of aborts) assert.ok(l.signal === 6 || l.status > 0, `a worker ended by signal ${l.signal}`);
  for (const e of ends) assert.ok(e.signal === 'SIGABRT' || e.code === 1, `${victim} ended by itself: ${JSON.stringify(e)}`);
  const told = lines(s, victim, 'failed').length + lines(s, victim, 'stopped').length + lines(s, victim, 'worker_init').length + theirs;
  assert.ok(ends.length + aborts.length <= bugs.length + told, `${ends.length + aborts.length} ends, ${bugs.length + told} of them with a word`);
  return ends.length + aborts.length;
}

for (const victim of Object.keys(sample))
  test(`whatever allocation of ${victim} fails at work, it gives an error or ends with a word, and everything acknowledged is done once`, async (t) => {
    const rnd = seed(t);
    const s = await start(t, { RAWR_FUNCTION_WORKERS: '2', RAWR_WORKERS: '1' });
    s.meant = OURS;
    const fault = new Fault(s.dir);
    const first = s.pid(victim);
    signal(first);
    await until(`the end of ${victim}`, () => gone(first));
    const c = new Teller(s);
    let version = 1, faults = 0, total;
    const once = async (n) => {
      fault.at(n);
      await live(c, `at-${n}`, version++);
      const left = fault.left();
      fault.at(0);
      return left;
    };
    const nurse = new Nurse(s, victim, fault.env('malloc', 'ENOMEM'));
    try {
      await live(c, 'warm', version++);
      total = FAR - await once(FAR);
      for (const n of chosen(rnd, total, sample[victim], MOST)) if (await once(n) <= 0) faults++;
    } finally { nurse.leave(); }
    const runs = await judge(s, new Map([[workflowId, life(1)]]), c.ledger);
    const ends = judgeEnds(s, victim, nurse.ends, faults);
    t.diagnostic(`${faults} faults in ${total} allocations, ${ends} ends, ${runs} runs, ${c.unanswered} requests again`);
    assert.ok(faults >= sample[victim] / 3, `only ${faults} faults`);
  });

test('whatever allocation fails while a large answer is made, it is whole, or an error', async (t) => {
  const rnd = seed(t);
  const s = await start(t, { RAWR_WORKERS: '1' });
  s.meant = OURS;
  largeTimeline(path.join(s.dir, 'old'), 'run-large', 100);
  const taken = await s.rawr('import', path.join(s.dir, 'old'));
  assert.equal(taken.code, 0, JSON.stringify(taken.doc));
  const ask = () => s.rpc('coordination/getRunTimeline', { runId: 'run-large' });
  const whole = await ask();
  assert.equal(whole.json.json.timeline.length, 100);
  const fault = new Fault(s.dir), first = s.pid('rpc');
  signal(first);
  await until('the end of rpc', () => gone(first));
  const nurse = new Nurse(s, 'rpc', fault.env('malloc', 'ENOMEM'));
  const again = () => until('the whole answer', async () => (await ask()).text === whole.text);
  let faults = 0, errors = 0, total;
  try {
    await again();
    fault.at(FAR);
    await ask();
    total = FAR - fault.left();
    for (const n of chosen(rnd, total, 60, MOST)) {
      fault.at(n);
      const r = await ask();
      if (fault.left() <= 0) faults++;
      fault.at(0);
      if (r.status === 200) {
        assert.equal(r.text, whole.text, `allocation ${n}`);
      } else {
        errors++;
        assert.ok(r.status >= 500 && (r.json?.code ?? r.json?.json?.code), `allocation ${n}: ${r.status} ${r.text.slice(0, 300)}`);
      }
      await again();
    }
  } finally { nurse.leave(); }
  const ends = judgeEnds(s, 'rpc', nurse.ends, faults);
  t.diagnostic(`${faults} faults in ${total} allocations, ${errors} errors, ${ends} ends`);
  assert.ok(faults >= 20 && errors > 0, `only ${faults} faults, ${errors} errors`);
});
