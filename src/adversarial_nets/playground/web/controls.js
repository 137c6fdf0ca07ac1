// The controls: show the state of the games, and send the user's requests.
"use strict";

let copying = null; // "command" or "program": the text to copy when the server answers

// --- Showing the state ---------------------------------------------------------------------------

function showState() {
  if (!current) return;
  const label = $("play").querySelector("span");
  label.dataset.text = current.playing ? "pause" : "play";
  label.textContent = text(label.dataset.text);
  document.body.dataset.playing = current.playing ? "yes" : "no";
  document.body.dataset.busy = current.busy ? "yes" : "no";
  $("speed").value = current.state.speed;
  if ($("pause-at") !== document.activeElement) {
    $("pause-at").value = current.state.pause_at < config.maxRounds ? current.state.pause_at : "";
  }
  showData(current.state.data);
  $("compare").checked = current.settings.length > 1;
  $("setting-of").hidden = current.settings.length < 2;
  showSettings(current.settings[Math.min(Number($("setting-game").value), current.settings.length - 1)]);
  showTabs();
  $("weights").textContent = current.weights ? current.weights.join(" ") : "…";
  if (current.busy && !current.playing) $("fps").textContent = text("replaying", { goal: current.state.rounds });
  else if (!current.playing) $("fps").textContent = "";
}

function showData(data) {
  const own = $("data").querySelector('[value="points:"]');
  const listed = [...all("#data input")].find((choice) => choice.value === data);
  own.closest("label").hidden = Boolean(listed);
  (listed || own).checked = true;
}

function showSettings(settings) {
  for (const e of all("[data-setting]")) {
    if (e === document.activeElement && e.tagName === "INPUT") continue; // the user is typing
    const name = e.dataset.setting, value = e.dataset.rate ? rateOf(settings, e.dataset.rate) : settings[name], first = Array.isArray(value) ? value[0] : value;
    e.value = name === "D.keep_prob_hidden" ? first.toFixed(1) : String(first === null ? "None" : first);
  }
  for (const e of all("[data-layers]")) {
    const [layers, units] = e.children, sizes = settings[e.dataset.layers];
    layers.value = sizes.length;
    if (units !== document.activeElement) units.value = sizes.length ? sizes[0] : "";
    units.required = sizes.length > 0;
  }
  $("class-row").hidden = settings.condition !== "classes";
  for (const e of all("[data-only]")) e.hidden = e.dataset.only !== current.kind;
  // On a line z has one dimension.
  document.querySelector('[data-setting="z_size"]').disabled = current.kind === "line";
  document.querySelector('[data-setting="prior"] [value=spherical]').disabled = current.kind === "line";
}

function showTabs() {
  for (const tab of all(".tab")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.board === document.body.dataset.board));
  }
}

function setLesson(name) {
  lesson = name;
  showLesson();
}

function showLesson() { // the lesson's claim, and the part of the board that shows it
  $("lesson").value = lesson;
  const { board } = document.body.dataset;
  $("about").hidden = !board || board === "latent";
  showParagraphs($("about-lesson"), lesson ? text("about " + lesson) : "");
  showParagraphs($("about-board"), board && board !== "latent" ? text("look " + board) : "");
  $("meaning").hidden = true;
}

function showParagraphs(place, words) { // each line is a paragraph; lines that begin with "=" are formulas
  if (place.dataset.words === words) return;
  place.dataset.words = words;
  place.replaceChildren(...words.split("\n").filter(Boolean).map((line) => {
    const paragraph = document.createElement("p"), isFormula = line.startsWith("= ");
    if (isFormula) paragraph.className = "formula";
    for (const part of line.replace(/^= /, "").split(/([（(]?\[\[.*?\]\][。，；：、）).,;:]*)/)) {
      const [, before, term, after] = part.match(/^(.?)\[\[(.*?)\]\](.*)$/) || [];
      if (term) paragraph.append(asOne(before, termButton(term), after));
      else paragraph.append(...(isFormula ? withIndices(part) : [part]));
    }
    return paragraph;
  }));
}

function asOne(...parts) { // keep a term and the punctuation after it on one line
  const whole = document.createElement("span");
  whole.className = "whole";
  whole.append(...parts);
  return whole;
}

function withIndices(words) { // x_i and x^{t+1} with subscripts and superscripts
  return words.split(/([_^](?:\{[^}]*\}|\w+))/).map((part) => {
    if (!/^[_^]/.test(part)) return part;
    const index = document.createElement(part[0] === "_" ? "sub" : "sup");
    index.textContent = part.slice(1).replace(/[{}]/g, "");
    return index;
  });
}

function termButton(words) { // a term of the glossary: a click shows its meaning
  const [shown, term = shown] = words.split("|"), button = document.createElement("button");
  Object.assign(button, { type: "button", className: "term", textContent: shown });
  button.addEventListener("click", () => {
    const name = term in config.glossary[lang] ? term : term.toLowerCase();
    setText($("meaning"), text("meaning", { term: name, meaning: config.glossary[lang][name] }));
    $("meaning").hidden = false;
  });
  return button;
}

function rateOf({ lr, d_lr_multiplier: multiplier }, network) { // the learning rate of one network
  return Number((network === "G" ? lr : lr * multiplier).toPrecision(6));
}

// --- Settings ------------------------------------------------------------------------------------

function updateSetting(setting, value) {
  const game = $("setting-of").hidden ? 0 : Number($("setting-game").value);
  request({ type: "update_setting", game, setting, value });
}

function updateRate(network, value) { // the other network's rate stays
  const game = $("setting-of").hidden ? 0 : Number($("setting-game").value);
  const rates = { G: rateOf(current.settings[game], "G"), D: rateOf(current.settings[game], "D"), [network]: value };
  request({ type: "set_rates", game, ...rates });
}

for (const e of all("[data-setting]")) {
  e.addEventListener("change", () => {
    const setting = e.dataset.setting;
    const isNumber = e.type === "number" || setting === "D.keep_prob_hidden";
    if (!e.checkValidity()) { refuse(e); return; }
    if (e.dataset.rate) { updateRate(e.dataset.rate, Number(e.value)); return; }
    const value = isNumber ? Number(e.value) : e.value;
    updateSetting(setting, setting === "G.activations" ? [value] : value === "None" ? null : value);
  });
}
for (const e of all("[data-layers]")) {
  const [layers, units] = e.children;
  const changed = () => {
    if (!units.checkValidity()) { refuse(units); return; }
    updateSetting(e.dataset.layers, Array(Number(layers.value)).fill(Number(units.value) || 32));
  };
  layers.addEventListener("change", changed);
  units.addEventListener("change", changed);
}
$("setting-game").addEventListener("change", showState);

function refuse(field) { // show the allowed range, and restore the current number
  showNotice(rangeOf(field));
  field.blur();
  showState();
}

function rangeOf(field) { // the allowed range in the language of the page; the browser may use another language
  const name = field.dataset.label || field.closest("label").querySelector("[data-text]").dataset.text;
  const given = field.value || text(field.validity.badInput ? "given no number" : "given nothing");
  const kind = (field.step === "any" ? "number" : "whole number") + (field.max === "" ? " without limit" : "");
  return text("error " + kind, { name: text(name), least: field.min, most: field.max, given });
}

// --- Playback, data, lessons ---------------------------------------------------------------------

function togglePlaying() { request({ type: current && current.playing ? "pause" : "play" }); }

$("play").addEventListener("click", togglePlaying);
for (const e of all("[data-step]")) e.addEventListener("click", () => request({ type: "step", train: e.dataset.step }));
$("reset").addEventListener("click", () => request({ type: "reset" }));
$("curve").addEventListener("change", () => { for (const game of games()) fillChart(snapshots[game], game); });
$("trained").addEventListener("click", () => request({ type: "trained_start" }));
$("speed").addEventListener("change", (e) => request({ type: "set_speed", value: Number(e.target.value) }));
$("play-to").addEventListener("submit", (e) => {
  e.preventDefault();
  request({ type: "play", to: Number($("pause-at").value) });
});
$("pause-at").addEventListener("invalid", (e) => { // without focus the box does not show the browser's message
  e.preventDefault();
  refuse(e.target);
});
$("resume").addEventListener("click", () => {
  request({ type: "resume_here" });
  showNotice(text("dropped", { round: snapshots[0].round }), () => history.back());
});

// At most one request to show an earlier round waits for its answer. While the slider is dragged,
// only its last position is requested next.
let seeking = null, soughtNext = null; // the requested round, and the round to request after it

$("history").addEventListener("input", (e) => seek(Number(e.target.value)));

function seek(index) {
  const round = snapshots[0].curve.round[index];
  if (seeking === null) { seeking = round; request({ type: "seek", round }); }
  else soughtNext = round;
}

function seekAgain(answered) {
  if (answered !== seeking) return;
  const next = soughtNext;
  seeking = soughtNext = null;
  if (next !== null && next !== answered) { seeking = next; request({ type: "seek", round: next }); }
}

$("compare").addEventListener("change", (e) => { setLesson(""); request({ type: "compare", on: e.target.checked }); });
$("data").addEventListener("change", (e) => { setLesson(""); request({ type: "set_data", value: e.target.value }); });
for (const tab of all(".tab")) {
  tab.addEventListener("click", () => {
    setLesson("");
    if (tab.dataset.board === "latent") { showLatent(); return; }
    hideLatent();
    document.body.dataset.board = tab.dataset.board;
    if (current.kind !== tab.dataset.board) request({ type: "set_data", value: config.defaultData[tab.dataset.board] });
    else { showState(); writeAddress(true); }
  });
}
$("lesson").addEventListener("change", (e) => {
  setLesson(e.target.value);
  if (lesson) request({ type: "start_lesson", name: lesson });
});
for (const e of all(".show-nearest")) e.addEventListener("click", () => request({ type: "nearest" }));

$("lang").addEventListener("click", () => { lang = lang === "zh" ? "en" : "zh"; showTexts(); setAppearance(); });
$("theme").addEventListener("click", () => { theme = theme === "dark" ? "light" : "dark"; setAppearance(); });

$("to-settings").addEventListener("click", () => $("settings").scrollIntoView());

$("projector").addEventListener("click", () => setProjector(document.body.dataset.projector !== "yes"));

function setProjector(on) { // large texts and thick lines, for the last row of a lecture hall
  document.body.dataset.projector = on ? "yes" : "no";
  $("projector").setAttribute("aria-pressed", String(on));
  for (const view of [...views.main, ...views.chart, ...views.metric]) if (view) enlarge(view.model, on);
  if (current) writeAddress();
}

function setAppearance() { // the server draws the figures again
  document.documentElement.dataset.theme = theme;
  request({ type: "set_appearance", lang, theme });
}

// Keys work wherever the focus is, except while the user is typing. After a click the focus returns to the
// page: otherwise Space would press the clicked button again, and letters would choose a lesson.
let pointing = false; // whether the last event came from a mouse or finger, not from the keyboard

document.addEventListener("pointerdown", () => { pointing = true; }, true);
document.addEventListener("keydown", () => { pointing = false; }, true);
for (const kind of ["click", "change"]) {
  document.addEventListener(kind, (event) => {
    const used = event.target.closest("button, select, summary, input[type=checkbox], input[type=radio], input[type=range]");
    const opens = kind === "click" && used && used.tagName === "SELECT";
    if (pointing && used && !opens && !used.closest("dialog")) used.blur();
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox], [type=radio], [type=range]), textarea, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.body.dataset.board === "latent") return;
  const last = Number($("history").max), at = Number($("history").value);
  const actions = {
    " ": togglePlaying,
    n: () => request({ type: "step", train: "both" }),
    d: () => request({ type: "step", train: "D" }),
    g: () => request({ type: "step", train: "G" }),
    r: () => request({ type: "reset" }),
    p: () => $("projector").click(),
    ArrowLeft: () => at > 0 && seek(at - 1),
    ArrowRight: () => at < last && seek(at + 1),
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const own = event.key.length > 1 ? "select, input" : event.key === " " ? "button, a, summary, select, input" : null;
  if (!action || (own && event.target.closest(own))) return; // the element itself uses this key
  event.preventDefault();
  action();
});

document.addEventListener("keyup", (event) => { // keys work again (a timer could end after the user has returned to the field)
  if (event.key === "Enter" && event.target.matches("main input[type=number]")) event.target.blur();
});

// --- The user's own data -------------------------------------------------------------------------

for (const e of all("[data-close]")) e.addEventListener("click", () => e.closest("dialog").close());

const strokes = () => bokehModel("pad", 0, "strokes");
$("draw").addEventListener("click", async () => {
  $("pad-dialog").showModal();
  const item = await (await fetch("pad?theme=" + theme)).json();
  await embed(item, "pad", 0);
});
$("draw-clear").addEventListener("click", () => { strokes().data = { xs: [], ys: [] }; });
$("draw-use").addEventListener("click", () => {
  const { xs, ys } = strokes().data;
  const drawn = Array.from(xs, (x, i) => Array.from(x, (v, j) => [v, ys[i][j]]));
  $("pad-dialog").close();
  setLesson("");
  request({ type: "use_drawing", strokes: drawn });
});

$("paste").addEventListener("click", () => $("paste-dialog").showModal());
$("paste-use").addEventListener("click", () => { $("paste-dialog").close(); sendPoints($("paste-text").value); });
$("upload").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  $("file").value = "";
  if (!file) return;
  if (file.size > 200000) showNotice(text("error too large", { most: "200 kB" }));
  else sendPoints(await file.text());
});

function sendPoints(csv) {
  setLesson("");
  request({ type: "use_points", text: csv });
}

// --- Sharing and saving --------------------------------------------------------------------------

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    showNotice(text("copied"));
  } catch { // no access to the clipboard: show the text, so that the user can copy it
    $("copy-text").value = words;
    $("copy-dialog").showModal();
    $("copy-text").select();
  }
}

function copyShared(message) {
  if (copying) copy(message[copying]);
  copying = null;
}

$("copy-link").addEventListener("click", () => { writeAddress(); copy(location.href); });
for (const what of ["command", "program"]) {
  $("copy-" + what).addEventListener("click", () => { copying = what; request({ type: "share" }); });
}
$("save-csv").addEventListener("click", () => { showNotice(text("working")); send({ type: "export" }); });

function saveFile(message) {
  showNotice("");
  download(message.name, new Blob([decodeBase64(message.bytes)]));
}

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
