// The rows, as they come, and whether each one is within its target.
const HEAD = ['figure', 'ours', 'beside it', 'ratio', 'target', ''];
const WIDTHS = [40, 14, 34, 8, 10, 7];
const line = (cells) => console.log(cells.map((c, i) => String(c).padEnd(WIDTHS[i])).join(' ').trimEnd());

export const k = (n) => (n >= 10000 ? `${(n / 1000).toFixed(1)} k/s` : n >= 1000 ? `${(n / 1000).toFixed(2)} k/s` : `${n.toFixed(0)}/s`);
export const ms = (n) => `${n < 10 ? n.toFixed(2) : n.toFixed(0)} ms`;
export const us = (n) => `${n.toFixed(1)} us`;
export const mb = (n) => `${(n / 1048576).toFixed(1)} MB`;
export const kb = (n) => `${(n / 1024).toFixed(1)} KB`;

export class Table {
  constructor() { this.met = 0; this.missed = 0; line(HEAD); line(WIDTHS.map((w) => '-'.repeat(w))); }
  // Ours beside another.  target: {least} or {most}, of the ratio ours/other.
  ratio(figure, format, ours, name, other, target) {
    this.#row(figure, format(ours), `${name} ${format(other)}`, ours / other, target, 'x');
  }
  // Ours by itself.  target: {least} or {most}, in the figure's own unit.
  figure(figure, format, ours, target = {}, beside = '') {
    this.#row(figure, format(ours), beside, ours, target, '', format);
  }
  #row(figure, ours, beside, value, { least, most }, mark, format = (n) => `${Number(n.toFixed(2))}${mark}`) {
    const bound = least ?? most;
    const met = least !== undefined ? value >= least : most !== undefined ? value <= most : undefined;
    if (met !== undefined) this[met ? 'met' : 'missed']++;
    line([figure, ours, beside, mark ? `${value.toFixed(2)}x` : '',
      bound === undefined ? '' : `${least !== undefined ? '>=' : '<='} ${format(bound)}`, met === undefined ? '' : met ? 'met' : 'MISSED']);
  }
}
