// Slow motion: play one round, and show each line of Algorithm 1 with its numbers, one after another.
// The model graph shows in which direction numbers and gradients flow.
"use strict";

const STAGE_SECONDS = 1.6;
let slow = false; // whether slow motion is on
const stageTimers = {}; // a timer for each game

// For each line of Algorithm 1: the arrows of the graph along which numbers or gradients flow.
const FLOWS = {
  "noise D": ["z-G", "G-D"],
  data: ["x-D"],
  D: ["z-G", "G-D", "x-D", "D-V", "V-D-back"],
  "noise G": ["z-G", "G-D"],
  G: ["z-G", "G-D", "D-V", "V-D-back", "D-G-back", "G-G-back"],
  both: ["z-G", "G-D", "x-D", "D-V"],
};

function showFlow(line, trained = []) {
  for (const e of all("[data-flow]")) e.classList.toggle("on", (FLOWS[line] || []).includes(e.dataset.flow));
  for (const net of ["D", "G"]) $("node-" + net).classList.toggle("on", trained.includes(net));
}

function showGraphNumbers({ V, D_x, D_G_z }) {
  $("graph-V").textContent = formatNumber(V);
  $("graph-D_x").textContent = "D(x) " + formatNumber(D_x, 2);
  $("graph-D_G_z").textContent = "D(G(z)) " + formatNumber(D_G_z, 2);
}

function setSlow(on) {
  slow = on;
  for (const timer of Object.values(stageTimers)) clearTimeout(timer);
  $("slow").setAttribute("aria-pressed", String(on));
  document.body.dataset.slow = on ? "yes" : "no";
}

$("slow").addEventListener("click", () => {
  setSlow(!slow);
  if (slow) request({ type: "slow_round" });
  else for (const snapshot of Object.values(snapshots)) handlers.snapshot(snapshot);
});

function showSlowly({ game, stages }) {
  const final = stages[stages.length - 1].snapshot;
  final.game = game;
  if (!slow) { handlers.snapshot(final); return; }
  snapshots[game] = final; // another request displays it immediately
  const show = (i) => {
    const stage = stages[i];
    if (game === 0) showStage(stage, final);
    if (stage.board) fillBoard(stage.board, game);
    if (stage.snapshot) handlers.snapshot(final, true);
    clearTimeout(stageTimers[game]);
    stageTimers[game] = setTimeout(() => {
      if (!slow) return;
      if (i + 1 < stages.length) show(i + 1);
      else if (game === 0) request({ type: "slow_round" });
    }, 1000 * STAGE_SECONDS);
  };
  show(0);
}

function showStage(stage, { k, m, objective }) {
  const [part, net] = stage.line.split(" ").concat(stage.line).slice(0, 2);
  for (const e of all("[data-line]")) e.classList.toggle("lit", e.dataset.stage === stage.line);
  showFlow(stage.line, part === net ? [stage.line] : []);
  showGraphNumbers(stage.numbers);
  const { numbers, before } = stage;
  const values = { k, m, D_x: formatNumber(numbers.D_x, 2), D_G_z: formatNumber(numbers.D_G_z, 2) };
  if (before) values.change = changeOf(stage.line === "D" ? before.V : before.g_loss, stage.line === "D" ? numbers.V : numbers.g_loss);
  values.loss = lossOfG(objective);
  setText($("explanation"), text("slow " + stage.line, values));
}
