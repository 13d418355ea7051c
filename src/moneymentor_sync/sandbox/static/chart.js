// Draws one chart as SVG: columns, lines and areas against a left and a right axis. Texts are strangers' and are
// only ever set as text. Pure but for making elements: a description goes in, an element comes out.

const SVG = "http://www.w3.org/2000/svg";
const TICKS = 5;
const LETTER = 6.2; // pixels, about, of the small text
const GAP = 12;
const LINE = 16; // height of a line of text

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const wide = (text) => text.length * LETTER;
const cut = (text, room) => (wide(text) <= room ? text : `${text.slice(0, Math.max(1, Math.floor(room / LETTER) - 1))}…`);

/** Round numbers from below the least to above the most of `values`, 0 among them. */
export function ticks(values) {
  const least = Math.min(0, ...values);
  const most = Math.max(0, ...values);
  if (least === most) return [0, 1];
  const rough = (most - least) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.floor(least / step); at <= Math.ceil(most / step - 1e-9); at += 1) found.push(at * step);
  return found;
}

const shown = (number) => Number(number.toPrecision(12)).toLocaleString("en");

/** One value axis: where a number lies, and its marks. */
class Scale {
  constructor(series, stacked, top, bottom) {
    const columns = series.filter(({ kind }) => stacked && kind === "column");
    const sums = (columns[0]?.values ?? []).map((_, at) => columns.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
    const values = [...series.flatMap(({ values }) => values.filter((value) => value !== null)), ...sums];
    this.ticks = ticks(values);
    this.width = Math.max(...this.ticks.map((tick) => wide(shown(tick)))) + 8;
    Object.assign(this, { top, bottom, low: this.ticks[0], high: this.ticks.at(-1) });
  }

  y(value) {
    return this.bottom - ((value - this.low) / (this.high - this.low)) * (this.bottom - this.top);
  }
}

/** The chart as an `<svg>`; what it is of is said in `chartview.py`. */
export function draw(chart) {
  const { width, height, title, subtitle } = chart;
  const name = [title, subtitle].filter(Boolean).join(", ");
  const root = element("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Chart: ${name}` });
  let top = GAP;
  for (const [text, kind] of [[title, "title"], [subtitle, "subtitle"]]) {
    if (!text) continue;
    top += LINE;
    root.append(element("text", { x: GAP, y: top, class: kind }, cut(text, (width - 2 * GAP) / (kind === "title" ? 1.4 : 1))));
    top += 4;
  }
  if (chart.missing) {
    root.append(element("text", { x: width / 2, y: height / 2, class: "middle" }, chart.missing));
    return root;
  }
  top += GAP;
  if (chart.legend === "top") top = legend(root, chart, top) + GAP;
  let bottom = height - GAP;
  if (chart.legend !== "top" && chart.legend !== "no") {
    legend(root, chart, bottom);
    bottom -= LINE + 4;
  }
  if (chart.axes.bottom) {
    root.append(element("text", { x: width / 2, y: bottom, class: "middle" }, chart.axes.bottom));
    bottom -= LINE;
  }
  plot(root, chart, { top, bottom: bottom - LINE - 4 });
  return root;
}

function legend(root, { series, width }, y) {
  const room = (width - 2 * GAP) / Math.max(1, series.length);
  const texts = series.map(({ title }) => cut(title || "–", room - 22));
  const total = texts.reduce((sum, text) => sum + wide(text) + 30, 0);
  let x = Math.max(GAP, (width - total) / 2);
  series.forEach(({ kind, color }, at) => {
    const mark = kind === "line"
      ? element("rect", { x, y: y - 5, width: 12, height: 3, fill: color })
      : element("rect", { x, y: y - 9, width: 12, height: 10, fill: color });
    root.append(mark, element("text", { x: x + 17, y }, texts[at]));
    x += wide(texts[at]) + 30;
  });
  return y;
}

function plot(root, chart, { top, bottom }) {
  const { width, series, labels, axes, stacked } = chart;
  const scales = {};
  for (const side of ["left", "right"]) {
    const own = series.filter(({ axis }) => axis === side);
    if (own.length) scales[side] = new Scale(own, stacked, top, bottom);
  }
  const main = scales.left ?? scales.right;
  if (!main) return;
  const edge = (side) => GAP + (scales[side]?.width ?? 0) + (axes[side] ? LINE : 0);
  const [left, right] = [edge("left"), width - edge("right")];
  for (const tick of main.ticks) {
    const y = main.y(tick);
    root.append(element("line", { x1: left, x2: right, y1: y, y2: y, class: tick === 0 ? "zero" : "rule" }));
  }
  for (const [side, scale] of Object.entries(scales)) {
    const x = side === "left" ? left - 6 : right + 6;
    for (const tick of scale.ticks) {
      root.append(element("text", { x, y: scale.y(tick) + 4, class: side === "left" ? "end" : "start" }, shown(tick)));
    }
    if (axes[side]) {
      const [at, middle] = [side === "left" ? GAP + 8 : width - GAP, (top + bottom) / 2];
      root.append(element("text", { x: at, y: middle, class: "middle", transform: `rotate(-90 ${at} ${middle})` }, axes[side]));
    }
  }
  const count = Math.max(1, labels.length, ...series.map(({ values }) => values.length));
  const band = (right - left) / count;
  const middle = (at) => left + band * (at + 0.5);
  write(root, labels, band, middle, bottom + LINE);
  const columns = series.filter(({ kind }) => kind === "column");
  const beside = stacked ? 1 : Math.max(1, columns.length);
  const thick = Math.max(1, Math.min(60, (band * 0.7) / beside));
  const heaped = new Map();
  for (const one of series) {
    const scale = scales[one.axis];
    if (one.kind === "column") {
      const start = stacked ? -thick / 2 : (columns.indexOf(one) - beside / 2) * thick;
      one.values.forEach((value, at) => {
        if (value === null) return;
        const base = stacked ? (heaped.get(`${one.axis}${at}`) ?? 0) : 0;
        heaped.set(`${one.axis}${at}`, base + value);
        const [from, to] = [scale.y(base), scale.y(base + value)];
        const box = { x: middle(at) + start, y: Math.min(from, to), width: Math.max(0.5, thick - 1), height: Math.abs(from - to) };
        root.append(told(element("rect", { ...box, fill: one.color, class: "bar" }), one, labels, at));
      });
    } else {
      trace(root, one, scale, middle, labels);
    }
  }
}

/** The labels under the columns, as many as there is room for. */
function write(root, labels, band, middle, y) {
  const longest = Math.min(110, Math.max(0, ...labels.map(wide)) + 10);
  const every = Math.max(1, Math.ceil(longest / band));
  labels.forEach((text, at) => {
    if (at % every) return;
    root.append(element("text", { x: middle(at), y, class: "middle" }, cut(text, Math.max(band * every - 8, 12))));
  });
}

/** A line, broken where a value is missing; under an area's the space is filled. */
function trace(root, one, scale, middle, labels) {
  const pieces = [[]];
  one.values.forEach((value, at) => (value === null ? pieces.push([]) : pieces.at(-1).push([middle(at), scale.y(value), at])));
  for (const piece of pieces.filter(({ length }) => length)) {
    const points = piece.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`);
    if (one.kind === "area") {
      const ground = scale.y(0);
      const all = [`${piece[0][0]},${ground}`, ...points, `${piece.at(-1)[0]},${ground}`].join(" ");
      root.append(element("polygon", { points: all, fill: one.color, class: "area" }));
    }
    root.append(element("polyline", { points: points.join(" "), stroke: one.color, class: "line" }));
    for (const [cx, cy, at] of piece) {
      root.append(told(element("circle", { cx, cy, r: piece.length > 60 ? 1 : 3, fill: one.color }), one, labels, at));
    }
  }
}

/** Says of a mark what it stands for, where the pointer rests on it. */
function told(mark, { title, texts }, labels, at) {
  mark.append(element("title", {}, [labels[at], `${title ? `${title}: ` : ""}${texts[at]}`].filter(Boolean).join("\n")));
  return mark;
}
