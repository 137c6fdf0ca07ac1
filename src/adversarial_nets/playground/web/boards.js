// The boards: embed the Bokeh figures and fill them with the numbers of a snapshot.
"use strict";

const views = { main: [], chart: [], metric: [], pad: [] }; // Bokeh's view of each figure, by place and game
const embedding = {}; // a promise for each game whose figures are being embedded

function decodeBase64(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function decodeFloats(column) { // the inverse of encode_float32 in boards/style.py
  return new Float32Array(decodeBase64(column.f32).buffer);
}

function decodeColumns(columns) {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, decodeFloats(column)]));
}

function bokehModel(place, game, name) {
  const view = views[place][game];
  return view && view.model.document.get_model_by_name(name);
}

async function embed(item, place, game) {
  const element = $(item.target_id);
  if (views[place][game]) views[place][game].model.document.clear();
  element.replaceChildren();
  const manager = await Bokeh.embed.embed_item(item);
  views[place][game] = [...manager][0];
  if (document.body.dataset.projector === "yes") enlarge(views[place][game].model, true);
  // The Tab key skips figures, since they contain no controls.
  if (place !== "pad") for (const child of element.children) child.inert = true;
}

function showBoard(message) {
  const { game, games, kind } = message;
  const article = $("game-" + game);
  article.dataset.kind = kind;
  article.dataset.points = message.points;
  article.querySelector(".samples-panel").hidden = kind !== "images";
  article.querySelector(".nearest-panel").hidden = true;
  for (let i = 0; i < 2; i++) {
    $("game-" + i).hidden = i >= games;
    $("game-" + i).querySelector(".title").hidden = games < 2;
    if (i >= games) delete snapshots[i];
  }
  $("games").classList.toggle("two", games > 1);
  if (game === 0) offerClasses(message.classes);
  $("data").querySelector('label:has([value="points:"]) .picture').innerHTML = message.thumbnail;
  if (document.body.dataset.board !== "latent") document.body.dataset.board = kind;
  showLesson();
  embedding[game] = Promise.all(
    Object.entries(message.figures).map(([place, item]) => embed(item, place, game)),
  ).then(() => { delete embedding[game]; showLayers(); });
}

function enlarge(figure, on) { // larger texts and thicker lines, for a projector
  const factor = on ? 1.8 : 1 / 1.8;
  for (const axis of [...figure.left, ...figure.right, ...figure.below]) {
    for (const name of ["major_label_text_font_size", "axis_label_text_font_size"]) axis[name] = on ? "19px" : "11px";
  }
  for (const { glyph } of figure.renderers) {
    for (const name of ["line_width", "size"]) {
      const now = glyph[name]?.value;
      if (typeof now === "number") glyph[name] = { value: now * factor };
    }
  }
}

// Each entry of a legend is a button that hides its layer of the figure.
const hiddenLayers = new Set();

function showLayers() {
  for (const e of all("[data-layer]")) e.setAttribute("aria-pressed", String(!hiddenLayers.has(e.dataset.layer)));
  for (const view of [...views.main, ...views.chart]) {
    for (const renderer of view?.model.renderers || []) {
      if (renderer.name?.startsWith("layer ")) renderer.visible = !hiddenLayers.has(renderer.name.slice(6));
    }
  }
}

function hideLayers(names) {
  hiddenLayers.clear();
  for (const name of names) hiddenLayers.add(name);
  showLayers();
}

for (const e of all("[data-layer]")) {
  e.addEventListener("click", () => {
    const name = e.dataset.layer;
    if (!hiddenLayers.delete(name)) hiddenLayers.add(name);
    showLayers();
    writeAddress();
  });
}

function updateSource(game, name, columns) {
  const source = bokehModel("main", game, name);
  if (source) source.data = { ...source.data, ...columns };
}

function fillBoard(message, game) {
  if (message.curves) {
    updateSource(game, "curves", decodeColumns(message.curves));
    updateSource(game, "arrows", decodeColumns(message.arrows));
  }
  if (message.samples) updateSource(game, "samples", decodeColumns(message.samples));
  if (message.heat) fillHeat(message.heat, game);
  if (message.metrics) $("game-" + game).classList.toggle("no-D_star", !("distance" in message.metrics));
  $("game-" + game).classList.toggle("no-grid", !message.grid);
  if (message.grid) updateSource(game, "grid", gridLines(message.grid));
  $("game-" + game).classList.toggle("no-E", !message.reconstructions);
  updateSource(game, "reconstructions", message.reconstructions ? decodeColumns(message.reconstructions) : NO_ENDS);
  showCodes(message, game);
  if (message.gradient) updateSource(game, "gradient", decodeColumns(message.gradient));
  if (message.histograms) updateSource(game, "histograms", decodeColumns(message.histograms));
  const hasClass = (i) => chosenClass() !== null && current.settings[i].condition === "classes";
  if (message.png && !hasClass(game)) showSamples({ game, png: message.png });
  else if (message.png && !(game > 0 && hasClass(0))) requestClass(); // one request is enough for both games
}

function showSamples({ game, png }) {
  askingClass = false;
  $("game-" + game).querySelector(".samples").src = "data:image/png;base64," + png;
}

// A game with classes can show the samples of one class, always those of the newest round.
let askingClass = false; // one request at a time

const chosenClass = () => ($("class-row").hidden || $("class").value === "" ? null : Number($("class").value));

function requestClass() {
  if (askingClass) return;
  askingClass = true;
  send({ type: "of_class", class: chosenClass() });
}

function offerClasses(names) {
  const options = names.map((name, value) => Object.assign(document.createElement("option"), { value, textContent: name }));
  $("class").replaceChildren($("class").options[0], ...options);
}

$("class").addEventListener("change", () => {
  if (chosenClass() === null) for (const game of games()) fillBoard(snapshots[game], game);
  else requestClass();
});

const NO_ENDS = { x: [], y: [], x_end: [], y_end: [] };

function showCodes({ codes, grid }, game) { // show E(x) in the square of z space
  const end = codes && grid ? Math.max(...decodeFloats(grid.z)) : 0, z = end ? decodeFloats(codes) : [];
  let dots = "";
  for (let i = 0; i < z.length; i += 2) {
    const [x, y] = [z[i], -z[i + 1]].map((v) => (50 + 46 * Math.min(Math.max(v / end, -1.05), 1.05)).toFixed(1));
    dots += `M${x} ${y}h0`;
  }
  $("game-" + game).querySelector(".codes").setAttribute("d", dots);
}

function fillHeat(heat, game) { // show D in each cell; each value is one byte
  const source = bokehModel("main", game, "heat");
  if (!source) return;
  source.data.image[0].set(Float32Array.from(decodeBase64(heat.bytes), (value) => value / 255));
  source.change.emit();
}

function gridLines({ lines, points, xy }) { // x and y of each line; xy holds all x and y, alternating
  const numbers = decodeFloats(xy), xs = [], ys = [];
  for (let i = 0; i < lines; i++) {
    const line = numbers.subarray(2 * points * i, 2 * points * (i + 1));
    xs.push(line.filter((_, j) => j % 2 === 0));
    ys.push(line.filter((_, j) => j % 2 === 1));
  }
  return { xs, ys };
}

function fillChart(message, game) {
  const { round, V, C } = message.curve;
  for (const place of ["chart", "metric"]) {
    const rounds = bokehModel(place, game, "rounds");
    if (!rounds) return;
    rounds.end = Math.max(10, round[round.length - 1]);
  }
  const floor = C ? message.metrics.C[1] : 0;
  const below = V.map((v) => (v !== null && v < config.lowestV ? config.lowestV + 0.06 : NaN));
  bokehModel("chart", game, "curve").data = { round, V: V.map((v) => v ?? NaN), C: (C || V).map((v) => v ?? NaN), floor: round.map(() => floor), below };
  $("game-" + game).classList.toggle("no-C", !C);
  fillMetrics(message, game);
}

const CURVE_GROUPS = { divergences: /^(JSD|KL)/, V: /^[VC]$/ }; // metrics with these names share one chart
const isEquation1 = (message) => GAIN_OF_D[message.objective] === EQUATION_1; // only then the chart of V shows the range of V and −log 4

function curvesOf(message) { // the curves to choose from: V, all divergences, or one other metric
  const names = Object.keys(message.metrics), grouped = names.some((name) => CURVE_GROUPS.divergences.test(name));
  const single = names.filter((name) => !["V", "C"].includes(name) && !CURVE_GROUPS.divergences.test(name));
  return ["V", ...(grouped ? ["divergences"] : []), ...single];
}

function fillMetrics(message, game) {
  const article = $("game-" + game), choices = curvesOf(message), chosen = choices.includes($("curve").value) ? $("curve").value : "V";
  if (game === 0) offerCurves(choices, chosen, message);
  const ownChart = chosen === "V" && isEquation1(message);
  $("chart-" + game).hidden = article.querySelector(".chart-legend").hidden = !ownChart;
  $("metric-" + game).hidden = article.querySelector(".metric-legend").hidden = ownChart;
  const names = Object.keys(message.metrics).filter((name) => CURVE_GROUPS[chosen]?.test(name) || name === chosen).slice(0, 3);
  const ends = [];
  for (let i = 0; i < 3; i++) {
    const values = (message.curve[names[i]] || []).map((v) => v ?? NaN), perfect = message.metrics[names[i]]?.[1] ?? NaN;
    bokehModel("metric", game, "metric " + i).data = { round: values.length ? message.curve.round : [], value: values, perfect: values.map(() => perfect) };
    ends.push(...[...values, perfect].filter(Number.isFinite));
  }
  const low = Math.min(0, ...ends), high = Math.max(...ends), range = bokehModel("metric", game, "values");
  if (ends.length) [range.start, range.end] = [low, high + 0.08 * (high - low) + 1e-6];
  const entries = names.map((name, i) => Object.assign(document.createElement("li"), { className: ["D", "G", "gradient"][i], textContent: metricName(name, message) }));
  article.querySelector(".metric-legend").replaceChildren(...entries);
}

function offerCurves(choices, chosen, message) {
  const isGroup = (name) => name === "divergences" || (name === "V" && "C" in message.metrics);
  const words = choices.map((name) => isGroup(name)
    ? text(name === "V" && !isEquation1(message) ? "curve V other" : "curve " + name) : metricName(name, message));
  if ($("curve").dataset.words === words.join()) return;
  $("curve").dataset.words = words.join();
  $("curve").replaceChildren(...choices.map((value, i) => Object.assign(document.createElement("option"), { value, textContent: words[i] })));
  $("curve").value = chosen;
}

function showNearest(message) {
  const article = $("game-" + message.game), image = article.querySelector(".nearest");
  article.querySelector(".nearest-panel").hidden = false;
  image.src = "data:image/png;base64," + message.png;
  image.alt = text("nearest row");
}
