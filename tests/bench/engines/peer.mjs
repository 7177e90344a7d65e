// peer.mjs NAME DIRECTORY STEPS AT_ONCE - one engine and an app of its own,
// measured from inside, as ours is: commands come on stdin, a line each, and
// every one is answered by a line of JSON.
//	drain N   run N runs, AT_ONCE at a time: {ms}
//	one N     N runs one after the other: {msEach: [...]}
import readline from 'node:readline';

const [name, dir, steps, atOnce] = process.argv.slice(2);
const engine = await import(`./${name}.mjs`);
const e = await engine.start(dir, { steps: Number(steps), atOnce: Number(atOnce) });
const say = (v) => console.log(JSON.stringify(v));
const timed = async (what) => {
  const start = process.hrtime.bigint();
  await what();
  return Number(process.hrtime.bigint() - start) / 1e6;
};
const commands = {
  async drain(n) {
    let left = n;
    const client = async () => { while (left-- > 0) await e.run(); };
    return { ms: await timed(() => Promise.all(Array.from({ length: Number(atOnce) }, client))) };
  },
  async one(n) {
    const msEach = [];
    for (let i = 0; i < n; i++) msEach.push(await timed(() => e.run()));
    return { msEach };
  },
};

say({ name: engine.name, pids: e.pids });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [command, n] = line.split(' ');
  say(await commands[command](Number(n)));
}
await e.close();
process.exit(0);
