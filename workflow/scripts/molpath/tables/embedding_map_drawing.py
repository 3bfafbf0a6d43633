"""How the map of embeddings is drawn in the browser: marks, colours and legend."""

from __future__ import annotations

#: Marks are drawn once each, then copied: 20,000 of them take some milliseconds.
DRAWING = """
const data = JSON.parse(await unpack(document.querySelector("#data").textContent));
const field = (name) => document.querySelector(`#${name}`);
const count = data.slides.length, steps = 32, under = field("under"), over = field("over");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const view = { scale: 1, x: 0, y: 0 };
const radius = Math.max(2.2, Math.min(5, 90 / Math.sqrt(count)));
const marks = new Int16Array(count), meant = new Uint8Array(count), order = Int32Array.from(meant, (_, k) => k);
const text = data.slides.map((slide, k) => `${slide}\\n${data.cases[k]}`.toLowerCase());
let column = null, hovered = -1, kept = -1, only = null, word = "", styles = [], stamps = [];
const make = (tag, text, parent) => {
  const node = document.createElement(tag);
  node.textContent = text;
  parent?.append(node);
  return node;
};
const nameOf = (each) => data.labels[data.columns.indexOf(each)];
// Every digit of a whole number, no comma in a year.
const digits = (value) => ({ maximumSignificantDigits: Number.isInteger(value) ? 15 : 6, useGrouping: "min2" });
function number(value) {
  if (value === null) return "not given";
  return Math.abs(value) < 1e15 ? value.toLocaleString("en", digits(value)) : String(value);
}
function valueOf(k) {
  if (!column) return "";
  if (column.numbers) return number(column.numbers[k]);
  return column.codes[k] < 0 ? "not given" : column.words[column.codes[k]];
}
function colourOf(share) {
  // The end that the ground would swallow is left out.
  const dark = matchMedia("(prefers-color-scheme: dark)").matches, low = dark ? 0.2 : 0, high = dark ? 1 : 0.9;
  const at = (low + share * (high - low)) * (scale.length - 1), k = Math.min(Math.floor(at), scale.length - 2);
  const part = (text, place) => parseInt(text.slice(place, place + 2), 16);
  const mix = (p) => Math.round(part(scale[k], p) + (at - k) * (part(scale[k + 1], p) - part(scale[k], p)));
  return `rgb(${[1, 3, 5].map(mix).join(",")})`;
}
// A style is a shape, a colour, a name and how many slides have it; those further down are drawn on top.
function restyle() {
  const missing = { shape: "ring", colour: css("--missing"), name: "not given", count: 0 };
  if (!column) {
    styles = [missing, { shape: "disc", colour: colours[0], name: "all slides", count: 0 }];
    marks.fill(1);
  } else if (column.numbers) {
    const [low, high] = column.ends;
    const step = (_, k) => ({ shape: "disc", colour: colourOf(k / (steps - 1)), count: 0 });
    styles = [missing, ...Array.from({ length: steps }, step)];
    column.numbers.forEach((value, k) => {
      const share = high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0;
      marks[k] = value === null ? 0 : 1 + Math.round(share * (steps - 1));
    });
  } else {
    const named = column.named;
    const classes = column.words.slice(0, named).map((name, k) => (
      { shape: k < colours.length ? "disc" : "triangle", colour: colours[k % colours.length], name, count: 0 }));
    const rest = column.words.length - named;
    const name = rest === 1 ? column.words[named] : `${rest.toLocaleString("en")} others`;
    const other = { shape: "cross", colour: css("--other"), name, count: 0 };
    styles = [missing, other, ...classes];
    column.codes.forEach((code, k) => { marks[k] = code < 0 ? 0 : code < named ? code + 2 : 1; });
  }
  for (const mark of marks) styles[mark].count += 1;
  only = null;
  legend();
  reorder();
}
// Who is meant by search and legend, what is drawn first, and the marks, until one of these changes.
function reorder() {
  for (let k = 0; k < count; k += 1)
    meant[k] = (only === null || marks[k] === only) && (word === "" || text[k].includes(word));
  const layer = (k) => 3 * meant[k] + Math.min(marks[k], 2);
  order.sort((a, b) => layer(a) - layer(b) || a - b);
  stamps = styles.map((style) => stamp(style, radius, devicePixelRatio || 1));
  draw();
}
function trace(pen, shape, x, y, r) {
  pen.beginPath();
  if (shape === "triangle") {
    pen.moveTo(x, y - r * 1.15);
    pen.lineTo(x + r * 1.1, y + r * 0.85);
    pen.lineTo(x - r * 1.1, y + r * 0.85);
    pen.closePath();
  } else if (shape === "cross") {
    for (const sign of [-1, 1]) {
      pen.moveTo(x - r * 0.7, y - sign * r * 0.7);
      pen.lineTo(x + r * 0.7, y + sign * r * 0.7);
    }
  } else pen.arc(x, y, shape === "ring" ? r * 0.8 : r, 0, 2 * Math.PI);
}
function stamp(style, r, ratio) {
  const edge = Math.ceil(2 * r + 4), picture = document.createElement("canvas");
  picture.width = picture.height = edge * ratio;
  const pen = picture.getContext("2d");
  pen.scale(ratio, ratio);
  trace(pen, style.shape, edge / 2, edge / 2, r);
  pen.strokeStyle = pen.fillStyle = style.colour;
  pen.lineWidth = 1.4;
  if (style.shape === "ring" || style.shape === "cross") pen.stroke(); else pen.fill();
  return { picture, edge };
}
const bounds = [Math.min(...data.x), Math.max(...data.x), Math.min(...data.y), Math.max(...data.y)];
function fit() {
  const [left, right, low, high] = bounds, width = over.clientWidth, height = over.clientHeight;
  view.scale = 0.92 * Math.min(width / (right - left || 1), height / (high - low || 1));
  view.x = width / 2 - view.scale * (left + right) / 2;
  view.y = height / 2 + view.scale * (low + high) / 2;
}
const place = (k) => [view.x + view.scale * data.x[k], view.y - view.scale * data.y[k]];
function clear(canvas) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}
let asked = false;
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const pen = clear(under), width = under.clientWidth, height = under.clientHeight;
    for (const k of order) {
      const [x, y] = place(k), { picture, edge } = stamps[marks[k]];
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      pen.globalAlpha = meant[k] ? 0.85 : 0.12;
      pen.drawImage(picture, x - edge / 2, y - edge / 2, edge, edge);
    }
    drawOver();
  });
}
function drawOver() {
  const pen = clear(over), k = kept >= 0 ? kept : hovered;
  if (k < 0) return;
  const [x, y] = place(k), ring = (u, v, r) => { pen.beginPath(); pen.arc(u, v, r, 0, 2 * Math.PI); pen.stroke(); };
  pen.strokeStyle = css("--ink");
  pen.lineWidth = 1;
  for (const other of data.near[k]) {
    const [u, v] = place(other);
    pen.globalAlpha = 0.6;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(u, v);
    pen.stroke();
    pen.globalAlpha = 1;
    ring(u, v, radius + 2);
  }
  pen.lineWidth = 2.5;
  ring(x, y, radius + 4);
}
function legend() {
  const box = field("legend");
  box.replaceChildren(make("h2", column ? nameOf(column) : "one colour"));
  if (column?.numbers) {
    const bar = make("div", "", box), ends = make("div", "", box), [low, high] = column.ends;
    bar.className = "bar";
    bar.style.background = `linear-gradient(to right,${styles.slice(1).map((style) => style.colour).join(",")})`;
    ends.className = "ends";
    make("span", `${column.range[0] < low ? "≤ " : ""}${number(low)}`, ends);
    make("span", `${column.range[1] > high ? "≥ " : ""}${number(high)}`, ends);
  }
  const listed = column?.numbers ? [0] : [...styles.keys()].slice(2).concat(column ? [1, 0] : [1]);
  for (const k of listed.filter((k) => styles[k].count)) {
    const button = make("button", "", box);
    button.type = "button";
    button.append(swatch(styles[k]));
    make("span", styles[k].name, button);
    make("b", styles[k].count.toLocaleString("en"), button);
    button.setAttribute("aria-pressed", false);
    button.addEventListener("click", () => {
      only = only === k ? null : k;
      for (const each of box.querySelectorAll("button"))
        each.setAttribute("aria-pressed", each === button && only !== null);
      reorder();
    });
  }
}
function swatch(style) {
  const picture = document.createElement("canvas"), ratio = devicePixelRatio || 1;
  picture.width = picture.height = 14 * ratio;
  picture.className = "swatch";
  const pen = picture.getContext("2d");
  pen.drawImage(stamp(style, 5, ratio).picture, 0, 0);
  return picture;
}
"""
