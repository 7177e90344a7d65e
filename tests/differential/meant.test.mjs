// What differs on purpose still does, and docs/protocol.md says so.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { Driver, root } from './lib.mjs';
import { differences } from './meant.mjs';
import { official, own } from './rpc.mjs';

let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const page = fs.readFileSync(path.join(root, 'docs/protocol.md'), 'utf8');
const check = ([status, , body], [expected, part]) => {
  assert.equal(status, expected, body);
  assert.ok(body.includes(part), body);
};
for (const { row, question, theirs, ours } of differences)
  test(`on purpose: ${row}`, async () => {
    assert.ok(page.includes(`| ${row}`) || page.includes(`; ${row}`), 'docs/protocol.md does not tell it');
    check(await official(question), theirs);
    check(await own(driver, question), ours);
  });
