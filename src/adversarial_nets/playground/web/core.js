// What all scripts of the page share: texts, the connection to the server, and the address.
// The page computes nothing of the game: it sends requests and displays the server's answers.
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

// --- Texts ---------------------------------------------------------------------------------------

function text(name, values = {}) { // the text of that name, with its {placeholders} filled
  const translations = config.words[name];
  if (!translations) return name;
  return translations[lang].replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : ""));
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
    if (e.tagName === "OPTGROUP") e.label = text(e.dataset.label);
    else e.setAttribute("aria-label", text(e.dataset.label));
  }
  showState();
  for (const message of Object.values(snapshots)) showSnapshot(message);
  showLesson();
}

function setText(element, words) { // only if it has changed, so that screen readers do not repeat it
  if (element.textContent !== words) element.textContent = words;
}

function showNotice(words) {
  setText($("notice"), words);
}

// --- The connection ------------------------------------------------------------------------------

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function request(message) { // send what the user asked for, and remove the notice of an earlier request
  showNotice("");
  send(message);
}

function connect(handlers) {
  showNotice(text("connecting"));
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/play`);
  let opened = false;
  socket.onopen = () => {
    opened = true;
    showNotice("");
    openAddress(readAddress());
  };
  socket.onmessage = (event) => {
    const messages = JSON.parse(event.data);
    for (const message of messages) handlers[message.type](message);
    if (messages.some((message) => message.type === "snapshot")) {
      requestAnimationFrame(() => setTimeout(() => { send({ type: "rendered" }); showFrameRate(); }, 0));
    }
  };
  socket.onclose = (event) => {
    document.body.dataset.connected = "no";
    if (current) writeAddress();
    if (event.code === 1009) showNotice(text("error message too large"));
    else if (!opened) showNotice(text("refused", { command: `advnets playground --allow ${location.host}` }));
    else if (!$("notice").textContent) showNotice(text("disconnected"));
  };
}

// --- The address saves the state -----------------------------------------------------------------

function readAddress() { // what the address saves, under this version's names
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

function openAddress(address) {
  send({ type: "open", state: address.state || null, lang, theme });
  if (address.lesson) setLesson(address.lesson);
  for (const name of ["grid", "gradient"]) $("show-" + name).checked = !(address.hidden || []).includes(name);
  if (address.board === "latent") showLatent(address.latent);
}

function writeAddress() {
  const address = { state: current.state, lang, theme };
  if (lesson) address.lesson = lesson;
  const hidden = ["grid", "gradient"].filter((name) => !$("show-" + name).checked);
  if (hidden.length) address.hidden = hidden;
  if (document.body.dataset.board === "latent") { address.board = "latent"; address.latent = latentPosition(); }
  history.replaceState(null, "", "#" + encodeURIComponent(JSON.stringify(address)));
}
