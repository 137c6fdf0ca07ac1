// Handle the server's messages, and connect.
"use strict";

const ADDRESS_INTERVAL = 250; // milliseconds between updates of the address while games run
let newGame = false; // whether the user's request has begun another game

const handlers = {
  board: (message) => {
    newGame = !["open", "set_appearance"].includes(asked);
    showBoard(message);
  },
  snapshot: (message, ofSlow = false) => {
    if (slow && !ofSlow) return;
    if (seeking !== null && message.sought !== seeking) return; // the message is from before the latest request for an earlier round
    snapshots[message.game] = message;
    if (current && current.playing) {
      current.state.rounds = message.round;
      if (performance.now() - addressTime > ADDRESS_INTERVAL) writeAddress();
    }
    showSnapshot(message);
  },
  state: (message) => {
    current = message;
    if (message.sought !== undefined) seekAgain(message.sought);
    showState();
    writeAddress(newGame);
    newGame = false;
    document.body.dataset.connected = "yes";
    if (!current.playing && !slow) for (const snapshot of Object.values(snapshots)) showSnapshot(snapshot);
    if (current.kind === "images" && !current.busy) requestMorph(morphPlace);
  },
  error: ({ reason, values }) => {
    ended = reason;
    morphing = askingClass = false;
    seeking = soughtNext = null;
    const name = values.setting && text("setting " + values.setting);
    showNotice(text("error " + reason, { ...values, name }));
    if (reason === "diverged") for (const message of Object.values(snapshots)) message.problem = "diverging";
    if (document.activeElement.matches("[data-setting], [data-layers] input")) document.activeElement.blur();
    if (current) { showState(); showDiagnosis(); writeAddress(); }
    else if (!["full", "broken"].includes(reason)) send({ type: "open", state: null, lang, theme }); // a new game
  },
  share: copyShared,
  file: saveFile,
  slow: showSlowly,
  morph: showMorph,
  of_class: showSamples,
  nearest: showNearest,
  latent: showLatentImages,
};

restoreAfterReload();
const saved = readAddress();
if (saved.lang in { en: 0, zh: 0 }) lang = saved.lang;
if (saved.theme in { light: 0, dark: 0 }) theme = saved.theme;
document.documentElement.dataset.theme = theme;
showTexts();
connect();
