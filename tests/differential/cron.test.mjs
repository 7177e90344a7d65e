// Schedules against croner, durations against a sum.
import test from 'node:test';
import { Cron } from 'croner';
import { Driver, compare } from './lib.mjs';

let driver;
test.before(() => { driver = new Driver(); });
test.after(() => driver.close());

const MONTHS = ['JAN', 'feb', 'Mar', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'mon', 'Tue', 'WED', 'THU', 'FRI', 'SAT'];
function field(d, min, max, names = []) {
  const one = () => { const n = min + d.below(max - min + 1); return names.length > 0 && d.chance(0.3) ? names[n - min] : String(n); };
  const range = () => { const a = min + d.below(max - min + 1), b = a + d.below(max - a + 1); return `${a}-${b}`; };
  const element = () => { const r = d.below(10); return r < 5 ? one() : r < 7 ? range() : r < 8 ? `${range()}/${1 + d.below(5)}` : `*/${1 + d.below(max)}`; };
  return d.chance(0.45) ? '*' : [element(), ...d.times(2, element)].join(',');
}
const expression = (d) => (d.chance(0.05)
  ? d.pick(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@hourly'])
  : [field(d, 0, 59), field(d, 0, 23), field(d, 1, 31), field(d, 1, 12, MONTHS), field(d, 0, 6, DAYS)].join(' '));
const moment = (d) => Date.UTC(2020, 0, 1) + d.below(12 * 366 * 86400) * 1000 + d.below(1000);
const FIVE_YEARS = 5 * 366 * 86400000;

function theirTicks({ text, from, zone }) {
  const cron = new Cron(text, { timezone: zone });
  const ticks = [];
  let at = new Date(from);
  for (let i = 0; i < 4; i++) {
    const next = cron.nextRun(at);
    if (next === null || next - at > FIVE_YEARS) { ticks.push('never'); break; }
    ticks.push(String(next.getTime()));
    at = next;
  }
  return ticks;
}
const ourTicks = async ({ text, from, zone }) => {
  const [, ...ticks] = (await driver.ask('cron', zone === 'UTC' ? text : `TZ=${zone} ${text}`, from)).map(String);
  return ticks;
};

test('a schedule in UTC has the ticks that croner finds', async () => {
  await compare(600, { salt: 31, make: (d) => ({ text: expression(d), from: moment(d), zone: 'UTC' }), theirs: theirTicks, ours: ourTicks });
});

/*
 * Where clocks change, the rules differ (lib/engine/cron.h): croner moves what
 * the clocks skip and may repeat.  So a case counts where none of its days has
 * another offset than the day before or after.
 */
const offset = (zone, ms) => new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(ms).find((p) => p.type === 'timeZoneName').value;
const steady = (zone, ms) => offset(zone, ms - 86400000) === offset(zone, ms + 86400000);
test('a schedule in a time zone has the ticks that croner finds', async () => {
  const zones = ['Europe/Paris', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'Pacific/Chatham', 'Africa/Casablanca', 'Asia/Tokyo'];
  await compare(150, {
    salt: 32,
    make: (d) => {
      const q = { text: expression(d), from: moment(d), zone: d.pick(zones) };
      const ticks = theirTicks(q);
      return ticks.every((t) => t !== 'never' && steady(q.zone, Number(t))) && steady(q.zone, q.from) ? q : undefined;
    },
    theirs: theirTicks, ours: ourTicks,
  });
});

test('what is no schedule is none here either', async () => {
  const JUNK = ['*', '/', '-', ',', '60', '24', '32', '13', '0', '7', '-1', ' ', 'JAN', 'MON', 'x', '99999999999', '1-', '5-1', '*/0', 'L', '#', 'W', '@', '?'];
  await compare(3000, {
    salt: 33,
    // Ours takes what the robfig dialect takes; theirs has seconds, L, W, #, 7 and more.
    make: (d) => { const text = d.damaged(expression(d), JUNK); return /[LW#?@+]|\b7\b|\//i.test(text) || text.trim().split(/\s+/).length !== 5 || text !== text.trim() ? undefined : { text, from: Date.UTC(2024, 0, 1), zone: 'UTC' }; },
    theirs: (q) => { try { return theirTicks(q); } catch { return ['bad']; } },
    ours: async (q) => { const [code, ...ticks] = (await driver.ask('cron', q.text, q.from)).map(String); return code === 'ok' ? ticks : ['bad']; },
  });
});

const UNITS = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000, w: 604800000 };
test('a duration is the sum of its parts', async () => {
  await compare(3000, {
    salt: 34,
    make: (d) => {
      const parts = [0, ...d.times(3, () => 0)].map(() => ({ n: d.below(d.chance(0.9) ? 100 : 1e6), f: d.chance(0.2) ? d.below(10) : 0, u: d.pick(Object.keys(UNITS)) }));
      return { text: parts.map(({ n, f, u }) => `${n}${f ? `.${f}` : ''}${u}`).join(''), ms: parts.reduce((sum, { n, f, u }) => sum + Math.floor(((n * 10 + f) * UNITS[u]) / 10), 0) };
    },
    // Ten thousand years are the limit.
    theirs: ({ ms }) => [ms > 315576000000000 ? '' : String(ms)],
    ours: async ({ text }) => [(await driver.ask('duration', text))[1].toString()],
  });
});
