// The panels about a snapshot: metrics, Algorithm 1, the diagnosis, and the round.
"use strict";

const renderTimes = []; // when the last snapshots were drawn, for the frame rate
const panelTimes = {}; // when the panels of each game were last updated
const PANEL_INTERVAL = 250; // milliseconds between updates of the panels, so that they can be read

async function showSnapshot(message) {
  const game = message.game;
  if (embedding[game]) await embedding[game];
  if (snapshots[game] !== message) return; // a newer snapshot has arrived
  fillBoard(message, game);
  document.body.dataset.shown = $("game-0").dataset.kind;
  document.body.dataset.round = snapshots[0].round;
  if (game === 0) showRound(message);
  const time = performance.now();
  if (current && current.playing && time - (panelTimes[game] || 0) < PANEL_INTERVAL) return;
  panelTimes[game] = time;
  fillChart(message, game);
  if (game === 0) {
    showMetrics(message);
    showAlgorithm(message);
    showDiagnosis();
  }
  describeFigures(message, game);
}

function describeFigures(message, game) { // describe them for screen readers
  const words = text("figure description", {
    kind: text("board " + $("game-" + game).dataset.kind),
    round: message.round,
    metrics: Object.entries(message.metrics).slice(0, 4)
      .map(([name, [value]]) => `${metricName(name, message)} ${formatNumber(value)}`).join(", "),
  });
  for (const place of ["main", "chart", "metric"]) $(`${place}-${game}`).setAttribute("aria-label", words);
  $("game-" + game).querySelector(".samples").alt = message.png ? words : "";
}

function showFrameRate() { // the mean of the last two seconds
  const time = performance.now();
  renderTimes.push([time, snapshots[0]?.round || 0]);
  while (renderTimes.length > 3 && time - renderTimes[0][0] > 2000) renderTimes.shift();
  const [[first, before]] = renderTimes, seconds = Math.max(time - first, 1) / 1000;
  const fps = (renderTimes.length - 1) / seconds, rate = (snapshots[0]?.round - before) / seconds;
  document.body.dataset.fps = fps.toFixed(1);
  document.body.dataset.rate = rate.toFixed(1);
  if (current && current.playing && renderTimes.length > 2) {
    $("fps").textContent = text("fps", { fps: fps.toFixed(fps < 10 ? 1 : 0), rate: rate.toFixed(0) });
  }
}

function showMetrics(message) {
  const rows = Object.entries(message.metrics)
    .filter(([name]) => name !== "data without samples") // the text below the table names it
    .map(([name]) => metricRow(name));
  $("metrics").tBodies[0].replaceChildren(...rows);
  $("metrics").classList.toggle("both", 1 in snapshots);
  showMethod(message);
}

function metricRow(name) {
  const row = document.createElement("tr"), head = document.createElement("th");
  head.scope = "row";
  head.textContent = ofEachGame((s) => metricName(name, s));
  const show = (value) => { // undefined: this number does not exist for the objective
    if (value === undefined) return "–";
    return name === "rarest mode" ? formatNumber(100 * value, 0) + " %" : formatNumber(value, name === "modes hit" ? 0 : 3);
  };
  const values = games().map((game) => show(snapshots[game].metrics[name]?.[0]));
  const perfect = ofEachGame((s) => show(s.metrics[name]?.[1] ?? undefined));
  const cells = [...values, perfect].map((words) => Object.assign(document.createElement("td"), { textContent: words }));
  row.append(head, ...cells);
  return row;
}

function showMethod(message) { // how the metrics were computed
  const { points, kind } = $("game-0").dataset, { metrics } = message;
  const names = [
    `method ${"distance from the ring" in metrics ? "curve" : kind}`,
    "JSD classes" in metrics && "method classes",
    points > 0 && "method points",
  ].filter(Boolean);
  const [share, perfect] = (metrics["data without samples"] || [0, 0]).map((v) => (100 * v).toFixed(1));
  const ofV = games().filter((game) => `method V ${snapshots[game].objective}` in config.words);
  const sentences = [
    ...names.map((name) => text(name, { share, perfect, points })),
    ...ofV.map((game) => withPrefix(game, text(`method V ${snapshots[game].objective}`))),
  ];
  setText($("method"), sentences.join(lang === "zh" ? "" : " "));
}

const games = () => Object.keys(snapshots);

function ofEachGame(value) { // "3", or "1 (A), 30 (B)" if two games differ
  const values = games().map((game) => value(snapshots[game]));
  return new Set(values).size === 1 ? String(values[0]) : values.map((v, i) => `${v} (${"AB"[i]})`).join(", ");
}

function withPrefix(game, words) {
  return games().length > 1 ? text("game prefix", { game: text("game " + "AB"[game]) }) + words : words;
}

// What D ascends and G descends, for each objective; a is D's logit, D(x) = 1 / (1 + e^−a(x)).
const EQUATION_1 = "1/m Σ [log D(x) + log(1 − D(G(z)))]";
const GAIN_OF_D = {
  "non-saturating": EQUATION_1,
  minimax: EQUATION_1,
  "least-squares": "−1/m Σ ½ [(a(x) − 1)² + a(G(z))²]",
  hinge: "−1/m Σ [max(0, 1 − a(x)) + max(0, 1 + a(G(z)))]",
  wasserstein: "1/m Σ [a(x) − a(G(z))]",
  relativistic: "−1/m Σ log(1 + e^(a(G(z)) − a(x)))",
};
const LOSS_OF_G = {
  "non-saturating": "1/m Σ −log D(G(z))",
  minimax: "1/m Σ log(1 − D(G(z)))",
  "least-squares": "1/m Σ ½ (a(G(z)) − 1)²",
  hinge: "1/m Σ −a(G(z))",
  wasserstein: "1/m Σ −a(G(z))",
  relativistic: "1/m Σ log(1 + e^(a(x) − a(G(z))))",
};
// For an objective that a program added, the page shows only the name, not a formula.
const gainOfD = (objective) => GAIN_OF_D[objective] || `−L_D (${objective})`;
const lossOfG = (objective) => LOSS_OF_G[objective] || `L_G (${objective})`;

function showAlgorithm(message) {
  if (slow) return;
  const [k, m] = [ofEachGame((s) => s.k), ofEachGame((s) => s.m)];
  for (const e of all("[data-template]")) setText(e, text(e.dataset.template, { k, m }));
  setText($("objective"), ofEachGame((s) => lossOfG(s.objective)));
  setText($("objective-D"), ofEachGame((s) => gainOfD(s.objective)));
  const started = message.round > 0, both = message.trained === "both";
  const lit = !started ? [] : both ? ["rounds", "D", "G"] : [message.trained];
  for (const e of all("[data-line]")) e.classList.toggle("lit", lit.includes(e.dataset.line));
  setText($("explanation"), games().map((game) => withPrefix(game, explanation(snapshots[game]))).join("\n"));
  showFlow(started ? message.trained : "", !started ? [] : both ? ["D", "G"] : [message.trained]);
  showGraphNumbers({ V: message.metrics.V[0], D_x: message.D_x, D_G_z: message.D_G_z });
}

function explanation(message) { // the changes in the last round, from the measured numbers
  if (message.round === 0) return text("explain start");
  const own = message.V_minibatch || [], measured = [message.V_before, message.metrics.V[0]];
  const words = text("explain " + message.trained, {
    k: message.k,
    D_x: formatNumber(message.D_x, 2),
    D_G_z: formatNumber(message.D_G_z, 2),
    minibatch: changeOf(...own),
    measured: changeOf(...measured),
  });
  const opposite = message.trained !== "both" && (own[1] - own[0]) * (measured[1] - measured[0]) < 0;
  return words + (opposite ? text("explain opposite") : "");
}

function changeOf(before, after) { // "rose from … to …"
  const [from, to] = [before, after].map((value) => formatNumber(value));
  const words = from === to ? "stayed" : before === null ? "known" : after > before ? "rose" : "fell";
  return text("change " + words, { before: from, after: to });
}

function showDiagnosis() {
  const lines = games().map((game) => withPrefix(game, text("problem " + (snapshots[game].problem || "none"))));
  setText($("diagnosis"), lines.join("\n"));
  const problems = games().map((game) => snapshots[game].problem);
  $("diagnosis").classList.toggle("problem", problems.some((name) => name && name !== "early"));
}

function showRound(message) { // the round, and its position in the history
  const slider = $("history");
  if (!slider.matches(":active")) { // the user is not dragging it
    slider.max = message.snapshots - 1;
    slider.value = message.index;
  }
  slider.disabled = message.snapshots < 2;
  const rounds = message.curve.round, last = rounds[rounds.length - 1];
  const earlier = message.index < message.snapshots - 1;
  $("round").textContent = earlier
    ? text("at round of", { round: message.round, last }) : text("at round", { round: message.round });
  slider.setAttribute("aria-valuetext", $("round").textContent);
  $("resume").classList.toggle("absent", !earlier); // the hidden button keeps its space, so that the slider does not move
}
