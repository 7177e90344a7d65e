// What a program that comes without knowing anything is told: the index, the
// API catalog, the pages of agents plugins.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { System, direct, root, until } from '../lib/system.mjs';

const catalogPath = '/.well-known/api-catalog';
const catalogType = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"';
const skill = '/rawr/plugins/agents/coordination/skills/work-a-task/SKILL.md';
const openapi = '/api/orpc/openapi.json';
const own = [catalogPath, '/llms.txt', skill];

let sys;
test.before(async () => { sys = await System.start(); });
test.after(() => sys.close());

const local = (url) => {
  assert.ok(url.startsWith(`${sys.base}/`), url);
  return url.slice(sys.base.length);
};

// RFC 9264, 4.2: a linkset, and nothing else.
const attributes = { hreflang: 'list', media: 'text', title: 'text', type: 'text', 'title*': 'objects' };
function checkTarget(t) {
  assert.equal(typeof t.href, 'string');
  new URL(t.href, 'http://x/');
  for (const [k, v] of Object.entries(t))
    if (k !== 'href') {
      if (attributes[k] === 'text') assert.equal(typeof v, 'string', k);
      else assert.ok(Array.isArray(v) && v.length > 0, k); // extensions too
    }
}
function checkLinkset(doc) {
  assert.deepEqual(Object.keys(doc), ['linkset']);
  assert.ok(Array.isArray(doc.linkset));
  for (const context of doc.linkset) {
    new URL(context.anchor); // absolute
    const relations = Object.entries(context).filter(([k]) => k !== 'anchor');
    assert.ok(relations.length > 0, context.anchor);
    for (const [relation, targets] of relations) {
      assert.match(relation, /^[a-z][a-z0-9.-]*$/);
      assert.ok(Array.isArray(targets) && targets.length > 0, relation);
      targets.forEach(checkTarget);
    }
  }
}
const catalog = async () => (await sys.get(catalogPath)).json.linkset;
const llms = async () => (await sys.get('/llms.txt')).text;

test('the catalog is a linkset of the profile of RFC 9727, and its HEAD names it', async () => {
  const r = await sys.get(catalogPath);
  assert.equal(r.status, 200);
  checkLinkset(r.json);
  const head = await sys.request('HEAD', catalogPath);
  assert.deepEqual([head.status, head.text], [200, '']);
  for (const h of [r, head].map((x) => x.headers)) {
    assert.equal(h['content-type'], catalogType);
    assert.equal(h.link, `<${catalogPath}>; rel="api-catalog"`);
    assert.equal(h['cache-control'], 'no-store');
  }
});

test('every item of the catalog is an API with a description, documentation and a status', async () => {
  const [first, ...apis] = await catalog();
  assert.equal(local(first.anchor), catalogPath);
  assert.deepEqual(first.item.map((i) => i.href), apis.map((a) => a.anchor));
  assert.deepEqual(apis.map((a) => local(a.anchor)), ['/api/orpc', '/api/workflows/coordination']);
  for (const a of apis) assert.deepEqual(Object.keys(a), ['anchor', 'service-desc', 'service-doc', 'status']);
  assert.deepEqual(apis[1]['service-doc'].map((d) => d.title), [undefined, 'add-a-capability', 'run-a-workflow', 'work-a-task', 'serve-a-desk']);
});

test('whatever the catalog leads to is there, of the type that it says', async () => {
  for (const a of (await catalog()).slice(1))
    for (const t of ['service-desc', 'service-doc', 'status'].flatMap((k) => a[k])) {
      const r = await sys.get(local(t.href));
      assert.equal(r.status, 200, t.href);
      assert.ok(r.headers['content-type'].startsWith(t.type), t.href);
    }
});

test('the documents that the catalog leads to describe the API at its anchor', async () => {
  for (const a of (await catalog()).slice(1)) {
    const { json } = await sys.get(local(a['service-desc'][0].href));
    assert.match(json.openapi, /^3\.1\./);
    assert.ok(Object.keys(json.paths).length > 0, a.anchor);
    for (const p of Object.keys(json.paths)) assert.ok(`${json.servers[0].url}${p}`.startsWith(a.anchor) || a.anchor.endsWith('/api/orpc'), p);
  }
});

// llmstxt.org: a title, a quotation, text without headings, then lists of links.
test('llms.txt has the form of its proposal, and every link of it leads somewhere', async () => {
  const r = await sys.get('/llms.txt');
  assert.equal(r.status, 200);
  assert.equal(r.headers['content-type'], 'text/markdown; charset=utf-8');
  const [intro, ...sections] = r.text.split(/^## /m);
  assert.match(intro, /^# \S.*\n\n> \S.*\n\n[^#]*$/);
  assert.deepEqual(sections.map((s) => s.split('\n')[0]), ['APIs', 'Skills', 'Workflows', 'Optional']);
  for (const s of sections) {
    const [, blank, ...lines] = s.trimEnd().split('\n');
    assert.equal(blank, '');
    for (const l of lines) {
      const m = /^- \[([^\]]+)\]\(([^)]+)\): \S/.exec(l);
      assert.ok(m, l);
      assert.equal((await sys.get(local(m[2]))).status, 200, l);
    }
  }
});

test('llms.txt names every skill with what its front matter says of it', async () => {
  const text = await llms();
  for (const [, name, url] of text.matchAll(/^- \[([^\]]+)\]\(([^)]*\/agents\/[^)]+)\)/gm)) {
    const page = (await sys.get(local(url))).text;
    assert.match(page, new RegExp(`^---\\nname: ${name}\\n`));
    assert.ok(text.includes(`: ${/^description: (.*)$/m.exec(page)[1]}\n`), name);
  }
});

test('nothing that is not published stands in either', async () => {
  for (const text of [await llms(), JSON.stringify(await catalog())])
    for (const secret of ['/rpc', '/api/inngest', 'plugins/web', 'plugins/cli', '/fn/register', '/v1', '/metrics']) assert.ok(!text.includes(secret), secret);
});

test('the page that is served is the file of the tree, as Markdown', async () => {
  const r = await sys.get(skill);
  assert.equal(r.text, fs.readFileSync(path.join(root, skill.slice('/rawr/'.length)), 'utf8'));
  assert.equal(r.headers['content-type'], 'text/markdown; charset=utf-8');
  assert.equal(r.headers['cache-control'], 'no-store');
  assert.equal((await sys.request('HEAD', skill)).text, '');
});

for (const p of ['', 'none/skills/work-a-task/SKILL.md', 'coordination', 'coordination/', 'coordination/plugin.json', 'coordination/skills/', 'coordination/skills/work-a-task',
  'coordination/skills/work-a-task/SKILL.md/', 'coordination/skills/work-a-task/SKILL.mdx', 'coordination/skills/%77ork-a-task/SKILL.md', 'coordination/skills//work-a-task/SKILL.md',
  'coordinatio/skills/work-a-task/SKILL.md', 'coordination%2fskills/work-a-task/SKILL.md', '..%2f..%2f..%2frpc/state/getRuntimeState', 'coordination/%00skills/work-a-task/SKILL.md'])
  test(`"${p}" is no page of an agents plugin`, async () => {
    const r = await sys.get(`/rawr/plugins/agents/${p}`);
    assert.ok([400, 404].includes(r.status), `${r.status}`);
    assert.doesNotMatch(r.text, /Work a task|"kind"/);
  });

for (const p of own)
  test(`${p} is only read`, async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) assert.equal((await sys.request(method, p)).status, 404, method);
  });

test('a plugin that is switched off leaves the index, the catalog and its pages, and comes back', async () => {
  const plugins = {
    '@rawr/plugin-agents-coordination': async () => [(await sys.get(skill)).status === 200, (await llms()).includes('work-a-task'), JSON.stringify(await catalog()).includes('work-a-task')],
    '@rawr/plugin-workflows-coordination': async () => [(await llms()).includes('/api/workflows/coordination'), JSON.stringify(await catalog()).includes('/api/workflows')],
    '@rawr/plugin-api-state': async () => [/OpenAPI 3\.1;.* state/.test(await llms())],
  };
  for (const [name, seen] of Object.entries(plugins))
    for (const [verb, want] of [['disable', false], ['enable', true]]) {
      assert.equal((await sys.rawr('plugins', verb, name)).code, 0);
      await until(`${verb} of ${name}`, async () => (await seen()).every((x) => x === want));
    }
});

test('with everything switched off both are still well-formed', async () => {
  await sys.rawr('plugins', 'disable', 'coordination');
  await sys.rawr('plugins', 'disable', 'state');
  try {
    const r = await until('an empty catalog', async () => { const x = await sys.get(catalogPath); return x.json.linkset.length < 2 && x; });
    checkLinkset(r.json);
    assert.doesNotMatch(await llms(), /openapi\.json|SKILL/);
  } finally {
    await sys.rawr('plugins', 'enable', 'coordination');
    await sys.rawr('plugins', 'enable', 'state');
  }
});

test('the URLs begin with RAWR_BASE_URL', () => {
  const env = { ...sys.env, RAWR_BASE_URL: 'https://api.example' };
  for (const uri of [catalogPath, '/llms.txt']) {
    const { text } = direct({ env }, 'openapi', { uri });
    assert.match(text, /https:\/\/api\.example\/api\/orpc\/openapi\.json/);
    assert.doesNotMatch(text, /127\.0\.0\.1/);
  }
});

test('who may read openapi.json may read these, and nobody else', async () => {
  const s = await System.create({ RAWR_AUTH: 'required' });
  const token = (kind) => `rawr_${kind}_test${kind}_${crypto.randomBytes(24).toString('hex').slice(0, 40)}`;
  const callers = { anonymous: {}, 'first party': { authorization: `Bearer ${token('fp')}` }, published: { authorization: `Bearer ${token('pub')}` }, signed: { 'x-inngest-signature': 't=1&s=0' } };
  await s.up();
  try {
    for (const [name, headers] of Object.entries(callers)) {
      const { status } = await s.get(openapi, headers);
      for (const p of own) assert.equal((await s.get(p, headers)).status, status, `${name} ${p}`);
    }
  } finally { await s.close(); }
});

// nginx reads these as one mount, the responder as another.
for (const [p, at] of [[`/rawr/plugins/agents/..\\..\\..\\api\\orpc\\state\\runtime`, 'backslashes'], ['/rawr/plugins/agents/x\\..\\..\\..\\..\\llms.txt', 'backslashes, to the index']])
  test(`a path disguised by ${at} is nobody's`, () => {
    // As nginx would hand it on: its client cannot send a backslash here.
    const r = direct({ env: { ...sys.env, RAWR_MOUNT: '/rawr/plugins/agents' } }, 'openapi', { uri: p });
    assert.equal(r.status, 404);
  });
