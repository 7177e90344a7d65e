// Documents that are large, of numbers: as json-c's values they would take 38
// times their text.
import fs from 'node:fs';
import path from 'node:path';

export const digits = (n) => Array.from({ length: n }, (_, i) => i % 10);

// An imported run, in dir; its timeline has n events of 8 KB, which it gives.
export function largeTimeline(dir, runId, n) {
  const put = (f, v) => { fs.mkdirSync(path.dirname(path.join(dir, f)), { recursive: true }); fs.writeFileSync(path.join(dir, f), JSON.stringify(v)); };
  const of = { runId, workflowId: 'wf-large' }, time = (i) => new Date(1.7e12 + i).toISOString();
  const events = Array.from({ length: n }, (_, i) => ({ eventId: `e${i}`, ...of, type: 'desk.completed', deskId: 'a', ts: time(i), status: 'running', output: { i, list: digits(4000) } }));
  put(`.rawr/coordination/runs/${runId}.json`, { ...of, workflowVersion: 1, status: 'completed', startedAt: time(0), traceLinks: [] });
  put(`.rawr/coordination/timelines/${runId}.json`, events);
  return events;
}
