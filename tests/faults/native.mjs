// Small C programs and preloads of ours, compiled when a test first needs one.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../lib/system.mjs';

const built = new Map();
let dir;

// The path of the program (or, with -shared among the flags, the library) that
// tests/faults/<name>.c is.
export function native(name, ...flags) {
  if (built.has(name)) return built.get(name);
  if (!dir) {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rawr-native-'));
    process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  }
  const file = path.join(dir, flags.includes('-shared') ? `${name}.so` : name);
  execFileSync('cc', ['-std=c17', '-O1', '-Wall', '-Wextra', '-o', file, path.join(root, `tests/faults/${name}.c`), ...flags]);
  built.set(name, file);
  return file;
}
export const preload = (name) => native(name, '-shared', '-fPIC', '-ldl');
