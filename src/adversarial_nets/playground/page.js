// The page: sends what a visitor does, and shows what the server tells. All computing is the server's.
"use strict";

const told = JSON.parse(document.getElementById("told").textContent);
const $ = (id) => document.getElementById(id);
const all = (query) => [...document.querySelectorAll(query)];

let lang = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
let lesson = "";
let socket = null;
let now = null; // the last state that the server told
let frames = {}; // the last frame of each seat
let copying = null; // what to do with what is to be shared
const drawnAt = []; // when pictures were drawn, for the rate

// --- Words ---------------------------------------------------------------------------------------

function say(name, gaps = {}) {
  const both = told.words[name];
  if (!both) return name;
  return both[lang].replace(/\{(\w+)\}/g, (whole, gap) => (gap in gaps ? gaps[gap] : ""));
}

function number(value, digits = 3) {
  if (value === null || value === undefined) return "∞";
  const size = Math.abs(value);
  if (digits === 3 && size < 0.01 && size >= 5e-5) digits = 4; // a small divergence still has digits
  return (size < 5e-5 ? 0 : value).toFixed(digits).replace("-", "−");
}

function setWords() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  for (const e of all("[data-w]")) e.textContent = say(e.dataset.w);
  for (const e of all("[data-label]")) {
    if (e.tagName === "OPTGROUP") e.label = say(e.dataset.label);
    else e.setAttribute("aria-label", say(e.dataset.label));
  }
  showState();
  for (const seat of Object.keys(frames)) showFrame(frames[seat]);
  showLesson();
}

function complain(words) {
  if ($("said").textContent !== words) $("said").textContent = words;
}

// --- The wire ------------------------------------------------------------------------------------

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function act(message) { // what a person did: an old complaint is over
  complain("");
  send(message);
}

function connect() {
  complain(say("connecting"));
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/play`);
  socket.onopen = () => {
    complain("");
    const held = readAddress();
    send({ do: "open", state: held.state || null, lang, theme });
    if (held.lesson) { lesson = held.lesson; showLesson(); }
    for (const name of ["grid", "pull"]) $("show-" + name).checked = !(held.hidden || []).includes(name);
    if (held.board === "walk") showWalk(held.walk);
  };
  socket.onmessage = (event) => {
    const messages = JSON.parse(event.data);
    let drawn = false;
    for (const message of messages) {
      hear[message.is](message);
      drawn = drawn || message.is === "frame";
    }
    if (drawn) requestAnimationFrame(() => setTimeout(() => { send({ do: "drawn" }); rate(); }, 0));
  };
  socket.onclose = (event) => {
    document.body.dataset.connected = "no";
    if (now) writeAddress();
    if (event.code === 1009) complain(say("why too large message"));
    else if (!$("said").textContent) complain(say("lost"));
  };
}

const hear = {
  board: showBoard,
  frame: (message) => {
    frames[message.seat] = message;
    if (now && now.playing) now.state.rounds = message.round;
    showFrame(message);
  },
  state: (message) => {
    now = message;
    showState();
    writeAddress();
    document.body.dataset.connected = "yes";
    if (!now.playing) for (const seat of Object.keys(frames)) showFrame(frames[seat]);
  },
  refused: (message) => {
    const { option } = message.gaps;
    complain(say("why " + message.why, { ...message.gaps, name: option && say("setting " + option) }));
    if (!now) send({ do: "open", state: null, lang, theme }); // an address that cannot be played
    else showState();
  },
  share: (message) => { if (copying) copy(message[copying]); copying = null; },
  file: save,
  nearest: (message) => {
    const seat = $("seat-" + message.seat);
    seat.querySelector(".near").hidden = false;
    seat.querySelector(".nearest").src = "data:image/png;base64," + message.png;
    seat.querySelector(".nearest").alt = say("nearest row");
  },
  walk: drawWalk,
};

// --- The address holds the state -----------------------------------------------------------------

function readAddress() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1))) || {};
  } catch {
    return {};
  }
}

function writeAddress() {
  const held = { state: now.state, lang, theme };
  if (lesson) held.lesson = lesson;
  const hidden = ["grid", "pull"].filter((name) => !$("show-" + name).checked);
  if (hidden.length) held.hidden = hidden;
  if (document.body.dataset.board === "walk") { held.board = "walk"; held.walk = walkNow(); }
  history.replaceState(null, "", "#" + encodeURIComponent(JSON.stringify(held)));
}

// --- Boards --------------------------------------------------------------------------------------

const views = { main: [], chart: [], pad: [] };

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function floats(column) {
  return new Float32Array(bytes(column.f32).buffer);
}

function model(place, seat, name) {
  const view = views[place][seat];
  return view && view.model.document.get_model_by_name(name);
}

async function embed(item, place, seat) {
  const element = $(item.target_id);
  if (views[place][seat]) views[place][seat].model.document.clear();
  element.replaceChildren();
  const manager = await Bokeh.embed.embed_item(item);
  views[place][seat] = [...manager][0];
  if (place !== "pad") for (const child of element.children) child.inert = true; // a picture, no stop for Tab
}

const embedding = {};
const readAt = {}; // when the readings of each seat were last shown

function showBoard(message) {
  const { seat, seats, kind } = message;
  const article = $("seat-" + seat);
  article.dataset.kind = kind;
  article.dataset.points = message.points;
  article.querySelector(".sheet").hidden = kind !== "images";
  article.querySelector(".near").hidden = true;
  for (let i = 0; i < 2; i++) {
    $("seat-" + i).hidden = i >= seats;
    $("seat-" + i).querySelector(".which").hidden = seats < 2;
    if (i >= seats) delete frames[i];
  }
  $("seats").classList.toggle("two", seats > 1);
  if (document.body.dataset.board !== "walk") document.body.dataset.board = kind;
  embedding[seat] = Promise.all(
    Object.entries(message.figures).map(([place, item]) => embed(item, place, seat)),
  ).then(() => { delete embedding[seat]; });
}

async function showFrame(message) {
  const seat = message.seat;
  if (embedding[seat]) await embedding[seat];
  if (frames[seat] !== message) return; // a newer one has come meanwhile
  fill(message, seat);
  // While it plays, what is read rather than watched keeps to a pace that can be read.
  const time = performance.now();
  document.body.dataset.shown = $("seat-0").dataset.kind;
  document.body.dataset.round = frames[0].round;
  if (seat === 0) showPlace(message);
  if (now && now.playing && time - (readAt[seat] || 0) < 250) return;
  readAt[seat] = time;
  const curve = model("chart", seat, "curve");
  if (curve) {
    const { round, V, C } = message.curve;
    const floor = C ? message.readings.C[1] : 0;
    curve.data = { round, V, C: C || V, floor: round.map(() => floor) };
    $("seat-" + seat).classList.toggle("no-C", !C);
    model("chart", seat, "rounds").end = Math.max(10, round[round.length - 1]);
  }
  if (seat === 0) {
    showReadings(message);
    showAlgorithm(message);
    showDiagnosis();
  }
  const words = say("picture of", {
    kind: say("board " + $("seat-" + seat).dataset.kind),
    round: message.round,
    readings: Object.entries(message.readings).slice(0, 4)
      .map(([name, [value]]) => `${say("read " + name, { m: message.m })} ${number(value)}`).join(", "),
  });
  for (const place of ["main", "chart"]) $(`${place}-${seat}`).setAttribute("aria-label", words);
  const samples = $("seat-" + seat).querySelector(".samples");
  samples.alt = message.png ? words : "";
}

function fill(message, seat) {
  const put = (name, data) => {
    const source = model("main", seat, name);
    if (source) source.data = { ...source.data, ...data };
  };
  if (message.curves) {
    put("curves", Object.fromEntries(Object.entries(message.curves).map(([n, c]) => [n, floats(c)])));
    put("arrows", { there: floats(message.arrows.there) });
  }
  if (message.samples) put("samples", { x: floats(message.samples.x), y: floats(message.samples.y) });
  if (message.heat) {
    const source = model("main", seat, "heat");
    if (source) {
      source.data.image[0].set(Float32Array.from(bytes(message.heat.bytes), (v) => v / 255));
      source.change.emit();
    }
  }
  if (message.grid) {
    const { lines, points } = message.grid, xy = floats(message.grid.xy), xs = [], ys = [];
    for (let i = 0; i < lines; i++) {
      const line = xy.subarray(2 * points * i, 2 * points * (i + 1));
      xs.push(line.filter((_, j) => j % 2 === 0));
      ys.push(line.filter((_, j) => j % 2 === 1));
    }
    put("grid", $("show-grid").checked ? { xs, ys } : { xs: [], ys: [] });
  }
  if (message.pull) {
    const shown = $("show-pull").checked;
    put("pull", Object.fromEntries(Object.entries(message.pull).map(([n, c]) => [n, shown ? floats(c) : []])));
  }
  if (message.judged) {
    put("judged", { data: floats(message.judged.data), samples: floats(message.judged.samples) });
  }
  if (message.png) $("seat-" + seat).querySelector(".samples").src = "data:image/png;base64," + message.png;
}

function rate() {
  const time = performance.now();
  drawnAt.push(time);
  while (drawnAt.length > 1 && time - drawnAt[0] > 2000) drawnAt.shift();
  const fps = (1000 * (drawnAt.length - 1)) / Math.max(time - drawnAt[0], 1);
  document.body.dataset.fps = fps.toFixed(1);
  $("fps").textContent = now && now.playing && drawnAt.length > 5 ? say("fps", { fps: fps.toFixed(0) }) : "";
}

// --- What is read --------------------------------------------------------------------------------

function showReadings(message) {
  const shown = Object.entries(message.readings).filter(([name]) => name !== "data without samples");
  const rows = shown.map(([name, [value, perfect]]) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = say("read " + name, { m: message.m });
    const digits = name === "modes hit" ? 0 : 3;
    const cells = [value, perfect].map((v) => {
      const cell = document.createElement("td");
      cell.textContent = number(v, digits);
      return cell;
    });
    if (frames[1]) {
      const cell = document.createElement("td");
      cell.textContent = number(frames[1].readings[name]?.[0], digits);
      cells.splice(1, 0, cell);
    }
    row.append(head, ...cells);
    return row;
  });
  $("readings").tBodies[0].replaceChildren(...rows);
  $("readings").classList.toggle("both", 1 in frames);
  const bare = message.readings["data without samples"], { points } = $("seat-0").dataset;
  const how = [
    "V" in message.readings && `how ${"distance from the ring" in message.readings ? "curve" : $("seat-0").dataset.kind}`,
    "JSD classes" in message.readings && "how classes",
    points > 0 && "how points",
  ].filter(Boolean);
  const [share, perfect] = (bare || [0, 0]).map((v) => (100 * v).toFixed(1));
  write($("how"), how.map((name) => say(name, { share, perfect, points })).join(lang === "zh" ? "" : " "));
}

function write(element, words) { // only what has changed, so that it is not read aloud again
  if (element.textContent !== words) element.textContent = words;
}

function showAlgorithm(message) {
  for (const e of all("[data-say]")) e.textContent = say(e.dataset.say, { k: message.k, m: message.m });
  $("objective").textContent = message.objective === "minimax" ? "1/m Σ log(1 − D(G(z)))" : "1/m Σ −log D(G(z))";
  const lit = message.round === 0 ? [] : message.who === "both" ? ["for", "D", "G"] : [message.who];
  for (const e of all("[data-line]")) e.classList.toggle("lit", lit.includes(e.dataset.line));
  const gaps = {
    k: message.k, D_x: number(message.D_x, 2), D_G_z: number(message.D_G_z, 2),
    before: number(message.V_before), after: number(message.readings.V[0]),
  };
  $("explained").textContent = say(message.round === 0 ? "say begin" : "say " + message.who, gaps);
}

function showDiagnosis() {
  const lines = Object.keys(frames).map((seat) => {
    const name = frames[seat].trouble;
    const which = Object.keys(frames).length > 1 ? say("which is", { game: say("board " + "AB"[seat]) }) : "";
    return which + say("trouble " + (name || "none"));
  });
  write($("diagnosis"), lines.join("\n"));
  $("diagnosis").classList.toggle("trouble", Object.values(frames).some((f) => f.trouble && f.trouble !== "early"));
}

function showPlace(message) {
  const slider = $("history");
  slider.max = message.frames - 1;
  slider.value = message.index;
  slider.disabled = message.frames < 2;
  const rounds = message.curve.round, last = rounds[rounds.length - 1];
  const back = message.index < message.frames - 1;
  $("round").textContent = back
    ? say("at round of", { round: message.round, last }) : say("at round", { round: message.round });
  slider.setAttribute("aria-valuetext", $("round").textContent);
  $("back").hidden = !back;
}

// --- What is set ---------------------------------------------------------------------------------

function showState() {
  if (!now) return;
  const run = $("run");
  run.querySelector("span").dataset.w = now.playing ? "pause" : "run";
  run.querySelector("span").textContent = say(now.playing ? "pause" : "run");
  document.body.dataset.playing = now.playing ? "yes" : "no";
  document.body.dataset.busy = now.busy ? "yes" : "no";
  $("speed").value = now.state.speed;
  const data = now.state.data, known = [...$("data").options].some((o) => o.value === data);
  $("data").querySelector('[value="points:"]').hidden = known;
  $("data").value = known ? data : "points:";
  $("beside").checked = now.options.length > 1;
  $("which").hidden = now.options.length < 2;
  const options = now.options[Math.min(Number($("setting-seat").value), now.options.length - 1)];
  for (const e of all("[data-option]")) {
    if (e === document.activeElement && e.tagName === "INPUT") continue;
    const value = options[e.dataset.option], one = Array.isArray(value) ? value[0] : value;
    const text = e.dataset.option === "D.keep_prob_hidden" ? one.toFixed(1) : String(one === null ? "None" : one);
    e.value = text;
  }
  for (const e of all("[data-layers]")) {
    const widths = options[e.dataset.layers];
    e.children[0].value = widths.length;
    if (e.children[1] !== document.activeElement) e.children[1].value = widths[0] || 0;
  }
  document.querySelector('[data-option="z_size"]').disabled = now.kind === "line";
  document.querySelector('[data-option="prior"] [value=spherical]').disabled = now.kind === "line";
  for (const tab of all(".tab")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.board === document.body.dataset.board));
  }
  $("weights").textContent = now.weights ? now.weights.join(" ") : "…";
  if (now.busy && !now.playing) $("fps").textContent = say("replaying", { goal: now.state.rounds });
  else if (!now.playing) $("fps").textContent = "";
}

function showLesson() {
  $("lesson").value = lesson;
  $("about").hidden = !lesson;
  $("about").textContent = lesson ? say("about " + lesson) : "";
}

function updateSetting(option, value) {
  act({ do: "update_setting", seat: $("which").hidden ? 0 : Number($("setting-seat").value), option, value });
}

for (const e of all("[data-option]")) {
  e.addEventListener("change", () => {
    const option = e.dataset.option;
    const number = e.type === "number" || option === "D.keep_prob_hidden";
    if (number && (e.value === "" || !e.checkValidity())) { e.reportValidity?.(); showState(); return; }
    const value = number ? Number(e.value) : e.value;
    updateSetting(option, option === "G.activations" ? [value] : value === "None" ? null : value);
  });
}
for (const e of all("[data-layers]")) {
  const [layers, units] = e.children;
  const changed = () => {
    if (!units.checkValidity()) { units.reportValidity(); return; }
    updateSetting(e.dataset.layers, Array(Number(layers.value)).fill(Number(units.value) || 32));
  };
  layers.addEventListener("change", changed);
  units.addEventListener("change", changed);
}
$("setting-seat").addEventListener("change", showState);

// --- What a visitor does -------------------------------------------------------------------------

function toggle() { act({ do: now && now.playing ? "pause" : "run" }); }

$("run").addEventListener("click", toggle);
for (const e of all("[data-step]")) e.addEventListener("click", () => act({ do: "step", who: e.dataset.step }));
$("reset").addEventListener("click", () => act({ do: "reset" }));
$("speed").addEventListener("change", (e) => act({ do: "speed", value: Number(e.target.value) }));
$("history").addEventListener("input", (e) => act({ do: "seek", index: Number(e.target.value) }));
$("back").addEventListener("click", () => act({ do: "back" }));
$("beside").addEventListener("change", (e) => { setLesson(""); act({ do: "beside", on: e.target.checked }); });
$("data").addEventListener("change", (e) => { setLesson(""); act({ do: "data", value: e.target.value }); });
for (const id of ["show-grid", "show-pull"]) {
  $(id).addEventListener("change", () => {
    for (const seat of Object.keys(frames)) fill(frames[seat], seat);
    writeAddress();
  });
}
for (const tab of all(".tab")) {
  tab.addEventListener("click", () => {
    setLesson("");
    if (tab.dataset.board === "walk") { showWalk(); return; }
    document.body.dataset.board = tab.dataset.board;
    $("walk").hidden = true;
    if (now.kind !== tab.dataset.board) act({ do: "data", value: told.first[tab.dataset.board] });
    else { showState(); writeAddress(); }
  });
}
$("lesson").addEventListener("change", (e) => {
  setLesson(e.target.value);
  if (lesson) act({ do: "lesson", name: lesson });
});
for (const e of all(".ask-nearest")) e.addEventListener("click", () => act({ do: "nearest" }));

function setLesson(name) {
  lesson = name;
  showLesson();
}

$("lang").addEventListener("click", () => { lang = lang === "zh" ? "en" : "zh"; setWords(); dress(); });
$("theme").addEventListener("click", () => { theme = theme === "dark" ? "light" : "dark"; dress(); });

function dress() {
  document.documentElement.dataset.theme = theme;
  act({ do: "dress", lang, theme });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = Number($("history").max), at = Number($("history").value);
  const keys = {
    " ": toggle,
    n: () => act({ do: "step", who: "both" }),
    d: () => act({ do: "step", who: "D" }),
    g: () => act({ do: "step", who: "G" }),
    r: () => act({ do: "reset" }),
    ArrowLeft: () => at > 0 && act({ do: "seek", index: at - 1 }),
    ArrowRight: () => at < last && act({ do: "seek", index: at + 1 }),
  };
  const key = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!key || (event.key === " " && event.target.closest("button, a, summary"))) return;
  event.preventDefault();
  key();
});

// --- Data of one's own ---------------------------------------------------------------------------

for (const e of all("[data-close]")) e.addEventListener("click", () => e.closest("dialog").close());

$("draw").addEventListener("click", async () => {
  $("pad-dialog").showModal();
  const item = await (await fetch("pad?theme=" + theme)).json();
  await embed(item, "pad", 0);
});
const strokes = () => model("pad", 0, "strokes");
$("draw-clear").addEventListener("click", () => { strokes().data = { xs: [], ys: [] }; });
$("draw-use").addEventListener("click", () => {
  const { xs, ys } = strokes().data;
  const drawn = Array.from(xs, (x, i) => Array.from(x, (v, j) => [v, ys[i][j]]));
  $("pad-dialog").close();
  setLesson("");
  act({ do: "drawing", strokes: drawn });
});

$("paste").addEventListener("click", () => $("paste-dialog").showModal());
$("paste-use").addEventListener("click", () => { $("paste-dialog").close(); sendPoints($("paste-text").value); });
$("upload").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  if (file.size > 200000) complain(say("why too large", { most: "200 kB" }));
  else sendPoints(await file.text());
});

function sendPoints(text) {
  setLesson("");
  act({ do: "points", text });
}

// --- Taking it away ------------------------------------------------------------------------------

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    complain(say("copied"));
  } catch { // no clipboard here: let it be copied by hand
    $("copy-text").value = text;
    $("copy-dialog").showModal();
    $("copy-text").select();
  }
}

$("copy-link").addEventListener("click", () => { writeAddress(); copy(location.href); });
for (const what of ["command", "program"]) {
  $("copy-" + what).addEventListener("click", () => { copying = what; act({ do: "share" }); });
}
for (const e of all("[data-export]")) {
  e.addEventListener("click", () => { complain(say("working")); send({ do: "export", what: e.dataset.export }); });
}

function save(message) {
  complain("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes(message.bytes)]));
  link.download = message.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// --- A walk through a trained run ----------------------------------------------------------------

function showWalk(held) {
  if (held) {
    for (const [id, value] of [["walk-a", held.a + 1], ["walk-b", held.b + 1], ["walk-t", held.t]]) $(id).value = value;
    moves = Array.isArray(held.moves) ? held.moves : [];
  }
  document.body.dataset.board = "walk";
  $("walk").hidden = false;
  for (const tab of all(".tab")) tab.setAttribute("aria-pressed", String(tab.dataset.board === "walk"));
  askWalk();
}

let moves = []; // how far each slider is moved, before there are sliders

function walkNow() {
  const sliders = all("#moves input");
  return {
    a: Number($("walk-a").value) - 1,
    b: Number($("walk-b").value) - 1,
    t: Number($("walk-t").value),
    moves: sliders.length ? sliders.map((e) => Number(e.value)) : moves,
  };
}

function askWalk() {
  if (!["walk-a", "walk-b"].every((id) => $(id).value !== "" && $(id).checkValidity())) return;
  act({ do: "walk", ...walkNow() });
  if (now) writeAddress();
}

function drawWalk(message) {
  for (const [id, png] of [["picks", message.picks], ["line", message.line], ["here", message.here]]) {
    $(id).src = "data:image/png;base64," + png;
    $(id).alt = say(id === "picks" ? "walk picks" : id === "line" ? "walk line" : "walk here");
  }
  for (const [id, at] of [["mark-a", message.a], ["mark-b", message.b]]) {
    $(id).style.left = `${12.5 * (at % 8)}%`;
    $(id).style.top = `${(100 / 3) * Math.floor(at / 8)}%`;
  }
  if (!$("moves").children.length) {
    for (let i = 1; i <= message.sliders; i++) {
      const label = document.createElement("label"), words = document.createElement("span");
      const slider = document.createElement("input");
      words.textContent = say("walk move", { n: i });
      Object.assign(slider, { type: "range", min: -5, max: 5, step: 0.1, value: moves[i - 1] || 0 });
      slider.addEventListener("input", askWalk);
      label.append(words, slider);
      $("moves").append(label);
    }
  }
}

let picking = "walk-a"; // a click picks an end, in turn
$("picks").addEventListener("click", (event) => {
  const box = event.target.getBoundingClientRect();
  const column = Math.floor((8 * (event.clientX - box.left)) / box.width);
  const row = Math.floor((3 * (event.clientY - box.top)) / box.height);
  $(picking).value = 1 + row * 8 + column;
  picking = picking === "walk-a" ? "walk-b" : "walk-a";
  askWalk();
});
for (const id of ["walk-a", "walk-b", "walk-t"]) $(id).addEventListener("input", askWalk);

// --- Begin ---------------------------------------------------------------------------------------

const held = readAddress();
if (held.lang in { en: 0, zh: 0 }) lang = held.lang;
if (held.theme in { light: 0, dark: 0 }) theme = held.theme;
document.documentElement.dataset.theme = theme;
setWords();
connect();
