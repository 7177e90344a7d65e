// The official handlers over the procedures of contract.json, and requests.
import fs from 'node:fs';
import path from 'node:path';
import { OpenAPIHandler } from '@orpc/openapi/fetch';
import { ORPCError, os } from '@orpc/server';
import { RPCHandler } from '@orpc/server/fetch';
import { BatchHandlerPlugin } from '@orpc/server/plugins';
import { here } from './lib.mjs';

const { procedures } = JSON.parse(fs.readFileSync(path.join(here, 'contract.json'), 'utf8'));

// Files and streams as plain objects: what the driver makes of them.
function shown(v) {
  if (v instanceof File) return { name: v.name, type: v.type, size: v.size };
  if (v instanceof Blob) return { name: 'blob', type: v.type, size: v.size };
  if (v instanceof Set) return new Set([...v].map(shown));
  if (v instanceof Map) return new Map([...v].map(([k, x]) => [shown(k), shown(x)]));
  if (Array.isArray(v)) return Array.from(v, shown);
  if (v !== null && typeof v === 'object' && typeof v[Symbol.asyncIterator] === 'function') return {};
  if (v !== null && typeof v === 'object' && ![Date, URL, RegExp].some((c) => v instanceof c))
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shown(x)]));
  return v;
}

// What our schemas in contract.json ask for: an object with these members.
const schema = ({ type, required = [] }) => ({
  '~standard': {
    version: 1, vendor: 'test',
    validate: (value) => {
      const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
      return type === undefined || (isObject && required.every((k) => value[k] !== undefined)) ? { value } : { issues: [{ message: 'not so' }] };
    },
  },
});

const handlers = {
  gone: ({ input }) => { throw new ORPCError('IT_IS_GONE', { status: 410, message: 'it went', data: { in: shown(input) } }); },
  known: ({ input, errors }) => { throw errors.IT_IS_KNOWN({ data: { in: shown(input) } }); },
  boom: () => { throw new Error('disk sda3 is full'); },
};
const defined = (errors = {}) => Object.fromEntries(Object.entries(errors).filter(([, e]) => e.defined).map(([k, { status, message }]) => [k, { status, message }]));
const t = Object.fromEntries(Object.entries(procedures).map(([name, { route, input, errors }]) => [
  name, os.route(route).errors(defined(errors)).input(schema(input)).handler(handlers[name] ?? ((o) => shown(o.input)))]));

const rpc = new RPCHandler({ t }, { plugins: [new BatchHandlerPlugin()] });
const openapi = new OpenAPIHandler({ t });

export const names = Object.keys(procedures);
export const origin = 'http://h';

// Which issues a schema finds is the validator's, not the protocol's.
const told = (text) => text.replace(/("message":"Input validation failed","data":\{"issues":)\[.*?\](?=\})/g, '$1[]');

// A request is { method, target, headers: { name: value }, body?: string | Buffer }.
export async function official({ method, target, headers, body }) {
  const request = new Request(new URL(target, origin), { method, headers, body: body === undefined ? undefined : Buffer.from(body) });
  const handler = new URL(request.url).pathname.match(/^\/rpc(\/|$)/) ? [rpc, '/rpc'] : [openapi, '/api'];
  const r = await handler[0].handle(request, { prefix: handler[1] });
  if (!r.matched) return [404, '', ''];
  return [r.response.status, r.response.headers.get('content-type') ?? '', told(await r.response.text())];
}

const param = (name) => (name === 'content-type' ? 'CONTENT_TYPE' : `HTTP_${name.toUpperCase().replaceAll('-', '_')}`);

export async function own(driver, { method, target, headers, body }) {
  const params = Object.entries(headers).map(([k, v]) => Buffer.from(`${param(k)}=${v}`, 'latin1'));
  const [code, ...rest] = await driver.ask('http', body ?? '', `REQUEST_METHOD=${method}`, `REQUEST_URI=${target}`, 'HTTP_HOST=h', ...params);
  if (code.toString() !== 'ok') return [code.toString(), '', ''];
  return [Number(rest[0]), rest[1].toString(), told(rest[2].toString())];
}

export const show = ({ body, ...rest }) => ({ ...rest, body: body === undefined ? undefined : body.toString('latin1') });
