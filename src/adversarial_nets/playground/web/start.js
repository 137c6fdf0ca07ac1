// Handle the server's messages, and connect.
"use strict";

const handlers = {
  board: showBoard,
  snapshot: (message) => {
    snapshots[message.game] = message;
    if (current && current.playing) current.state.rounds = message.round;
    showSnapshot(message);
  },
  state: (message) => {
    current = message;
    showState();
    writeAddress();
    document.body.dataset.connected = "yes";
    if (!current.playing) for (const snapshot of Object.values(snapshots)) showSnapshot(snapshot);
  },
  error: ({ reason, values }) => {
    const name = values.setting && text("setting " + values.setting);
    showNotice(text("error " + reason, { ...values, name }));
    if (current) showState();
    else send({ type: "open", state: null, lang, theme }); // the address cannot be opened: a new game
  },
  share: copyShared,
  file: saveFile,
  nearest: showNearest,
  latent: showLatentImages,
};

const saved = readAddress();
if (saved.lang in { en: 0, zh: 0 }) lang = saved.lang;
if (saved.theme in { light: 0, dark: 0 }) theme = saved.theme;
document.documentElement.dataset.theme = theme;
showTexts();
connect(handlers);
