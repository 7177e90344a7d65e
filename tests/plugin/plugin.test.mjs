// A capability added by following docs/plugins.md, and nothing else: its files
// and its commands are taken from that page, in a copy of the tree.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { copyTree, makeIn } from '../lib/tree.mjs';
import { root } from '../lib/system.mjs';

const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-plugin-'));
const page = fs.readFileSync(path.join(root, 'docs/plugins.md'), 'utf8');
const at = (file) => path.join(tree, file);
const read = (file) => fs.readFileSync(at(file), 'utf8');

const make = (...targets) => makeIn(tree, ...targets);
const mustMake = (...targets) => {
  const r = make(...targets);
  assert.ok(r.ok, r.said);
};

// "File `x`:" and the block that follows.
const filesOfThePage = Object.fromEntries([...page.matchAll(/^File `([^`]+)`:\n\n(`{3,})\w*\n([\s\S]*?)^\2$/gm)].map((m) => [m[1], m[3]]));
const digest = (file) => crypto.createHash('sha256').update(fs.readFileSync(at(file))).digest('hex');

let before, sys, lib;
const responders = ['rpc', 'openapi', 'workflows', 'inngest'];

test.before(async () => {
  const files = copyTree(tree);
  before = Object.fromEntries(files.map((f) => [f, digest(f)]));
  for (const [file, text] of Object.entries(filesOfThePage)) {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.writeFileSync(at(file), text);
  }
  mustMake('sync');
  mustMake('build');
  lib = await import(pathToFileURL(at('tests/lib/system.mjs')));
  sys = await lib.System.start();
});
test.after(async () => {
  await sys?.close();
  fs.rmSync(tree, { recursive: true, force: true });
});
const until = (what, f) => lib.until(what, f);

test('the page holds every file of a plugin of each kind', () => {
  for (const f of ['plugins/cli/notes/commands.c', 'plugins/agents/notes/skills/take-notes/SKILL.md', 'plugins/api/notes/plugin.json', 'plugins/api/notes/contract.json', 'plugins/api/notes/router.c', 'plugins/workflows/notes/router.c', 'plugins/web/notes-panel/dist/web.js', 'lib/domain/notes/notes.c'])
    assert.ok(f in filesOfThePage, f);
});

test('no file of the tree was touched but the manifest', () => {
  const touched = Object.keys(before).filter((f) => digest(f) !== before[f]);
  assert.deepEqual(touched, ['rawr.hq.json']);
});

test('the layer rules have nothing to say about the new files', () => {
  const r = spawnSync(at('tests/lint/layers.sh'), [tree], { encoding: 'utf8' });
  assert.doesNotMatch(r.stderr, /notes/);
});

test('the sources on the page are in the format of the tree', { skip: spawnSync('clang-format', ['--version']).error && 'no clang-format' }, () => {
  const c = Object.keys(filesOfThePage).filter((f) => /\.[ch]$/.test(f));
  const r = spawnSync('clang-format', ['--dry-run', '-Werror', ...c], { cwd: tree, encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
});

let noteId;
test('the new procedure answers on /api/orpc with its own status', async () => {
  const r = await sys.post('/api/orpc/notes', { text: 'three little words' });
  assert.equal(r.status, 201, r.text);
  assert.equal(r.json.note.text, 'three little words');
  noteId = r.json.note.noteId;
  assert.deepEqual((await sys.get(`/api/orpc/notes/${noteId}`)).json, r.json);
});

test('the new procedure answers on /rpc', async () => {
  const r = await sys.rpc('notes/add', { text: 'one' });
  assert.equal(r.status, 200, r.text);
  assert.equal((await sys.rpc('notes/get', { noteId: r.json.json.note.noteId })).json.json.note.text, 'one');
});

test('the new procedures stand in openapi.json, with their status and their defined error', async () => {
  const { json } = await sys.get('/api/orpc/openapi.json');
  assert.equal(json.paths['/notes'].post.operationId, 'notesAdd');
  assert.deepEqual(Object.keys(json.paths['/notes'].post.responses), ['201']);
  assert.match(JSON.stringify(json.paths['/notes/{noteId}'].get.responses['404']), /NOTE_NOT_FOUND/);
  assert.equal(json.paths['/notes/{noteId}/summary'], undefined, 'a workflows procedure is not published here');
});

test('the workflows procedure stands in the document of its capability', async () => {
  const { json } = await sys.get('/api/workflows/notes/openapi.json');
  assert.deepEqual(Object.keys(json.paths), ['/notes/{noteId}/summary']);
});

test('an error with "defined": true arrives as a defined error', async () => {
  const want = { defined: true, code: 'NOTE_NOT_FOUND', status: 404, message: 'note not found', data: { noteId: 'none' } };
  const rpc = await sys.rpc('notes/get', { noteId: 'none' });
  assert.equal(rpc.status, 404);
  assert.deepEqual(rpc.json.json, want);
  const api = await sys.get('/api/orpc/notes/none');
  assert.equal(api.status, 404);
  assert.deepEqual(api.json, want);
});

test('an error without "defined" arrives as one that is not', async () => {
  const r = await sys.get('/api/workflows/notes/none/summary');
  assert.equal(r.status, 404);
  assert.equal(r.json.defined, false);
  assert.equal(r.json.code, 'NOTE_NOT_FOUND');
});

test('input that does not fit the contract is refused with its issues', async () => {
  const r = await sys.post('/api/orpc/notes', { text: '' });
  assert.equal(r.status, 400);
  assert.equal(r.json.code, 'BAD_REQUEST');
  assert.deepEqual(r.json.data.issues.map((i) => i.path), [['text']]);
});

test('the durable function runs after the procedure that sends its event', async () => {
  const words = await until('the summary', async () => (await sys.get(`/api/workflows/notes/${noteId}/summary`)).json.words);
  assert.equal(words, 3);
});

const onRpc = async () => (await sys.rpc('notes/add', { text: 'x' })).status;
const onApi = async () => (await sys.post('/api/orpc/notes', { text: 'x' })).status;
const documented = async () => '/notes' in (await sys.get('/api/orpc/openapi.json')).json.paths;

for (const by of ['@acme/plugin-api-notes', 'notes'])
  test(`a plugin that is disabled by "${by}" leaves /rpc, /api/orpc and openapi.json without a restart, and comes back`, async () => {
    const pids = responders.map((r) => [sys.pid(r), ...sys.workers(r)]);
    assert.equal((await sys.rawr('plugins', 'disable', by)).code, 0);
    await until('404 on /rpc', async () => (await onRpc()) === 404);
    await until('404 on /api/orpc', async () => (await onApi()) === 404);
    await until('its end in openapi.json', async () => !(await documented()));
    assert.equal((await sys.get('/api/orpc/state/runtime')).status, 200, 'the others go on');
    assert.equal((await sys.rawr('plugins', 'enable', by)).code, 0);
    await until('200 on /rpc', async () => (await onRpc()) === 200);
    await until('201 on /api/orpc', async () => (await onApi()) === 201);
    await until('its place in openapi.json', documented);
    assert.deepEqual(responders.map((r) => [sys.pid(r), ...sys.workers(r)]), pids);
  });

test('a workflows plugin that is disabled leaves /rpc and /api/workflows and comes back', async () => {
  const there = async () => [(await sys.rpc('notes/getSummary', { noteId })).status, (await sys.get(`/api/workflows/notes/${noteId}/summary`)).status].join();
  assert.equal((await sys.rawr('plugins', 'disable', '@acme/plugin-workflows-notes')).code, 0);
  await until('404 on both', async () => (await there()) === '404,404');
  assert.equal((await sys.rawr('plugins', 'enable', '@acme/plugin-workflows-notes')).code, 0);
  await until('200 on both', async () => (await there()) === '200,200');
});

test('a plugin that nobody has cannot be switched', async () => {
  const r = await sys.rawr('plugins', 'disable', '@acme/nothing');
  assert.equal(r.code, 3);
  assert.equal(r.doc.error.code, 'NOT_FOUND');
});

test('a web plugin is 404 until it is enabled, and 404 again once it is disabled', async () => {
  const get = () => sys.get('/rawr/plugins/web/notes-panel');
  assert.equal((await get()).status, 404);
  assert.equal((await sys.rawr('plugins', 'enable', '@acme/plugin-web-notes')).code, 0);
  const r = await until('the module', async () => { const x = await get(); return x.status === 200 && x; });
  assert.equal(r.text, filesOfThePage['plugins/web/notes-panel/dist/web.js']);
  assert.match(r.headers['content-type'], /^text\/javascript/);
  assert.equal((await sys.rawr('plugins', 'disable', '@acme/plugin-web-notes')).code, 0);
  await until('404', async () => (await get()).status === 404);
});

const agents = '/rawr/plugins/agents/notes/skills/take-notes';
test('the new skill and what it refers to are served, until the plugin is disabled', async () => {
  for (const f of ['SKILL.md', 'references/words.md']) {
    const r = await sys.get(`${agents}/${f}`);
    assert.equal(r.text, filesOfThePage[`plugins/agents/notes/skills/take-notes/${f}`]);
    assert.equal(r.headers['content-type'], 'text/markdown; charset=utf-8');
  }
  const status = async () => (await sys.get(`${agents}/SKILL.md`)).status;
  assert.equal((await sys.rawr('plugins', 'disable', '@acme/plugin-agents-notes')).code, 0);
  await until('404', async () => (await status()) === 404);
  assert.equal((await sys.rawr('agents', 'show', 'take-notes')).code, 3);
  assert.equal((await sys.rawr('plugins', 'enable', '@acme/plugin-agents-notes')).code, 0);
  await until('200', async () => (await status()) === 200);
  assert.equal((await sys.rawr('agents', 'show', 'take-notes')).doc.result.text, filesOfThePage['plugins/agents/notes/skills/take-notes/SKILL.md']);
});

test('the new commands are listed, helped with and completed', async () => {
  const { commands } = (await sys.rawr('commands')).doc.result;
  const get = commands.find((c) => c.name === 'notes get');
  assert.deepEqual(get, { name: 'notes get', args: 'NOTE', min_args: 1, max_args: 1, summary: 'read a note', mutates: false, options: [{ name: '--loud', text: 'in capitals' }], plugin: '@acme/plugin-cli-notes' });
  assert.equal(commands.find((c) => c.name === 'notes add').mutates, true);
  assert.match(execFileSync(at('build/rawr'), ['--help'], { encoding: 'utf8' }), /^ {2}notes add TEXT +add a note$/m);
  assert.match(execFileSync(at('build/rawr'), ['notes', 'get', '--help'], { encoding: 'utf8' }), /^ {2}--loud +in capitals$/m);
  const { script } = (await sys.rawr('completion', 'bash')).doc.result;
  const words = execFileSync('bash', ['-c', `${script}
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rawr; echo "\${COMPREPLY[*]}"; }
    try rawr no; try rawr notes ''; try rawr notes get x --l`], { encoding: 'utf8' });
  assert.equal(words, 'notes\nadd get\n--loud\n');
});

test('the new commands keep to what every command keeps to', async () => {
  const count = async () => (await sys.rawr('db', 'size')).doc.result.rows.notes_note;
  const before = await count();
  const dry = await sys.rawr('notes', 'add', 'three little words', '--dry-run');
  assert.deepEqual([dry.code, dry.doc.dry_run, dry.doc.result.note.text], [0, true, 'three little words'], JSON.stringify(dry.doc));
  assert.equal(await count(), before);
  const added = await sys.rawr('notes', 'add', 'three little words');
  assert.deepEqual([added.code, added.doc.command], [0, 'notes add']);
  const id = added.doc.result.note.noteId;
  assert.equal(execFileSync(at('build/rawr'), ['notes', 'get', id, '--loud'], { env: sys.env, cwd: tree, encoding: 'utf8' }), `${id}: THREE LITTLE WORDS\n`);
  await until('the summary', async () => (await sys.get(`/api/workflows/notes/${id}/summary`)).json.words === 3);
  for (const [args, code, name] of [[['notes', 'get', 'none'], 3, 'NOTE_NOT_FOUND'], [['notes', 'add', ''], 2, 'BAD_REQUEST'], [['notes', 'add'], 2, 'BAD_REQUEST'], [['notes', 'add', 'x', '--loud'], 2, 'BAD_REQUEST'], [['notes'], 2, 'BAD_REQUEST']]) {
    const r = await sys.rawr(...args);
    assert.deepEqual([r.code, r.doc.error.code], [code, name], args.join(' '));
  }
});

test('a command whose plugin is off does not run, and says how to switch it on', async () => {
  assert.equal((await sys.rawr('plugins', 'disable', '@acme/plugin-cli-notes')).code, 0);
  const r = await sys.rawr('notes', 'add', 'x');
  assert.deepEqual([r.code, r.doc.error.code, r.doc.error.message], [5, 'CONFLICT', 'notes add is of a plugin that is off: rawr plugins enable @acme/plugin-cli-notes']);
  assert.equal((await sys.rawr('plugins', 'enable', '@acme/plugin-cli-notes')).code, 0);
  assert.equal((await sys.rawr('notes', 'add', 'x')).code, 0);
});

test('the new capability stands in the index and the catalog by itself', async () => {
  const { text } = await sys.get('/llms.txt');
  for (const p of ['/api/workflows/notes/openapi.json', `${agents}/SKILL.md`]) assert.ok(text.includes(`(${sys.base}${p})`), text);
  assert.match(text, /api\/orpc\/openapi\.json\): OpenAPI 3\.1; coordination, notes, state/);
  assert.doesNotMatch(text, /words\.md|notes-panel|plugin-cli/);
  const { linkset } = (await sys.get('/.well-known/api-catalog')).json;
  const docs = linkset.find((c) => c.anchor === `${sys.base}/api/workflows/notes`)['service-doc'].map((d) => d.href.slice(sys.base.length));
  assert.deepEqual(docs, ['/llms.txt', `${agents}/SKILL.md`]);
});

test('the skill that tells how to add a capability tells it right', async () => {
  const { text } = await sys.get('/rawr/plugins/agents/coordination/skills/add-a-capability/SKILL.md');
  const script = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((m) => m[1]).join('\n');
  const env = { ...sys.env, RAWR_BASE_URL: sys.base };
  delete env.RAWR_BIN; // of the tree that was copied
  const r = await new Promise((resolve) =>
    execFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: tree, env }, (e, stdout, stderr) => resolve({ code: e ? e.code : 0, said: stdout + stderr })));
  assert.equal(r.code, 0, r.said);
  for (const m of [/on +agents +@acme\/plugin-agents-notes/, /^- \[take-notes\]/m]) assert.match(r.said, m);
  for (const [f] of text.matchAll(/docs\/\w+\.md|AGENTS\.md/g)) assert.ok(fs.existsSync(at(f)), f);
});

test('every plugin is listed as on or off', async () => {
  const { doc } = await sys.rawr('plugins', 'list');
  const on = Object.fromEntries(doc.result.plugins.map((p) => [`${p.kind} ${p.name}`, p.enabled]));
  assert.equal(on['api @acme/plugin-api-notes'], true);
  assert.equal(on['workflows @acme/plugin-workflows-notes'], true);
  assert.equal(on['web @acme/plugin-web-notes'], false);
  assert.equal(on['agents @acme/plugin-agents-notes'], true);
  assert.equal(on['cli @acme/plugin-cli-notes'], true);
});

test('the fields templateRole, channel, publishTier and published change nothing', () => {
  const file = 'plugins/api/notes/plugin.json', text = read(file), manifest = read('rawr.hq.json');
  const legacy = { ...JSON.parse(text), templateRole: 'x', channel: 'beta', publishTier: 3, published: false };
  legacy.rawr = { ...legacy.rawr, templateRole: 'x', channel: 'beta', publishTier: 3, published: false };
  fs.writeFileSync(at(file), JSON.stringify(legacy));
  try {
    mustMake('sync');
    assert.equal(read('rawr.hq.json'), manifest);
    mustMake('build');
  } finally { fs.writeFileSync(at(file), text); }
});

// From here on the tree is broken on purpose, one way at a time.
const edit = (file, f) => () => {
  const text = read(file);
  fs.writeFileSync(at(file), f(text));
  return () => fs.writeFileSync(at(file), text);
};
const json = (file, f) => edit(file, (text) => { const o = JSON.parse(text); f(o); return JSON.stringify(o, null, 2); });
const away = (file) => () => {
  fs.renameSync(at(file), at('aside'));
  return () => fs.renameSync(at('aside'), at(file));
};
const added = (dir, files) => () => {
  fs.mkdirSync(at(dir), { recursive: true });
  for (const [f, text] of Object.entries(files)) fs.writeFileSync(at(path.join(dir, f)), text);
  return () => fs.rmSync(at(dir), { recursive: true });
};
const cli = 'plugins/cli/notes', commandsJson = `${cli}/commands.json`, commandsC = `${cli}/commands.c`;
const api = 'plugins/api/notes', agentsDir = 'plugins/agents/notes', skill = `${agentsDir}/skills/take-notes/SKILL.md`;
const outOfStep = (dir) => `rawr.hq.json is out of step with plugins/ (${dir}): run \`make sync\` and commit the result`;
const broken = {
  'a procedure without a handler': [edit(`${api}/router.c`, (t) => t.replace('\t{ "get", hq_notes_get },\n', '')),
    'plugins/api/notes: procedure get has no handler: bind one in router.c'],
  'a handler without a procedure': [json(`${api}/contract.json`, (o) => { delete o.procedures.get; }),
    'plugins/api/notes: handler get has no procedure: declare it in contract.json or drop it from router.c'],
  'a missing kind': [json(`${api}/plugin.json`, (o) => { delete o.rawr.kind; }),
    'plugins/api/notes/plugin.json: "rawr"."kind" must be "api", the directory it stands in'],
  'a kind that is not the directory': [json(`${api}/plugin.json`, (o) => { o.rawr.kind = 'workflows'; }),
    'plugins/api/notes/plugin.json: "rawr"."kind" must be "api", the directory it stands in'],
  'a missing capability': [json(`${api}/plugin.json`, (o) => { delete o.rawr.capability; }),
    'plugins/api/notes/plugin.json: "rawr"."capability" must name the capability in lower-case letters, digits and "-"'],
  'no "rawr" at all': [json(`${api}/plugin.json`, (o) => { delete o.rawr; }),
    'plugins/api/notes/plugin.json: "rawr"."kind" must be "api", the directory it stands in'],
  'a missing name': [json(`${api}/plugin.json`, (o) => { delete o.name; }),
    'plugins/api/notes/plugin.json: "name" must be a package name; write e.g. "name": "@acme/plugin-x"'],
  'a missing contract': [away(`${api}/contract.json`), 'plugins/api/notes: has no contract.json; see docs/plugins.md'],
  'an object of another name': [edit(`${api}/router.c`, (t) => t.replaceAll('hq_plugin_api_notes', 'hq_plugin_notes')),
    'plugins/api/notes/router.c: must define `const struct hq_plugin hq_plugin_api_notes`'],
  'a misspelt key': [json(`${api}/contract.json`, (o) => { o.procedures.get.inptu = {}; }), 'unknown key "inptu"', 'plugins/api/notes: notes.get: unknown key "inptu"'],
  'a reference that leads nowhere': [json(`${api}/contract.json`, (o) => { o.procedures.get.input = { $ref: '#/types/Nope' }; }),
    'plugins/api/notes/contract.json: $ref "#/types/Nope" leads nowhere'],
  'a plugin that is not in the manifest': [added('plugins/web/extra', { 'plugin.json': '{"name":"@acme/extra","rawr":{"kind":"web","capability":"extra"}}' }), outOfStep('plugins/web/extra'), null],
  'a plugin that only the manifest has': [json('rawr.hq.json', (o) => { o.plugins.push({ name: '@acme/gone', kind: 'web', capability: 'gone', dir: 'plugins/web/gone' }); }), outOfStep('plugins/web/gone'), null],
  'a manifest edited by hand': [json('rawr.hq.json', (o) => { o.plugins.find((p) => p.dir === api).capability = 'other'; }), outOfStep(api)],
  'a plugin directory that was removed': [away('plugins/web/notes-panel'), outOfStep('plugins/web/notes-panel'), null],
  'a command without a function': [edit(commandsC, (t) => t.replace('{ "notes get"', '{ "notes got"')), `${cli}: command notes get has no function: bind one in commands.c`],
  'a function without a command': [json(commandsJson, (o) => { delete o.commands['notes get']; }), `${cli}: function notes get has no command: declare it in commands.json or drop it from commands.c`],
  'a misspelt key of a command': [json(commandsJson, (o) => { o.commands['notes get'].sumary = 'x'; }), `${cli}: notes get: unknown key "sumary"`],
  'a command with a word of rawr itself': [json(commandsJson, (o) => { o.commands['tasks get'] = o.commands['notes get']; }), `${cli}: tasks get: tasks is a word of rawr's own: begin with another`],
  'a command called as one of rawr itself': [json(commandsJson, (o) => { o.commands.version = o.commands['notes get']; }), `${cli}: version: version is a word of rawr's own: begin with another`, null],
  'a command with another plugin\'s word': [json(commandsJson, (o) => { o.commands.work = o.commands['notes get']; }), `${cli}: work: plugins/cli/coordination has commands that begin so, too: rename one`, null],
  'a command that is the first word of another': [json(commandsJson, (o) => { o.commands.notes = o.commands['notes get']; }), `${cli}: notes: notes cannot be a command and the first word of others`, null],
  'an option of every command': [json(commandsJson, (o) => { o.commands['notes get'].options[0].name = '--json'; }), `${cli}: notes get: --json is an option of every command`],
  'a cli plugin without its object': [edit(commandsC, (t) => t.replaceAll('hq_plugin_cli_notes', 'hq_plugin_notes')), `${commandsC}: must define \`const struct hq_cli_plugin hq_plugin_cli_notes\``],
  'a cli plugin without commands': [away(commandsJson), `${cli}: has no commands.json; see docs/plugins.md`, null],
  'an agents plugin without a page': [away(`${agentsDir}/skills`), `${agentsDir}: has no skills/<name>/SKILL.md and no workflows/<name>.md; see docs/plugins.md`],
  'a skill without front matter': [edit(skill, (t) => t.replace('---\n', '')), `${skill}: must begin with "---", name, description, "---"`],
  'a skill of another name than its directory': [edit(skill, (t) => t.replace('name: take-notes', 'name: notes')), `${skill}: "name" must be take-notes, in lower-case letters, digits and single "-"`],
  'a skill without a description': [edit(skill, (t) => t.replace(/^description: .*\n/m, '')), `${skill}: "description" must be one line, plain or in "double quotes", of 1 to 1024 bytes`],
  'a link of a skill that leads nowhere': [edit(skill, (t) => t.replace('references/words.md', 'gone.md')), `${skill}: the link gone.md must lead to a page in the same directory or below, or be a whole URL`],
  'a skill with a file that is no Markdown': [added(`${agentsDir}/skills/take-notes/x`, { 'run.sh': 'x' }), `${agentsDir}/skills/take-notes/x/run.sh: only Markdown stands here: regular files <name>.md, no links`, 'only Markdown stands here: regular files <name>.md, no links'],
  'two plugins of one name': [added('plugins/web/extra', { 'plugin.json': '{"name":"@acme/plugin-api-notes","rawr":{"kind":"web","capability":"extra"}}' }),
    'plugins/api/notes and plugins/web/extra claim the same name or capability: rename one', null],
};
for (const [what, [damage, message, onPage = message]] of Object.entries(broken))
  test(`${what} fails the build with a message that says what to do`, () => {
    const restore = damage();
    try {
      const r = make('build');
      assert.equal(r.ok, false);
      assert.ok(r.said.includes(message), r.said);
      if (onPage) assert.ok(page.includes(onPage), `docs/plugins.md does not list: ${onPage}`);
    } finally { restore(); }
  });

test('a plugin with a fault takes no command of rawr\'s own away', () => {
  const restore = json(commandsJson, (o) => { o.commands['notes get'].sumary = 'x'; })();
  try {
    assert.equal(make('build').ok, false);
    assert.equal(spawnSync(at('build/rawr'), ['version']).status, 0);
    const r = spawnSync(at('build/rawr'), ['notes', 'get', 'x'], { encoding: 'utf8' });
    assert.equal(r.status, 2);
    assert.match(r.stderr, /notes get: unknown key "sumary"/);
  } finally { restore(); }
});

test('drift has an exit status of its own', () => {
  const restore = json('rawr.hq.json', (o) => { o.plugins.pop(); })();
  try {
    const r = spawnSync(at('build/rawr'), ['hq', 'check', '--root', tree], { encoding: 'utf8' });
    assert.equal(r.status, 8, r.stderr);
  } finally { restore(); }
});

test('the tree builds again once the faults are gone', () => {
  mustMake('build');
});
