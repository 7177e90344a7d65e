// A client that does one thing after the other, asks again where it gets no
// answer, and writes down in a Ledger what it was told.
import { until } from '../lib/system.mjs';
import { Ledger } from './checker.mjs';
import { pause } from './chaos.mjs';

const api = '/api/workflows/coordination';

export class Teller {
  constructor(s, ledger = new Ledger()) { Object.assign(this, { s, ledger, unanswered: 0 }); }

  // The first answer that is one: not none, and not a 5xx.
  async ask(method, uri, value, seconds = 60) {
    return until(`an answer to ${method} ${uri}`, async () => {
      const r = await this.once(method, uri, value);
      if (!r) await pause(10);
      return r;
    }, seconds);
  }
  async once(method, uri, value) {
    try {
      const r = await this.s.request(method, uri, { headers: value ? { 'content-type': 'application/json' } : {}, body: value && JSON.stringify(value), timeout: 10000 });
      if (r.status < 500) return r;
    } catch { /* no answer */ }
    this.unanswered++;
    return undefined;
  }
  async ok(method, uri, value) {
    const r = await this.ask(method, uri, value);
    if (r.status !== 200) throw new Error(`${method} ${uri}: ${r.status} ${r.text}`);
    return r.json;
  }

  async save(workflow) {
    const list = this.ledger.saves.get(workflow.workflowId) ?? [];
    const entry = { workflow, acked: false };
    this.ledger.saves.set(workflow.workflowId, [...list, entry]);
    await this.ok('POST', '/rpc/coordination/saveWorkflow', { json: { workflow } });
    entry.acked = true;
  }
  async queue(workflowId, runId, input, more = {}) {
    const entry = { runId, workflowId, input, acked: false, ...more };
    this.ledger.set(runId, entry);
    await this.ok('POST', '/rpc/coordination/queueRun', { json: { workflowId, runId, input } });
    entry.acked = true;
    return entry;
  }
  // Asked again, a cancel that went through says that the run has ended.
  async cancel(runId) {
    const r = await this.ask('POST', `${api}/runs/${runId}/cancel`, {});
    if (r.status !== 200 && r.json?.code !== 'RUN_ALREADY_ENDED') throw new Error(`${runId}: ${r.status} ${r.text}`);
    this.ledger.get(runId).cancelled = true;
  }
  // The next task, or undefined; a claim whose answer was lost is a lease that
  // has to run out.
  async claim(filter, agentId = 'teller') {
    const r = await this.once('POST', `${api}/tasks/claim`, { agentId, waitSeconds: 2, ...filter });
    if (r && r.status !== 200) throw new Error(r.text);
    return r?.json.task ?? undefined;
  }
  // verdict: taken, refused, or unknown where an answer was lost.
  async complete(task, output) {
    const answer = { output, verdict: 'unknown' };
    this.ledger.answers.set(task.taskId, [...(this.ledger.answers.get(task.taskId) ?? []), answer]);
    const before = this.unanswered;
    const r = await this.ask('POST', `${api}/tasks/${task.taskId}/complete`, { token: task.token, output });
    if (r.status === 200) answer.verdict = 'taken';
    else if (r.json?.code !== 'TASK_LEASE_LOST') throw new Error(`${task.taskId}: ${r.status} ${r.text}`);
    else if (this.unanswered === before) answer.verdict = 'refused';
    return answer.verdict;
  }
  // For a task that a person answers.  Asked again, one that went through says
  // that the task has been completed.
  async answer(task, output, by) {
    const answer = { output, verdict: 'unknown' };
    const before = this.unanswered;
    this.ledger.answers.set(task.taskId, [...(this.ledger.answers.get(task.taskId) ?? []), answer]);
    const r = await this.ask('POST', `${api}/tasks/${task.taskId}/answer`, { output, by });
    if (r.status === 200) answer.verdict = 'taken';
    else if (r.json?.code !== 'TASK_LEASE_LOST') throw new Error(`${task.taskId}: ${r.status} ${r.text}`);
    else if (this.unanswered === before) answer.verdict = 'refused';
  }
  async ended(runId, seconds = 60) {
    return until(`the end of ${runId}`, async () => {
      const r = await this.ask('GET', `${api}/runs/${runId}`);
      if (r.status !== 200) throw new Error(`${runId}: ${r.status} ${r.text}`);
      return ['completed', 'failed'].includes(r.json.run.status) && r.json.run;
    }, seconds);
  }
}
