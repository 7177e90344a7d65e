// Each openapi.json, judged by tools that read such documents for a living.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { System } from '../lib/system.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const tool = (name) => path.join(here, 'node_modules/.bin', name);
const documents = ['/api/orpc/openapi.json', '/api/workflows/openapi.json', '/api/workflows/coordination/openapi.json'];
let sys, dir;

test.before(async () => {
  sys = await System.start();
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-documents-'));
});
test.after(async () => { fs.rmSync(dir, { recursive: true, force: true }); await sys.close(); });

for (const p of documents) {
  const file = () => path.join(dir, `${p.replaceAll('/', '_')}`);
  const load = async () => {
    const r = await sys.get(p);
    assert.equal(r.status, 200);
    fs.writeFileSync(file(), r.text);
    return r.json;
  };

  test(`${p} is valid OpenAPI 3.1`, async () => {
    const r = await new Validator().validate(await load());
    assert.ok(r.valid, JSON.stringify(r.errors));
  });

  test(`${p} has no errors for redocly lint`, async () => {
    await load();
    fs.writeFileSync(path.join(dir, 'redocly.yaml'), [
      'extends: [recommended]', 'rules:',
      '  security-defined: off', // who may call is the deployment's, not the document's
      '  operation-4xx-response: off', // undeclared errors are oRPC's, outside the document
      '  info-license: off', '  no-server-example.com: off', '  no-ambiguous-paths: warn', ''].join('\n'));
    const r = spawnSync(tool('redocly'), ['lint', '--config', path.join(dir, 'redocly.yaml'), file()], { encoding: 'utf8', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } });
    assert.equal(r.status, 0, r.stdout + r.stderr);
  });

  test(`${p} becomes types that compile`, async () => {
    await load();
    const types = `${file()}.d.ts`;
    execFileSync(tool('openapi-typescript'), [file(), '-o', types], { stdio: 'pipe' });
    execFileSync(tool('tsc'), ['--noEmit', '--strict', types], { stdio: 'pipe' });
    assert.match(fs.readFileSync(types, 'utf8'), /coordination\/workflows/);
  });
}
