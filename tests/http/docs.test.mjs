// What the documents say of the programs is what the programs say.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { bin, root } from '../lib/system.mjs';

const read = (f) => fs.readFileSync(path.join(root, f), 'utf8');
const pages = ['README.md', 'AGENTS.md', ...['docs', 'docs/decisions'].flatMap((d) => fs.readdirSync(path.join(root, d)).filter((f) => f.endsWith('.md')).map((f) => path.join(d, f)))];

test('docs/configuration.md holds the table that rawr settings prints', () => {
  const table = execFileSync(path.join(bin, 'rawr'), ['settings'], { env: {}, encoding: 'utf8' });
  assert.ok(read('docs/configuration.md').includes(table), `replace the table by:\n${table}`);
});

test('rawr.conf.5 names every setting', () => {
  const page = read('docs/man/rawr.conf.5');
  for (const [, name] of read('lib/base/settings.def').matchAll(/^HQ_SETTING_\w+\((\w+),/gm))
    assert.ok(page.includes(`.It Ev ${name}`), name);
});

test('rawr.1 names every command', () => {
  const page = read('docs/man/rawr.1');
  const help = execFileSync(path.join(bin, 'rawr'), ['--help'], { encoding: 'utf8' });
  for (const [, command] of help.matchAll(/^ {2}([a-z]+(?: [a-z]+)?)(?: [A-Z]+)? {2,}/gm))
    assert.ok(page.includes(`Ic ${command}`), command);
});

const value = (text) => Function(`return (${text})`)();
for (const [, name, said, file, , tested] of read('docs/limits.md').matchAll(/^\| `(\w+)` \| ([^|]+) \| `([^`]+)` \| ([^|]+) \| ([^|]*) ?\|$/gm))
  test(`${name} is ${said}, as docs/limits.md says`, () => {
    const m = new RegExp(`\\b${name} = ([0-9 <*]+)`).exec(read(file));
    assert.ok(m, `${file} does not define it`);
    assert.equal(value(m[1]), value(said));
    const t = /`([^`]+)`/.exec(tested);
    if (t) assert.ok(fs.existsSync(path.join(root, t[1])), t[1]);
  });

test('every limit that a header names stands in docs/limits.md', () => {
  const page = read('docs/limits.md');
  const headers = execFileSync('find', ['lib', 'fcgi', 'runner', 'cli', '-name', '*.h'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  for (const h of headers)
    for (const [, name] of read(h).matchAll(/\b(HQ_[A-Z0-9_]*[A-Z0-9]_MAX(?:_MS)?)\s*=/g))
      if (!name.endsWith('__MAX')) assert.ok(page.includes(`\`${name}\` |`), `${h}: ${name}`);
});

for (const page of pages)
  test(`the links of ${page} lead somewhere`, () => {
    for (const [, to] of read(page).replace(/```[\s\S]*?```/g, '').matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(fs.existsSync(path.join(root, path.dirname(page), to)), to);
  });

test('AGENTS.md has at most 150 lines', () => {
  assert.ok(read('AGENTS.md').split('\n').length <= 151);
});

test('the decisions are numbered without a gap', () => {
  const numbers = fs.readdirSync(path.join(root, 'docs/decisions')).filter((f) => f.endsWith('.md')).map((f) => Number(f.slice(0, 4))).sort((a, b) => a - b);
  assert.deepEqual(numbers, numbers.map((_, i) => i + 1));
});
