// What the differential tests share: our program, and questions from a seed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const here = import.meta.dirname;
export const root = path.resolve(here, '../..');

// RAWR_SEED repeats a run, RAWR_CASE one case of it, RAWR_TIMES makes it longer.
export const seed = Number(process.env.RAWR_SEED ?? Math.floor(Math.random() * 2 ** 31));
const only = process.env.RAWR_CASE === undefined ? undefined : Number(process.env.RAWR_CASE);
const times = Number(process.env.RAWR_TIMES ?? 1);
console.log(`# RAWR_SEED=${seed}`);

// Numbers that a seed repeats (mulberry32), and choices made with them.
export class Dice {
  constructor(...seeds) {
    this.s = 0x9e3779b9;
    for (const x of seeds) { this.s = Math.imul(this.s ^ x, 0x85ebca6b) ^ (this.s >>> 13); this.next(); }
  }
  next() {
    this.s = (this.s + 0x6d2b79f5) | 0;
    let t = Math.imul(this.s ^ (this.s >>> 15), 1 | this.s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(n) { return Math.floor(this.next() * n); }
  chance(p) { return this.next() < p; }
  pick(list) { return list[this.below(list.length)]; }
  times(max, make) { return Array.from({ length: this.below(max + 1) }, (_, i) => make(i)); }
  // Text with a few characters lost, doubled, swapped or put in.
  damaged(text, with_) {
    const s = [...text];
    for (let n = 1 + this.below(3); n > 0; n--) {
      const at = this.below(s.length + 1);
      if (this.chance(0.4)) s.splice(at, 1);
      else if (this.chance(0.3)) s.splice(at, 0, s[this.below(s.length)] ?? 'x');
      else s.splice(at, this.below(2), this.pick(with_));
    }
    return s.join('');
  }
}

// Our program: a question is a list of strings and buffers, and so is an answer.
export class Driver {
  constructor() {
    const program = process.env.RAWR_DRIVER ?? path.join(root, 'build/san/driver');
    this.child = spawn(program, [path.join(here, 'contract.json')], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.waiting = [];
    this.chunks = [];
    this.bytes = 0;
    this.said = '';
    this.child.stderr.on('data', (d) => { this.said += d; });
    this.child.stdout.on('data', (d) => this.#take(d));
    this.child.stdin.on('error', () => {}); // the end says why
    this.child.on('close', (code) => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`the driver ended with ${code}: ${this.said}`));
    });
  }
  ask(...fields) {
    const parts = fields.map((f) => (Buffer.isBuffer(f) ? f : Buffer.from(String(f))));
    const head = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
    this.child.stdin.write(Buffer.concat([head(parts.length), ...parts.flatMap((p) => [head(p.length), p])]));
    return new Promise((resolve, reject) => {
      if (this.child.exitCode !== null) reject(new Error(`the driver has ended: ${this.said}`));
      this.waiting.push({ resolve, reject });
    });
  }
  #take(data) {
    this.chunks.push(data);
    const all = Buffer.concat(this.chunks);
    let at = 0;
    for (let next; (next = this.#frame(all, at)) !== undefined; at = next.end) this.waiting.shift().resolve(next.fields);
    this.chunks = [all.subarray(at)];
  }
  #frame(b, at) {
    if (b.length < at + 4) return undefined;
    const fields = [];
    let end = at + 4;
    for (let n = b.readUInt32LE(at); n > 0; n--) {
      if (b.length < end + 4) return undefined;
      const size = b.readUInt32LE(end);
      if (b.length < end + 4 + size) return undefined;
      fields.push(Buffer.from(b.subarray(end + 4, end + 4 + size)));
      end += 4 + size;
    }
    return { fields, end };
  }
  async close() {
    const done = new Promise((resolve) => { this.child.on('close', resolve); });
    this.child.stdin.end();
    assert.equal(await done, 0, this.said);
  }
}

/*
 * Ask both about as many cases as there should be.  make(dice) is a case, or
 * undefined; theirs and ours give what is compared.
 */
export async function compare(count, { make, theirs, ours, show = (x) => x, salt }) {
  const differences = [];
  let different = 0, asked = 0;
  const one = async (i) => {
    const question = make(new Dice(seed, salt, i));
    if (question === undefined) return;
    asked++;
    const [t, o] = await Promise.all([theirs(question), ours(question)]);
    if (JSON.stringify(t) === JSON.stringify(o)) return;
    different++;
    if (differences.length < 8) differences.push({ case: i, question: show(question), theirs: t, ours: o });
  };
  const IN_FLIGHT = 32;
  const cases = only === undefined ? Math.ceil(count * times) : 1;
  for (let i = 0; i < cases; i += IN_FLIGHT)
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, cases - i) }, (_, k) => one(only ?? i + k)));
  const text = differences.map((d) => JSON.stringify(d, null, 1)).join('\n');
  assert.ok(different === 0, `${different} of ${asked} differ (RAWR_SEED=${seed} RAWR_CASE=n repeats one):\n${text}`);
  assert.ok(asked > 0);
  return asked;
}
