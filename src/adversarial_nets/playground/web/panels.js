// What the page says about a snapshot: metrics, Algorithm 1, the diagnosis, and the round.
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

function describeFigures(message, game) { // for screen readers
  const words = text("figure description", {
    kind: text("board " + $("game-" + game).dataset.kind),
    round: message.round,
    metrics: Object.entries(message.metrics).slice(0, 4)
      .map(([name, [value]]) => `${text("metric " + name, { m: message.m })} ${formatNumber(value)}`).join(", "),
  });
  for (const place of ["main", "chart"]) $(`${place}-${game}`).setAttribute("aria-label", words);
  $("game-" + game).querySelector(".samples").alt = message.png ? words : "";
}

function showFrameRate() {
  const time = performance.now();
  renderTimes.push(time);
  while (renderTimes.length > 1 && time - renderTimes[0] > 2000) renderTimes.shift();
  const fps = (1000 * (renderTimes.length - 1)) / Math.max(time - renderTimes[0], 1);
  document.body.dataset.fps = fps.toFixed(1);
  const shown = current && current.playing && renderTimes.length > 5;
  $("fps").textContent = shown ? text("fps", { fps: fps.toFixed(0) }) : "";
}

function showMetrics(message) {
  const rows = Object.entries(message.metrics)
    .filter(([name]) => name !== "data without samples") // is named in the text below the table
    .map(([name, [value, perfect]]) => {
      const other = snapshots[1] && snapshots[1].metrics[name]?.[0];
      return metricRow(name, snapshots[1] ? [value, other, perfect] : [value, perfect], message.m);
    });
  $("metrics").tBodies[0].replaceChildren(...rows);
  $("metrics").classList.toggle("both", 1 in snapshots);
  showMethod(message);
}

function metricRow(name, values, m) {
  const row = document.createElement("tr"), head = document.createElement("th");
  head.scope = "row";
  head.textContent = text("metric " + name, { m });
  const cells = values.map((value) => {
    const cell = document.createElement("td");
    cell.textContent = formatNumber(value, name === "modes hit" ? 0 : 3);
    return cell;
  });
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
  const sentences = names.map((name) => text(name, { share, perfect, points }));
  setText($("method"), sentences.join(lang === "zh" ? "" : " "));
}

function showAlgorithm(message) {
  for (const e of all("[data-template]")) e.textContent = text(e.dataset.template, { k: message.k, m: message.m });
  $("objective").textContent = message.objective === "minimax" ? "1/m Σ log(1 − D(G(z)))" : "1/m Σ −log D(G(z))";
  const started = message.round > 0;
  const lit = !started ? [] : message.trained === "both" ? ["rounds", "D", "G"] : [message.trained];
  for (const e of all("[data-line]")) e.classList.toggle("lit", lit.includes(e.dataset.line));
  $("explanation").textContent = text("explain " + (started ? message.trained : "start"), {
    k: message.k,
    D_x: formatNumber(message.D_x, 2),
    D_G_z: formatNumber(message.D_G_z, 2),
    before: formatNumber(message.V_before),
    after: formatNumber(message.metrics.V[0]),
  });
}

function showDiagnosis() {
  const games = Object.keys(snapshots);
  const lines = games.map((game) => {
    const prefix = games.length > 1 ? text("game prefix", { game: text("game " + "AB"[game]) }) : "";
    return prefix + text("problem " + (snapshots[game].problem || "none"));
  });
  setText($("diagnosis"), lines.join("\n"));
  const problems = games.map((game) => snapshots[game].problem);
  $("diagnosis").classList.toggle("problem", problems.some((name) => name && name !== "early"));
}

function showRound(message) { // the round, and its place in the history
  const slider = $("history");
  slider.max = message.snapshots - 1;
  slider.value = message.index;
  slider.disabled = message.snapshots < 2;
  const rounds = message.curve.round, last = rounds[rounds.length - 1];
  const earlier = message.index < message.snapshots - 1;
  $("round").textContent = earlier
    ? text("at round of", { round: message.round, last }) : text("at round", { round: message.round });
  slider.setAttribute("aria-valuetext", $("round").textContent);
  $("resume").hidden = !earlier;
}
