// Functions that all scripts of the page use: texts, the connection to the server, and the address.
// The page does not compute the game: it sends requests and displays the server's answers.
"use strict";

const config = JSON.parse(document.getElementById("config").textContent);
const $ = (id) => document.getElementById(id);
const all = (query) => [...document.querySelectorAll(query)];

let lang = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
let lesson = "";
let socket = null;
let current = null; // the latest state message
let snapshots = {}; // the latest snapshot message of each game
let addressTime = 0; // when the address was last written

// --- Texts ---------------------------------------------------------------------------------------

function text(name, values = {}) { // the text with this name, its {placeholders} filled
  const translations = config.words[name];
  if (!translations) return name;
  return translations[lang].replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : ""));
}

// The name of a metric. Some names depend on the objective of the game.
function metricName(name, { m, objective }) {
  const own = `metric ${name} ${objective}`;
  return text(own in config.words ? own : "metric " + name, { m });
}

function formatNumber(value, digits = 3) {
  if (value === null || value === undefined) return "∞";
  const size = Math.abs(value);
  if (digits === 3 && size < 0.01 && size >= 5e-5) digits = 4; // show two digits of a small divergence
  return (size < 5e-5 ? 0 : value).toFixed(digits).replace("-", "−");
}

function showTexts() { // all texts of the page, in the current language
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  document.title = text("title");
  for (const e of all("[data-text]")) e.textContent = text(e.dataset.text);
  for (const e of all("[data-label]")) {
    e.setAttribute("aria-label", text(e.dataset.label));
  }
  showState();
  for (const message of Object.values(snapshots)) showSnapshot(message);
  showLatentTexts();
  showLesson();
}

function setText(element, words) { // only if it has changed, so that screen readers do not repeat it
  if (element.textContent !== words) element.textContent = words;
}

function showNotice(words, button = null) { // the button undoes the change that the notice reports
  setText($("notice-text"), words);
  $("undo").hidden = button === null;
  $("undo").onclick = button;
}

// --- The connection ------------------------------------------------------------------------------

const PING_SECONDS = 10, SILENCE_SECONDS = 45, MAX_RETRY_SECONDS = 15;
let lastHeard = 0; // when the server's last message arrived
let retrySeconds = 1;
let unsent = null; // a request made while there was no connection
let asked = ""; // the type of the last request

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function request(message) { // send a request of the user, and remove the notice of an earlier request
  showNotice("");
  if (current) writeAddress(); // so that Back returns to this round
  if (slow && !["slow_round", "set_speed", "update_setting", "set_rates"].includes(message.type)) setSlow(false);
  asked = message.type;
  if (socket.readyState === WebSocket.OPEN) send(message);
  else { unsent = message; connect(); }
}

function connect() {
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  if (!current) showNotice(text("connecting"));
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/play`);
  const mine = socket;
  let opened = false;
  socket.onopen = () => {
    opened = true;
    retrySeconds = 1;
    ended = "";
    lastHeard = performance.now();
    showNotice("");
    openAddress(readAddress(), current !== null || reloaded);
    reloaded = false;
    if (resumePlaying) send({ type: "play" });
    if (unsent) send(unsent);
    resumePlaying = false;
    unsent = null;
  };
  socket.onmessage = (event) => {
    lastHeard = performance.now();
    const messages = JSON.parse(event.data);
    for (const message of messages) handlers[message.type](message);
    if (messages.some((message) => message.type === "snapshot")) {
      requestAnimationFrame(() => setTimeout(() => { send({ type: "rendered" }); showFrameRate(); }, 0));
    }
  };
  socket.onclose = (event) => { if (mine === socket) connectionLost(event.code, opened); };
}

let reloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";
let resumePlaying = false; // whether the games were running when the connection was lost

function connectionLost(code, opened) {
  document.body.dataset.connected = "no";
  socket = { readyState: WebSocket.CLOSED };
  if (current) {
    resumePlaying = resumePlaying || current.playing;
    writeAddress();
    current.playing = current.busy = false;
    morphing = askingClass = false;
    seeking = soughtNext = null;
    showState();
  }
  if (["full", "idle", "broken"].includes(ended)) { ended = ""; resumePlaying = false; return; } // the server has sent the reason
  if (code === 1009) showNotice(text("error message too large"));
  else if (opened || current) showNotice(text("disconnected"));
  else {
    const port = location.port || (location.protocol === "https:" ? 443 : 80);
    showNotice(text("refused", { command: `advnets playground --allow ${location.hostname}:${port}` }));
  }
  setTimeout(connect, 1000 * retrySeconds);
  retrySeconds = Math.min(2 * retrySeconds, MAX_RETRY_SECONDS);
}

let ended = ""; // the reason why the server ends this session; empty if it has sent none

setInterval(() => { // if the network breaks, no event reports it
  if (!socket || socket.readyState !== WebSocket.OPEN) return;
  if (performance.now() - lastHeard < 1000 * SILENCE_SECONDS) { send({ type: "ping" }); return; }
  socket.onclose = null;
  socket.close();
  connectionLost(1006, true);
}, 1000 * PING_SECONDS);

// --- The address saves the state -----------------------------------------------------------------

function readAddress() { // the state that the address saves, with the field names of this version
  if (location.hash === "#latent") return { board: "latent" }; // printed by "advnets playground RUN"
  try {
    const address = JSON.parse(decodeURIComponent(location.hash.slice(1))) || {};
    return withCurrentNames(address);
  } catch {
    return {};
  }
}

function withCurrentNames(address) { // version 0.1.0 wrote "walk", "moves" and "pull"
  const hidden = (address.hidden || []).map((name) => (name === "pull" ? "gradient" : name));
  if (address.board !== "walk") return { ...address, hidden };
  const { moves, ...rest } = address.walk || {};
  return { ...address, hidden, board: "latent", latent: { ...rest, offsets: moves } };
}

function openAddress(address, resume = false) { // resume: after a reload or a lost connection
  if (address.lang in { en: 0, zh: 0 }) lang = address.lang;
  if (address.theme in { light: 0, dark: 0 }) theme = address.theme;
  document.documentElement.dataset.theme = theme;
  hideLayers(address.hidden || []);
  if ((address.projector === true) !== (document.body.dataset.projector === "yes")) setProjector(address.projector === true);
  setLesson(address.lesson || "");
  showTexts();
  asked = "open";
  setSlow(false);
  send({ type: "open", state: address.state || null, lang, theme, resume, page: pageName() });
  if (address.board === "latent") showLatent(address.latent);
  else hideLatent();
}

function writeAddress(newEntry = false) { // newEntry: the browser's Back button returns to the earlier address
  const address = { state: current.state, lang, theme };
  if (lesson) address.lesson = lesson;
  if (hiddenLayers.size) address.hidden = [...hiddenLayers];
  if (document.body.dataset.projector === "yes") address.projector = true;
  if (document.body.dataset.board === "latent") { address.board = "latent"; address.latent = latentPosition(); }
  const hash = "#" + encodeURIComponent(JSON.stringify(address));
  if (newEntry) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  addressTime = performance.now();
}

addEventListener("hashchange", () => { // Back, Forward, or another link opened in this tab
  resumePlaying = false;
  showNotice(""); // the notice belongs to the earlier address
  if (socket.readyState === WebSocket.OPEN) openAddress(readAddress());
});
addEventListener("pagehide", () => {
  if (!current) return;
  // While the game plays, a snapshot arrives before the state that counts its rounds.
  if (current.playing && snapshots[0]) current.state.rounds = Math.max(current.state.rounds, snapshots[0].round);
  writeAddress();
  keepForReload(location.hash); // a reload uses the address from before this event
});

function keepForReload(hash) {
  try { sessionStorage.setItem("addressOnLeaving", hash); } catch { /* storage is blocked: the last written address counts */ }
}

let thisPage = "";

function pageName() { // the name of this tab; it survives a reload, so that the same games continue
  try {
    thisPage = thisPage || sessionStorage.getItem("page") || String(Math.random());
    sessionStorage.setItem("page", thisPage);
  } catch { thisPage = thisPage || String(Math.random()); /* storage is blocked: a reload makes a new name */ }
  return thisPage;
}

function restoreAfterReload() {
  if (!reloaded) return;
  try {
    const hash = sessionStorage.getItem("addressOnLeaving");
    if (hash) history.replaceState(null, "", hash);
  } catch { /* storage is blocked */ }
}
