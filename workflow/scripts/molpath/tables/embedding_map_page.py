"""What the map of embeddings looks like: a canvas, a legend, and a slide with its neighbours."""

from __future__ import annotations

from collections.abc import Iterable

from .embedding_map_actions import ACTIONS
from .embedding_map_drawing import DRAWING
from .pages import UNPACK

#: Six of Okabe and Ito's colours, which colour-blind readers can tell apart; with two marks they stand for 12 classes.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
#: Viridis, from low to high.
SCALE = ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725")
STYLE = """:root{color-scheme:light dark;--ground:#fff;--ink:#222;--soft:#666;--line:#ccc;--missing:#bdbdbd;
--other:#8c8c8c} @media (prefers-color-scheme:dark){:root{--ground:#17191c;--ink:#e6e6e6;--soft:#a5a5a5;--line:#454a50;
--missing:#7a8088;--other:#a3a9b0}}
body{background:var(--ground);color:var(--ink)} .sentences{max-width:none} .caption{max-width:60em}
.controls{display:flex;flex-wrap:wrap;gap:.5em 1.4em;align-items:center;padding:.6em 0}
.controls label,.controls select{max-width:min(30em,100%)}
.plot{display:flex;gap:1em;align-items:flex-start} .plot aside{width:300px;flex:none;overflow-wrap:anywhere}
#frame{position:relative;flex:1;min-width:0;height:70vh;min-height:380px;border:1px solid var(--line);overflow:hidden}
#frame canvas{position:absolute;inset:0;width:100%;height:100%} #over{touch-action:none;cursor:crosshair}
#over:focus-visible{outline:2px solid #0072B2;outline-offset:-2px}
#tip{position:absolute;pointer-events:none;background:var(--ground);border:1px solid var(--line);padding:.2em .5em;
font-size:13px;max-width:20em} h2{font-size:1em;margin:.8em 0 .3em} aside button{display:flex;width:100%;gap:.5em;
align-items:center;text-align:left;font:13px system-ui,sans-serif;background:none;color:inherit;border:0;cursor:pointer;
padding:.15em .2em} aside button:hover,aside button[aria-pressed=true]{
background:color-mix(in srgb,var(--ink) 12%,transparent)}
aside button b{font-weight:normal;color:var(--soft);margin-left:auto;padding-left:.6em}
.swatch{width:14px;height:14px;flex:none}
#slide img{display:block;max-width:100%;max-height:220px;background:#fff} #slide p{margin:.2em 0;font-size:13px}
.bar{height:1em;border:1px solid var(--line)} .ends{display:flex;justify-content:space-between;font-size:13px}
.soft,kbd{color:var(--soft)} @media (max-width:800px){.plot{flex-direction:column} #frame{flex:none;width:100%}}
"""


def body_of(packed: str, lines: Iterable[str]) -> str:
    """The page below its title. packed: data of `embedding_map.write_map`, by `pages.pack`; lines: HTML."""
    fields = (
        '<label>colour by <select id="colour"><option value="">one colour</option></select></label>'
        '<label>find a case or slide <input id="find" type="search"></label> <span id="matches" role="status"></span>'
        '<span><button type="button" id="smaller" aria-label="zoom out">&minus;</button> <button type="button" '
        'id="larger" aria-label="zoom in">+</button> <button type="button" id="whole">whole map</button></span>'
    )
    keys = (
        '<p class="soft">Point at a slide, or click to keep it; drag to move, wheel to zoom. With the keyboard: '
        "<kbd>arrows</kbd> go from slide to slide, with <kbd>Shift</kbd> they move the map, <kbd>+</kbd> <kbd>-</kbd> "
        "<kbd>0</kbd> zoom, <kbd>Esc</kbd> lets go; <kbd>Enter</kbd> in the search goes to the next match. A click in "
        "the legend shows one class alone.</p>"
    )
    frame = (
        '<div id="frame"><canvas id="under"></canvas><canvas id="over" tabindex="0" role="application" '
        'aria-label="map of embeddings" aria-describedby="said"></canvas><div id="tip" hidden></div></div>'
    )
    lists = f"const colours = {list(COLOURS)}, scale = {list(SCALE)};"
    return (
        f'<p class="caption">{" ".join(lines)}</p><div class="controls">{fields}</div><div class="plot">{frame}<aside>'
        f'<div id="legend"></div><div id="slide"></div><div id="said" role="status" style="position:absolute;'
        f'left:-999em"></div></aside></div>{keys}<noscript>The map needs JavaScript.</noscript>\n'
        f'<script type="text/plain" id="data">{packed}</script>\n'
        f'<script type="module">\n{UNPACK}{lists}{DRAWING}{ACTIONS}</script>'
    )
