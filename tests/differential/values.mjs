// Values and texts that are hard for somebody.
export const STRINGS = ['', 'a', 'json', 'meta', 'maps', 'constructor', 'toString', 'toJSON', 'length', 'hasOwnProperty', '0', '1', '01', '-0', '4294967294', '4294967295', '1e3', '\u0000', '\ud800', '\udc00x', '😀', 'é', 'e\u0301', '\u2028', '\ufeff', '\u007f', '\n', '"', '\\', ' ', 'a b', 'a.b', 'a/b', '%41', '%', '+', '&', '=', '[', ']', '[]', 'a[b]', 'ſ', 'then', 'null', 'true', 'undefined', 'NaN', 'x'.repeat(300)];
export const NUMBERS = [0, -0, 1, -1, 2, 3, 7, 0.1, 1e21, 1e-7, 123456789012345680000, 5e-324, 1.7976931348623157e308, 9007199254740993, -2147483648, 4294967295, 1.5, 100, 0.000001, 1e300];
export const DATES = ['2024-02-29T12:30:00.000Z', '2024-02-30', '2023-02-29', '2024-13-01', '1970', '1970-01', '+275760-09-13T00:00:00.000Z', '+275760-09-13T00:00:00.001Z', '-000001-01-01T00:00:00.000Z', '-000000-01-01', '2024-01-01T24:00:00Z', '2024-01-01T24:00:01Z', '2024-01-01T10:00', '2024-01-01T10:00:60Z', '2024-01-01T10:00:00.1234567Z', '2024-01-01T10:00+02:00', '2024-01-01T10:00:00-23:59', '2024-01-01T10:00:00+24:00', 'x', '', '2024-01-01T10', '2024-1-1', '2024-01-01 10:00:00', 'Tue, 01 Jan 2024 10:00:00 GMT', '2024-01-01T10:00:00z', '2024-01-01t10:00:00Z', '20240101', '0000-01-01'];
// Without hosts that new URL() rewrites: meant.mjs.
export const URLS = ['http://h/a?b#c', 'HTTP://EXAMPLE.com:80/../a/./b', 'https://u:p@h:443/', 'https://u@h/', 'http://@h/', 'http://u:@h/', 'http://a@b@h/', 'http://[::1]:8/', 'http:/h', 'http:\\\\h\\a', 'mailto:a@b', 'mailto:a b ', 'data:,x', 'data:,x #y', 'javascript:1', 'file:///a/../b', 'file:a', 'file://h/a', 'x', '', '//h', 'http://', 'http:', 'http://h/ä?ö#ü', 'http://h/%zz', 'http://h:99999/', 'http://h:65535', 'http://h:00080/', 'http://h:', 'http://h:8a/', 'http://a b/', ' http://h/ ', 'http://h/\n\ta', 'ws://h:80/', 'wss://h:80/', 'ftp://h:21/', 'http://h/?a b\'"<>`', "x://h/?a'b", 'urn:x:y', 'http://h/a/..', 'http://h/%2e%2E/b', 'x://h', 'x://H:80', 'http://h?q', 'http://h#f', 'http://h/a//b/../c', 'http://h/a;b=1', 'http://h/{a}|\\b', 'http://h/\u0001', 'blob:http://h/x', 'http://h/?', 'http://h/#', 'h:', '1:a', 'a+b-.c:d', 'http://h_x/', 'http://-h/', 'http://h./'];
export const REGEXPS = ['/a/', '/a/g', '/a/gg', '/a/uv', '//', '/a', 'a/', '/a\nb/', '/a/b/dgimsuy', '', '/\\//', '/(?<n>a)/v', '/a/x', '/\u2028/', '/a/g\n', '/a[/]b/', '/\\\[/]/', '/[[/]/]/', '/a\\//u', '///'];
export const BIGINTS = ['0', '-0', '1', '-1', '01', '00', '+1', ' 1', '1 ', '', '-', '0x1', '1n', '123456789012345678901234567890', '-9223372036854775809', '9'.repeat(4300), '9'.repeat(4301), '0b1', '1e3', '1.0'];

const key = (d) => (d.chance(0.7) ? d.pick(['a', 'b', 'c', '0', '1', '2', '10']) : d.pick(STRINGS));

export function plain(d, depth = 3) {
  const r = d.below(depth > 0 ? 10 : 6);
  if (r === 0) return null;
  if (r === 1) return d.chance(0.5);
  if (r <= 3) return d.chance(0.7) ? d.below(5) : d.pick(NUMBERS);
  if (r <= 5) return d.pick(STRINGS);
  if (r <= 7) return d.times(4, () => plain(d, depth - 1));
  return Object.fromEntries(d.times(4, () => [key(d), plain(d, depth - 1)]));
}

// A value of a client: everything that the protocol has a tag for.
export function rich(d, depth = 3) {
  const r = d.below(depth > 0 ? 16 : 11);
  if (r <= 2) return plain(d, 0);
  if (r === 3) return BigInt(d.pick(BIGINTS.filter((s) => /^-?\d+$/.test(s) && s.length < 4300)));
  if (r === 4) return new Date(d.pick(DATES));
  if (r === 5) return NaN;
  if (r === 6) return undefined;
  if (r === 7) { const s = d.pick(URLS); return URL.canParse(s) ? new URL(s) : s; }
  if (r === 8) return d.pick([/a/, /[/\]]/giu, /(?<n>\/)\1/d, /\n/, new RegExp('/'), new RegExp(''), /é😀/u]);
  if (r === 9) return new File(['x'.repeat(d.below(4))], d.pick(['a', 'é"\\', 'a b.txt', 'blob']), { type: d.pick(['', 'text/plain', 'application/json']) });
  if (r === 10) return d.pick(STRINGS);
  if (r === 11) return new Set(d.times(4, () => rich(d, depth - 1)));
  if (r === 12) return new Map(d.times(4, () => [rich(d, depth - 1), rich(d, depth - 1)]));
  if (r <= 13) return d.times(4, () => rich(d, depth - 1));
  return Object.fromEntries(d.times(4, () => [key(d), rich(d, depth - 1)]));
}
