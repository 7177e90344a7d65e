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

export const differences = [];
export const meant = (where, question, theirs, ours) => differences.some((d) => d.where === where && d.covers(question, theirs, ours));
