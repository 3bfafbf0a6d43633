"""What readers do with the map of embeddings: point, keep, zoom, search; a slide with its neighbours beside it."""

from __future__ import annotations

ACTIONS = """let loading = 0;
const total = (number) => number.toLocaleString("en");
function show() {
  const k = kept >= 0 ? kept : hovered, box = field("slide");
  clearTimeout(loading);
  drawOver();
  if (k < 0) return;
  box.replaceChildren(make("h2", data.slides[k]));
  const alike = data.x.filter((x, other) => other !== k && x === data.x[k] && data.y[other] === data.y[k]).length;
  if (alike) make("p", `${total(alike)} more on this point`, box);
  make("p", `case ${data.cases[k] || "not given"}${data.cohorts[k] ? `, ${data.cohorts[k]}` : ""}`, box);
  if (column) make("p", `${nameOf(column)}: ${valueOf(k)}`, box);
  const picture = make("div", data.pictures[k] ? "" : "no thumbnail", box);
  picture.className = "soft";
  // Not while the pointer flies over others.
  if (data.pictures[k]) loading = setTimeout(() => {
    const image = new Image();
    image.alt = `thumbnail of ${data.slides[k]}`;
    image.onerror = () => picture.replaceChildren("the thumbnail lies in the results folder, beside the page there");
    image.src = `${data.thumbnails}${encodeURIComponent(data.slides[k])}.jpg`;
    picture.replaceChildren(image);
  }, 80);
  make("h2", "nearest slides, by cosine", box);
  data.near[k].forEach((other, rank) => {
    const button = make("button", "", box), same = data.cases[k] !== "" && data.cases[other] === data.cases[k];
    button.type = "button";
    make("span", `${data.slides[other]}${same ? " (same case)" : ""}${column ? `: ${valueOf(other)}` : ""}`, button);
    make("b", data.cosines[k][rank].toFixed(4), button);
    button.addEventListener("click", () => keep(other));
  });
}
function keep(k) {
  kept = k;
  if (k >= 0) {
    const [x, y] = place(k), width = over.clientWidth, height = over.clientHeight;
    if (x < 0 || y < 0 || x > width || y > height) {
      view.x += width / 2 - x;
      view.y += height / 2 - y;
      draw();
    }
  }
  show();
  say(k < 0 ? "" : `${data.slides[k]}, case ${data.cases[k] || "not given"}${column ? `, ${valueOf(k)}` : ""}`);
}
const say = (text) => { field("said").textContent = text; };
function nearest(x, y, reach) {
  let found = -1, best = reach * reach;
  for (let k = 0; k < count; k += 1) {
    const u = view.x + view.scale * data.x[k] - x, v = view.y - view.scale * data.y[k] - y;
    if (!meant[k] || u * u + v * v >= best) continue;
    found = k;
    best = u * u + v * v;
  }
  return found;
}
function zoom(by, x = over.clientWidth / 2, y = over.clientHeight / 2) {
  view.scale *= by;
  view.x = x + (view.x - x) * by;
  view.y = y + (view.y - y) * by;
  draw();
}
const pan = (x, y) => { view.x += x; view.y += y; draw(); };
function step(right, down) {
  if (kept < 0) return keep(nearest(over.clientWidth / 2, over.clientHeight / 2, Infinity));
  const [x, y] = place(kept);
  let found = -1, best = Infinity;
  for (let k = 0; k < count; k += 1) {
    const [u, v] = place(k), ahead = (u - x) * right + (v - y) * down;
    const aside = Math.abs((u - x) * down) + Math.abs((v - y) * right);
    // On the same point, right and down lead through all of its slides.
    const isNext = u === x && v === y ? k > kept && right + down > 0 : ahead > 0 && aside <= ahead;
    if (!isNext || !meant[k] || ahead + aside >= best) continue;
    found = k;
    best = ahead + aside;
  }
  if (found >= 0) keep(found);
}
let down = null, moved = false;
over.addEventListener("pointerdown", (event) => {
  down = [event.offsetX, event.offsetY];
  moved = false;
  over.setPointerCapture(event.pointerId);
});
over.addEventListener("pointerup", (event) => {
  if (down && !moved) keep(nearest(event.offsetX, event.offsetY, 12));
  down = null;
});
over.addEventListener("pointermove", (event) => {
  const x = event.offsetX, y = event.offsetY, tip = field("tip");
  if (down && (moved || Math.hypot(x - down[0], y - down[1]) > 4)) {
    moved = true;
    pan(x - down[0], y - down[1]);
    down = [x, y];
  }
  const k = down ? -1 : nearest(x, y, 12);
  tip.hidden = k < 0;
  if (k >= 0) {
    tip.textContent = [data.slides[k], data.cases[k], valueOf(k)].filter(Boolean).join(", ");
    tip.style.left = `${Math.min(x + 14, over.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.min(y + 14, over.clientHeight - tip.offsetHeight - 4)}px`;
  }
  if (k !== hovered) { hovered = k; if (kept < 0) show(); }
});
over.addEventListener("pointerleave", () => {
  field("tip").hidden = true;
  hovered = -1;
  if (kept < 0) drawOver();
});
over.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * 0.002), event.offsetX, event.offsetY);
}, { passive: false });
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
over.addEventListener("keydown", (event) => {
  const arrow = arrows[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (arrow) event.shiftKey ? pan(-60 * arrow[0], -60 * arrow[1]) : step(...arrow);
  else if (event.key === "+" || event.key === "=") zoom(1.4);
  else if (event.key === "-") zoom(1 / 1.4);
  else if (event.key === "0") { fit(); draw(); }
  else if (event.key === "Escape") keep(-1);
  else return;
  event.preventDefault();
});
field("larger").addEventListener("click", () => zoom(1.4));
field("smaller").addEventListener("click", () => zoom(1 / 1.4));
field("whole").addEventListener("click", () => { fit(); draw(); });
data.columns.forEach((each, k) => field("colour").append(new Option(nameOf(each), k)));
field("colour").addEventListener("change", () => {
  column = data.columns[field("colour").value] || null;
  field("tip").hidden = true;
  restyle();
  show();
});
field("find").addEventListener("input", () => {
  word = field("find").value.trim().toLowerCase();
  const found = text.filter((each) => each.includes(word)).length;
  field("matches").textContent = word === "" ? "" : `${total(found)} of ${total(count)} slides`;
  reorder();
});
field("find").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || word === "") return;
  const rows = [...meant.keys()].filter((k) => meant[k]);
  if (rows.length) keep(rows.find((k) => k > kept) ?? rows[0]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
let size = "";
new ResizeObserver(() => {
  const now = `${over.clientWidth} ${over.clientHeight}`;
  if (now === size || !over.clientWidth) return;
  size = now;
  fit();
  draw();
}).observe(field("frame"));
// A browser fills the field in again when a reader comes back.
if (field("find").value) field("find").dispatchEvent(new Event("input"));
const first = data.columns.findIndex((each) => each.name === data.first);
field("colour").value = first < 0 ? "" : first;
column = data.columns[first] || null;
fit();
restyle();
// Where a slide lies on the canvas, for scripts that point at it.
over.placeOf = (slide) => place(data.slides.indexOf(slide));
document.body.dataset.ready = "yes";
"""
