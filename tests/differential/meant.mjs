/*
 * Differences on purpose.  Each has a part of the row of docs/protocol.md that
 * tells it, a question that shows that it is still there, and how the tests
 * leave it out.
 */
const NativeDate = Date;
// ECMA-262, 21.4.1.32: the only form of a date that is the same everywhere.
const ISO = /^(?:\d{4}|[+-]\d{6})(?:-\d\d(?:-\d\d)?)?(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/* From now on `new Date(text)` takes no other form than that one. */
export function onlyIsoDates() {
  globalThis.Date = class extends NativeDate {
    constructor(...args) {
      if (typeof args[0] === 'string' && (args.length !== 1 || !ISO.test(args[0]) || args[0].startsWith('-000000'))) super(NaN);
      else super(...args);
    }
  };
}

const json = (body, path = 'echo') => ({ method: 'POST', target: `/rpc/t/${path}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const batch = (item, origin = 'http://h') => ({
  method: 'POST', target: '/rpc/__batch__', headers: { 'x-orpc-batch': 'buffered', 'content-type': 'application/json' },
  body: JSON.stringify([{ ...item, url: `${origin}${item.url}` }]),
});

/* theirs and ours: the status, and a part of the body. */
export const differences = [
  { row: 'a date in another form', question: json({ json: '1 ', meta: [[1]] }), theirs: [200, '"2001-01-01T'], ours: [200, '"json":null,"meta":[[1]]'] },
  { row: "a URL's host is rewritten", question: json({ json: 'http://1.2.3/', meta: [[4]] }), theirs: [200, 'http://1.2.0.3/'], ours: [200, 'http://1.2.3/'] },
  { row: 'a RegExp that does not compile', question: json({ json: '/[/', meta: [[5]] }), theirs: [500, 'INTERNAL_SERVER_ERROR'], ours: [200, '"/[/"'] },
  { row: 'an item of `meta` that is an object', question: json({ json: 1, meta: [{ 0: 3 }] }), theirs: [400, 'Malformed'], ours: [200, '"json":1'] },
  { row: "a path's segment in `meta`", question: json({ json: { a: null }, meta: [[2, ['a']]] }), theirs: [200, '[2,"a"]'], ours: [400, 'Malformed'] },
  { row: 'an item of a batch reaches procedures beside the mount', question: batch({ url: '/rpct/echo', body: { json: 1 } }), theirs: [207, '"status":200'], ours: [207, '"status":404'] },
  { row: 'a batch runs whatever host its items name', question: batch({ url: '/rpc/t/echo', body: { json: 1 } }, 'http://x'), theirs: [207, '"status":200'], ours: [404, ''] },
  { row: 'a POST batch goes around the GET guard', question: batch({ url: '/rpc/t/echo', method: 'GET' }), theirs: [207, '"status":200'], ours: [207, '"status":405'] },
  { row: 'every method runs a procedure', question: { ...json({ json: 1 }), method: 'OPTIONS' }, theirs: [200, '"json":1'], ours: [405, 'METHOD_NOT_SUPPORTED'] },
];
