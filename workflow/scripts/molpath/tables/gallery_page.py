"""What the gallery of slides looks like and does in the browser."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

STYLE = """.sentences{max-width:none} .gallery{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start}
.gallery figure{margin:0;width:240px;content-visibility:auto;contain-intrinsic-size:240px 300px}
.gallery figure[hidden]{display:none} .stack{position:relative;overflow:hidden;background:#f6f6f6}
.ground{display:block;width:100%} .over{position:absolute;inset:0;display:none}
.over img{position:absolute;top:0;left:0;display:none;image-rendering:pixelated}
.over .quality{width:100%;height:100%;filter:url(#classes);opacity:.75} .over .patches{opacity:.5}
.show-quality .over,.show-patches .over{display:block} .show-quality .over .quality{display:block}
.map-link{display:none} .map{display:block;width:100%}
.none{color:#888;border:1px dashed #bbb;padding:2em;text-align:center;margin:0}
.set figcaption{border-left:4px solid #d55e00;padding-left:.4em}
.said{margin:.3em 0} .said.doubt{border-left:4px solid #e69f00;padding-left:.4em}
figcaption{font-size:13px;margin-top:.3em;overflow-wrap:anywhere;line-height:1.35}
.controls{display:flex;flex-wrap:wrap;gap:.5em 1.4em;align-items:center;padding:.6em 0;margin-bottom:1em;
border-bottom:1px solid #ddd} .controls label{margin-right:.3em;max-width:100%}
.controls select{max-width:min(20em,100%)}
@media (min-width:800px) and (min-height:600px){.controls{position:sticky;top:0;background:#fff;z-index:1}}
.swatch{display:inline-block;width:.8em;height:.8em}
#qupath{scroll-margin-top:7em} #lines{width:100%;max-width:60em;font-family:monospace}
"""
#: A choice in `sort` and in each filter, a word in `find`; a switch per layer, a tick per slide.
SCRIPT = """"use strict";
const all = [...document.querySelectorAll(".gallery figure")];
const { scores } = JSON.parse(document.querySelector("#data").textContent);
all.forEach((card, place) => { card.place = place; card.scores = scores[place]; });
const field = (name) => document.querySelector(`#${name}`);
const filters = [...document.querySelectorAll("select.filter")].map((list) => list.id);
for (const name of filters) {
  const counts = new Map();
  for (const card of all) counts.set(card.dataset[name], (counts.get(card.dataset[name]) || 0) + 1);
  for (const [value, count] of [...counts].sort())
    field(name).append(new Option(`${value.replace(/ (?= )|^ | $/g, "\\u00a0") || "(empty)"} (${count})`, `=${value}`));
}
function filter() {
  const word = field("find").value.toLowerCase();
  let count = 0;
  for (const card of all) {
    const chosen = filters.every((name) => {
      const value = field(name).value;
      return !value || value === `=${card.dataset[name]}`;
    });
    card.hidden = !chosen || (word !== "" && !card.textContent.toLowerCase().includes(word));
    count += !card.hidden;
  }
  field("count").textContent = `${count.toLocaleString("en")} of ${all.length.toLocaleString("en")} slides`;
}
function sort() {
  const choice = field("sort").value, down = field("down").checked ? -1 : 1;
  const key = choice === "" ? (card) => card.place
    : choice === "reason" ? (card) => (card.dataset.status === "kept" ? null : card.dataset.reason)
    : choice === "slide" ? (card) => card.dataset.slide
    : (card) => card.scores[Number(choice)];
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.place - b.place;
    return (x < y ? -down : x > y ? down : 0) || a.place - b.place;
  };
  document.querySelector(".gallery").append(...[...all].sort(order));
}
// The folder of a page by its address; a share of Windows has a host.
function folderOf({ host, pathname, protocol }) {
  const folder = decodeURIComponent(pathname).replace(/^\\/([A-Za-z]:)/, "$1").replace(/\\/[^/]*$/, "");
  return protocol === "file:" && host !== "" ? `//${host}${folder}` : folder;
}
function choose() {
  const chosen = all.filter((card) => card.querySelector("input")?.checked).map((card) => card.dataset.slide);
  const folder = folderOf(location);
  const quoted = (text) => JSON.stringify(text).replaceAll("$", "\\\\$");
  field("lines").value = `def results = ${quoted(folder)}\\ndef chosen = [${chosen.map(quoted).join(", ")}]`;
  field("qupath").hidden = field("chosen").hidden = chosen.length === 0;
  field("chosen").textContent = `${chosen.length.toLocaleString("en")} chosen for QuPath`;
}
function layer() {
  for (const box of document.querySelectorAll("[data-layer]"))
    document.body.classList.toggle(`show-${box.dataset.layer}`, box.checked);
  for (const box of document.querySelectorAll("[data-grid]"))
    document.body.classList.toggle(`show-grid${box.dataset.grid}`, box.checked);
  document.body.classList.toggle("show-patches", document.querySelector("[data-grid]:checked") !== null);
}
for (const name of filters) field(name).addEventListener("change", filter);
field("find").addEventListener("input", filter);
for (const name of ["sort", "down"]) field(name).addEventListener("change", sort);
for (const box of document.querySelectorAll("[data-layer], [data-grid]")) box.addEventListener("change", layer);
document.querySelector(".gallery").addEventListener("change", choose);
filter();
// Browsers fill the fields in again when a reader comes back from a picture.
addEventListener("pageshow", () => {
  for (const apply of [filter, layer, choose]) apply();
  if (field("sort").value !== "") sort();
});
document.body.dataset.ready = "yes";
"""


def introduction(colours: Mapping[str, tuple[int, int, int]], is_for_qupath: bool) -> str:
    """What is drawn on the pictures, as HTML. colours: by class, none where no slide has a picture; is_for_qupath:
    some slide can be opened there."""
    legend = " ".join(
        f'<span class="swatch" style="background:rgb{colour}"></span> {name.replace("_", " ")}'
        for name, colour in colours.items()
    )
    drawn = f"Contours of tissue and hatched faults are drawn on the pictures: {legend}." if colours else ""
    return f"<p>{drawn or 'No slide has a picture.'} {'Tick slides to open them in QuPath.' * is_for_qupath}</p>"


def controls(grids: Mapping[int, str], layers: Mapping[str, str], scores: Sequence[str], filters: Sequence[str]) -> str:
    """Fields that sort, filter and switch layers on, as HTML with the rules of style that the layers need.

    grids: names of those with patches, by their places in the config; layers: what the switch says of quality and each
    kind of map; scores: names of what else sorts; filters: what cards have as data-<name>.
    """
    style = "".join(f".show-grid{k} .over .grid{k}{{display:block}}" for k in grids)
    style += "".join(f".show-{kind} .map-link.{kind}{{display:block}}" for kind in layers)
    options = (
        '<option value="">the sheet</option><option value="slide">slide</option><option value="reason">reason</option>'
    )
    options += "".join(f'<option value="{place}">{html.escape(name)}</option>' for place, name in enumerate(scores))
    fields = f'<label>sort by <select id="sort">{options}</select></label>'
    fields += '<label><input type="checkbox" id="down"> highest first</label>'
    for name in filters:
        fields += f'<label>{name} <select id="{name}" class="filter"><option value="">all</option></select></label>'
    fields += '<label>find <input id="find" type="search"></label>'
    switches = [f'data-layer="{kind}"> {html.escape(label)}' for kind, label in layers.items()]
    # Patches follow quality.
    place = int("quality" in layers)
    switches[place:place] = [f'data-grid="{k}"> patches {html.escape(grid)}' for k, grid in grids.items()]
    boxes = "".join(f'<label><input type="checkbox" {switch}</label>' for switch in switches)
    lines = (
        "<div id='qupath' hidden><p>To open the chosen slides in QuPath, put these lines in place of those in "
        '<a href="open_in_qupath.groovy">open_in_qupath.groovy</a>, and run it in an open project '
        "(Automate &gt; Script editor):</p><textarea id='lines' rows='3' readonly></textarea></div>"
    )
    return (
        f'<style>{style}</style><div class="controls">{fields}{f"<span>layers: {boxes}</span>" * bool(boxes)}'
        f'<b id="count"></b><a href="#qupath" id="chosen" hidden></a></div>{lines}'
    )
