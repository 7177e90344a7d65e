// make install: what it lays down, and that systemd and nginx take it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { root } from '../lib/system.mjs';

const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-install-'));
const dest = path.join(tmp, 'dest');
const at = (p) => path.join(dest, p);
const units = '/usr/lib/systemd/system';
const responders = ['rpc', 'openapi', 'workflows', 'inngest', 'engine'];
const have = (command) => !spawnSync(command, ['--version']).error;
const run = (file, ...args) => {
  const r = spawnSync(file, args, { encoding: 'utf8', cwd: root });
  return { ok: r.status === 0, said: (r.stdout ?? '') + (r.stderr ?? '') };
};
const install = (...vars) => {
  const env = { ...process.env };
  for (const k of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MODE', 'RAWR_BIN']) delete env[k];
  return spawnSync('make', ['--no-print-directory', 'install', `DESTDIR=${dest}`, ...vars], { cwd: root, env, encoding: 'utf8', maxBuffer: 64 << 20 });
};

test.before(() => {
  const r = install();
  assert.equal(r.status, 0, r.stdout + r.stderr);
});
test.after(() => fs.rmSync(tmp, { recursive: true, force: true }));

const files = {
  755: ['/usr/bin/rawr', '/usr/libexec/rawr/rawr-runner', ...responders.map((r) => `/usr/libexec/rawr/${r}.fcgi`)],
  644: [
    ...responders.flatMap((r) => [`${units}/rawr-${r}.socket`, `${units}/rawr-${r}.service`]),
    `${units}/rawr-runner.service`, `${units}/rawr.target`, '/usr/lib/sysusers.d/rawr.conf', '/usr/lib/tmpfiles.d/rawr.conf',
    '/etc/rawr/rawr.env', '/etc/nginx/conf.d/rawr-http.conf', '/etc/nginx/snippets/rawr.conf', '/etc/nginx/snippets/rawr-engine.conf', '/etc/nginx/snippets/rawr-fastcgi.conf', '/etc/nginx/snippets/rawr-probe.conf',
    '/usr/share/doc/rawr/examples/nginx-site.conf', '/usr/share/doc/rawr/README.md', '/usr/share/rawr/rawr.hq.json',
    '/usr/share/rawr/plugins/web/hello/dist/web.js', '/usr/share/rawr/plugins/web/hello/package.json',
    '/usr/share/rawr/plugins/agents/coordination/plugin.json', '/usr/share/rawr/plugins/agents/coordination/skills/work-a-task/SKILL.md',
    '/usr/share/man/man1/rawr.1', '/usr/share/man/man8/rawr-runner.8', '/usr/share/man/man8/rawr-responders.8',
    '/usr/share/man/man5/rawr.conf.5', '/usr/share/man/man5/rawr.hq.json.5',
  ],
};
for (const [mode, list] of Object.entries(files))
  for (const f of list)
    test(`${f} is laid down with mode ${mode}`, () => {
      assert.equal((fs.statSync(at(f)).mode & 0o777).toString(8), mode);
    });

test('nothing is laid down outside DESTDIR and the places named here', () => {
  const found = execFileSync('find', [dest, '-type', 'f', '-printf', '/%P\n'], { encoding: 'utf8' }).trim().split('\n');
  const places = /^\/(usr\/(bin|libexec\/rawr|share\/(rawr|doc\/rawr|man)|lib\/(systemd\/system|sysusers\.d|tmpfiles\.d))|etc\/(rawr|nginx\/(conf\.d|snippets)))\//;
  assert.deepEqual(found.filter((f) => !places.test(f)), []);
});

test('the installed programs say their version', () => {
  for (const p of ['/usr/bin/rawr version', ...responders.map((r) => `/usr/libexec/rawr/${r}.fcgi --version`)]) {
    const [file, arg] = p.split(' ');
    assert.match(run(at(file), arg).said, /\d+\.\d+\.\d+/);
  }
});

test('a second installation keeps a configuration that was changed', () => {
  const file = at('/etc/rawr/rawr.env');
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, 'RAWR_AUTH=required\n');
  try {
    const r = install();
    assert.equal(r.status, 0, r.stderr);
    assert.equal(fs.readFileSync(file, 'utf8'), 'RAWR_AUTH=required\n');
    assert.equal(fs.readFileSync(`${file}.new`, 'utf8'), text);
    assert.match(r.stdout, /kept .*rawr\.env/);
  } finally {
    fs.writeFileSync(file, text);
    fs.rmSync(`${file}.new`, { force: true });
  }
});

test('the units follow PREFIX', () => {
  const other = path.join(tmp, 'other');
  const r = run(path.join(root, 'cli/install.sh'), other, '/opt/rawr');
  assert.ok(r.ok, r.said);
  const unit = fs.readFileSync(path.join(other, '/opt/rawr/lib/systemd/system/rawr-rpc.service'), 'utf8');
  assert.match(unit, /^ExecStart=\/opt\/rawr\/libexec\/rawr\/rpc\.fcgi$/m);
  assert.match(unit, /^Environment=RAWR_WEB_PLUGINS=\/opt\/rawr\/share\/rawr\/plugins\/web$/m);
  assert.doesNotMatch(unit, /\/usr\/(libexec|share)/);
});

test('a PREFIX that is not absolute is refused', () => {
  const r = run(path.join(root, 'cli/install.sh'), path.join(tmp, 'never'), 'opt');
  assert.equal(r.ok, false);
  assert.match(r.said, /PREFIX must begin with \//);
});

test('the sockets stand where nginx looks for them', () => {
  const http = fs.readFileSync(at('/etc/nginx/conf.d/rawr-http.conf'), 'utf8');
  for (const r of responders) {
    const listen = /^ListenStream=(.*)$/m.exec(fs.readFileSync(at(`${units}/rawr-${r}.socket`), 'utf8'))[1];
    assert.ok(http.includes(`unix:${listen};`), listen);
  }
});

// systemd: the units name programs by their final place, so they are checked
// with the place where this test has put them.
const services = [...responders.map((r) => `rawr-${r}.service`), 'rawr-runner.service'];
const noSystemd = !have('systemd-analyze') && 'no systemd-analyze';
function unitsInPlace() {
  const dir = path.join(tmp, 'units');
  fs.mkdirSync(dir, { recursive: true });
  for (const f of fs.readdirSync(at(units))) {
    const text = fs.readFileSync(at(path.join(units, f)), 'utf8').replaceAll('/usr/libexec/rawr', at('/usr/libexec/rawr'));
    fs.writeFileSync(path.join(dir, f), text);
  }
  return dir;
}

test('systemd-analyze verify has nothing to say about the units', { skip: noSystemd }, () => {
  const dir = unitsInPlace();
  const list = fs.readdirSync(dir).map((f) => path.join(dir, f));
  const r = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=one', ...list], { encoding: 'utf8' });
  const said = (r.stdout + r.stderr).split('\n').filter((l) => l.includes('rawr'));
  assert.deepEqual(said, []);
  assert.equal(r.status, 0, r.stderr);
});

for (const s of services) {
  const bound = s === 'rawr-runner.service' ? 15 : 5;
  test(`${s} has an exposure of at most ${bound / 10}`, { skip: noSystemd }, () => {
    const r = run('systemd-analyze', 'security', '--offline=true', '--no-pager', `--threshold=${bound}`, at(path.join(units, s)));
    assert.ok(r.ok, r.said);
  });
}

test('the user and the directories are what systemd understands', { skip: noSystemd }, () => {
  const inside = path.join(tmp, 'root');
  fs.mkdirSync(path.join(inside, 'etc'), { recursive: true });
  fs.mkdirSync(path.join(inside, 'usr'));
  const users = run('systemd-sysusers', `--root=${inside}`, at('/usr/lib/sysusers.d/rawr.conf'));
  assert.ok(users.ok, users.said);
  assert.match(fs.readFileSync(path.join(inside, 'etc/passwd'), 'utf8'), /^rawr:.*:\/var\/lib\/rawr:/m);
  if (process.getuid() !== 0) return; // only root may give directories away
  const dirs = run('systemd-tmpfiles', `--root=${inside}`, '--create', at('/usr/lib/tmpfiles.d/rawr.conf'));
  assert.ok(dirs.ok, dirs.said);
  assert.equal(fs.readlinkSync(path.join(inside, 'var/lib/rawr/run')), '/run/rawr');
  assert.equal(fs.statSync(path.join(inside, 'var/lib/rawr')).mode & 0o777, 0o750);
  const again = run('systemd-tmpfiles', `--root=${inside}`, '--create', at('/usr/lib/tmpfiles.d/rawr.conf'));
  assert.ok(again.ok, again.said);
});

for (const [what, more] of [['what was installed', ''], ['the engine API besides', '\n\tinclude snippets/rawr-engine.conf;']])
test(`nginx takes the example with ${what}`, () => {
  const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((f) => fs.existsSync(f)) ?? 'nginx';
  const dir = path.join(tmp, `nginx${more && '-engine'}`);
  fs.mkdirSync(path.join(dir, 'logs'), { recursive: true });
  fs.cpSync(at('/etc/nginx'), dir, { recursive: true });
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=rawr.example',
    '-keyout', path.join(dir, 'key.pem'), '-out', path.join(dir, 'cert.pem')], { stdio: 'ignore' });
  const site = fs.readFileSync(at('/usr/share/doc/rawr/examples/nginx-site.conf'), 'utf8')
    .replace(/ssl_certificate +\S+;/, `ssl_certificate ${dir}/cert.pem;`).replace(/ssl_certificate_key +\S+;/, `ssl_certificate_key ${dir}/key.pem;`)
    .replace(/include snippets\/rawr.conf;/, `$&${more}`);
  fs.writeFileSync(path.join(dir, 'site.conf'), site);
  const temp = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${dir}/${n};`).join(' ');
  fs.writeFileSync(path.join(dir, 'nginx.conf'),
    `pid ${dir}/nginx.pid;\nevents { }\nhttp { access_log off; ${temp}\ninclude conf.d/*.conf;\ninclude site.conf;\n}\n`);
  const r = run(nginx, '-t', '-p', dir, '-c', 'nginx.conf', '-e', 'logs/error.log');
  assert.ok(r.ok, r.said);
  assert.doesNotMatch(r.said, /\[(warn|emerg)\]/);
});
