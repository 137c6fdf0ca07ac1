// Show under the mouse the image G(z) of a point in z space, or the z of an image.
"use strict";

function dataUnderMouse(event, game) { // the position in coordinates of the figure's axes, or null outside
  const view = views.main[game], box = view.el.getBoundingClientRect();
  const [sx, sy] = [event.clientX - box.left, event.clientY - box.top];
  if (!view.frame.bbox.contains(sx, sy)) return null;
  return { x: view.frame.x_scale.invert(sx), y: view.frame.y_scale.invert(sy) };
}

function showHover(game, columns, words) {
  const source = bokehModel("main", game, "hover");
  if (source) source.data = columns;
  setText($("game-" + game).querySelector(".hover-text"), words);
}

function nearestIndex(values, to) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i] - to) < Math.abs(values[best] - to)) best = i;
  return best;
}

function hoverOnLine(game, at) { // the arrow with the nearest tip; below the x axis the arrow with the nearest foot
  const arrows = bokehModel("main", game, "arrows").data, i = nearestIndex(at.y > 0 ? arrows.x : arrows.z, at.x);
  const columns = Object.fromEntries(["z", "x", "bottom", "top"].map((name) => [name, [arrows[name][i]]]));
  showHover(game, columns, wordsOf([decodeFloats(snapshots[game].z)[i]], [arrows.x[i]]));
}

const wordsOf = (z, x) => text("hover", { z: z.map((v) => formatNumber(v, 2)).join(", "), x: x.map((v) => formatNumber(v, 2)).join(", ") });

function showPlaceInPlane(game, i) { // the i-th point of the grid in z
  const { xy, z } = gridPoints(game), d = z.length / (xy.length / 2);
  const [x, y] = [xy[2 * i], xy[2 * i + 1]], place = [...z.slice(d * i, d * (i + 1))], dot = zPad(game).querySelector("circle");
  const end = Math.max(...z);
  dot.setAttribute("cx", 50 + 46 * (place[0] / end));
  dot.setAttribute("cy", 50 - 46 * ((place[1] || 0) / end));
  showHover(game, { x: [x], y: [y] }, wordsOf(place, [x, y]));
}

const zPad = (game) => $("game-" + game).querySelector(".z-pad");

function gridPoints(game) {
  const { grid } = snapshots[game];
  return { xy: decodeFloats(grid.xy), z: decodeFloats(grid.z) };
}

function nearestPoint(points, d, to) {
  let best = 0, least = Infinity;
  for (let i = 0; i < points.length / d; i++) {
    let distance = 0;
    for (let j = 0; j < d; j++) distance += (points[d * i + j] - to[j]) ** 2;
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}

for (const game of [0, 1]) {
  $("main-" + game).addEventListener("pointermove", (event) => {
    const kind = $("game-" + game).dataset.kind, at = snapshots[game] && views.main[game] && dataUnderMouse(event, game);
    if (!at) return;
    if (kind === "line") hoverOnLine(game, at);
    if (kind === "plane" && snapshots[game].grid) showPlaceInPlane(game, nearestPoint(gridPoints(game).xy, 2, [at.x, at.y]));
  });
  $("main-" + game).addEventListener("pointerleave", () => {
    const { kind } = $("game-" + game).dataset;
    showHover(game, kind === "line" ? { z: [], x: [], bottom: [], top: [] } : { x: [], y: [] }, "");
  });
  zPad(game).addEventListener("pointermove", (event) => {
    const box = zPad(game).getBoundingClientRect(), { xy, z } = gridPoints(game), d = z.length / (xy.length / 2);
    const end = Math.max(...z), share = (v) => Math.min(Math.max((2 * v - 1) * (50 / 46), -1), 1) * end;
    const to = [share((event.clientX - box.left) / box.width), -share((event.clientY - box.top) / box.height)];
    showPlaceInPlane(game, nearestPoint(z, d, to));
  });
}

// --- Digits: z between the noise of the first four samples -----------------------------------------

let morphing = false, nextMorph = null; // one request at a time; only the last position is requested next
let morphPlace = { u: 0, v: 0 };

function requestMorph(position) {
  if (morphing) { nextMorph = position; return; }
  morphing = true;
  send({ type: "morph", ...position, class: chosenClass() });
}

function showMorph({ png }) {
  morphing = false;
  $("morph").src = "data:image/png;base64," + png;
  $("morph").alt = text("morph how");
  if (nextMorph) { const position = nextMorph; nextMorph = null; requestMorph(position); }
}

$("morph-pad").addEventListener("pointermove", (event) => {
  const box = $("morph-pad").getBoundingClientRect();
  const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((p) => Math.min(Math.max(p, 0), 1));
  $("morph-mark").style.left = `${100 * u}%`;
  $("morph-mark").style.top = `${100 * v}%`;
  morphPlace = { u, v };
  requestMorph(morphPlace);
});
