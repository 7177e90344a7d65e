// A copy of the tree, to add plugins to or to break.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root } from './system.mjs';

// Every file that is not ignored, and what is built already; the files' names.
export function copyTree(tree) {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
    .toString().split('\0').filter((f) => f && fs.existsSync(path.join(root, f)));
  execFileSync('cp', ['-a', '--parents', ...files, tree], { cwd: root });
  const built = ['build/obj/hard', 'build/sqlite'].filter((f) => fs.existsSync(path.join(root, f)));
  if (built.length) execFileSync('cp', ['-a', '--parents', ...built, tree], { cwd: root });
  return files;
}

export function makeIn(tree, ...targets) {
  const env = { ...process.env };
  for (const k of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MODE', 'RAWR_BIN']) delete env[k];
  const r = spawnSync('make', ['--no-print-directory', 'WERROR=-Werror', ...targets], { cwd: tree, env, encoding: 'utf8', maxBuffer: 64 << 20 });
  return { ok: r.status === 0, said: r.stdout + r.stderr };
}
