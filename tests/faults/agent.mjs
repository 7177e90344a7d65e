// An agent as a process of its own: claims tasks, keeps them, answers them, and
// writes each word down before it is said and after it was answered, so that
// whoever kills it can read what it knew.
//
//	node agent.mjs URL NAME LEDGER
import fs from 'node:fs';

const [url, name, file] = process.argv.slice(2);
const book = fs.openSync(file, 'a');
const write = (line) => fs.writeSync(book, `${JSON.stringify(line)}\n`);
const pause = (ms) => new Promise((r) => setTimeout(r, ms));

async function call(path, body) {
  try {
    const r = await fetch(`${url}/api/workflows/coordination${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(10000) });
    if (r.status >= 500) return undefined;
    return { status: r.status, json: await r.json() };
  } catch { return undefined; }
}

// What an agent gives is a function of what it got, so that it can be judged.
const work = (task) => {
  const n = task.input?.n ?? task.input?.received?.n;
  const redo = task.desk.kind === 'desk:qa' && task.round === 0 && n % 3 === 0;
  return { n, by: name, attempt: task.attempt, verdict: redo ? 'redo' : 'good' };
};

for (;;) {
  const got = await call('/tasks/claim', { agentId: name, kind: 'work', waitSeconds: 5 });
  const task = got?.json?.task;
  if (!task) { await pause(20); continue; }
  const at = `/tasks/${task.taskId}`;
  await pause(Math.random() * 150);
  const beat = await call(`${at}/heartbeat`, { token: task.token });
  if (beat?.status === 409) { write({ beat: task.taskId, verdict: 'refused' }); continue; }
  await pause(Math.random() * 150);
  const output = work(task);
  write({ taskId: task.taskId, token: task.token, output });
  for (let lost = false; ; lost = true) {
    const r = await call(`${at}/complete`, { token: task.token, output });
    if (!r) { await pause(20); continue; }
    const verdict = r.status === 200 ? 'taken' : lost ? 'unknown' : 'refused';
    write({ taskId: task.taskId, token: task.token, verdict, status: r.status, code: r.json.code });
    break;
  }
}
