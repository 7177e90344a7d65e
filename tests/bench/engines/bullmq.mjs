// BullMQ on Redis, which writes and syncs its log before it answers.  A queue:
// a run is five jobs, each of which adds the next; nothing is memoised.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import net from 'node:net';
import { freePort, until } from '../../lib/system.mjs';
import { server, stop } from './start.mjs';

export const name = 'BullMQ on Redis, appendfsync always';

const answers = (port) =>
  new Promise((resolve) => {
    const s = net.connect(port, '127.0.0.1', () => { s.destroy(); resolve(true); });
    s.on('error', () => resolve(false));
  });

export async function start(dir, { steps, atOnce }) {
  const port = await freePort();
  const redis = server(dir, 'redis', 'redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always']);
  await until('Redis answers', () => answers(port));
  const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
  const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } });
  const ended = new Map();
  const worker = new Worker('bench', async (job) => {
    const { run, step } = job.data;
    if (step < steps) await queue.add('step', { run, step: step + 1 });
    else { ended.get(run)(); ended.delete(run); }
  }, { connection, concurrency: atOnce });
  await worker.waitUntilReady();
  let n = 0;
  return {
    pids: [redis.pid],
    run: () => new Promise((resolve, reject) => {
      const run = n++;
      ended.set(run, resolve);
      queue.add('step', { run, step: 1 }).catch(reject);
    }),
    async close() {
      await worker.close();
      await queue.close();
      connection.disconnect();
      await stop(redis);
    },
  };
}
