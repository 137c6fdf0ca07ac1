// The latent space of a trained run: choose two images, interpolate, and move z along directions.
"use strict";

const LATENT_COLUMNS = 8, LATENT_ROWS = 3; // size of the grid of images to choose from
const latentEnds = { "latent-a": "1", "latent-b": "2" }; // the images at the ends of the line
let latentShown = null; // the server's latest answer
let latentOffsets = []; // position of each slider; kept here until the sliders exist
let latentClass = null; // the class of all images, in a run with classes
let nextEnd = "latent-a"; // which end point the next click on an image sets

function showLatent(saved) {
  for (const [id, end] of [["latent-a", saved?.a], ["latent-b", saved?.b]]) {
    $(id).value = end === undefined ? latentEnds[id] : end + 1;
    if (!useEnd(id)) $(id).value = latentEnds[id];
  }
  if (saved) {
    $("latent-t").value = saved.t;
    latentOffsets = Array.isArray(saved.offsets) ? saved.offsets : [];
    all("#directions input").forEach((slider, i) => { slider.value = latentOffsets[i] || 0; });
    latentClass = saved.class ?? null;
  }
  document.body.dataset.board = "latent";
  $("latent").hidden = false;
  if (current && (current.playing || slow)) request({ type: "pause" }); // no game runs while its board is hidden
  showTabs();
  requestLatent();
}

function hideLatent() {
  $("latent").hidden = true;
  if (document.body.dataset.board === "latent") document.body.dataset.board = $("game-0").dataset.kind || "line";
}

function useEnd(id) { // use the image with the number in the box; returns whether it exists
  const valid = $(id).checkValidity();
  if (valid) latentEnds[id] = $(id).value;
  return valid;
}

function latentPosition() {
  const sliders = all("#directions input");
  return {
    a: Number(latentEnds["latent-a"]) - 1,
    b: Number(latentEnds["latent-b"]) - 1,
    t: Number($("latent-t").value),
    class: latentClass === null ? null : Number(latentClass),
    offsets: sliders.length ? sliders.map((e) => Number(e.value)) : latentOffsets,
  };
}

function requestLatent() {
  request({ type: "explore_latent", ...latentPosition() });
  if (current) writeAddress();
}

function showLatentImages(message) {
  for (const name of ["images", "line", "here"]) {
    $("latent-" + name).src = "data:image/png;base64," + message[name];
  }
  for (const [id, at] of [["mark-a", message.a], ["mark-b", message.b]]) {
    $(id).style.left = `${(100 / LATENT_COLUMNS) * (at % LATENT_COLUMNS)}%`;
    $(id).style.top = `${(100 / LATENT_ROWS) * Math.floor(at / LATENT_COLUMNS)}%`;
  }
  // The strip shows images at equal distances; the mark is at the middle of the image for t.
  $("mark-t").style.left = `${(100 * (0.5 + message.t * (message.interpolations - 1))) / message.interpolations}%`;
  if (!$("directions").children.length) addSliders(message.directions);
  latentShown = message;
  showLatentTexts();
  $("latent-class-row").hidden = !message.classes.length;
  if ($("latent-class").options.length === 1) {
    $("latent-class").append(...message.classes.map((name, value) => Object.assign(document.createElement("option"), { value, textContent: name })));
    $("latent-class").value = latentClass ?? "";
  }
}

function showLatentTexts() { // in the current language
  if (!latentShown) return;
  setText($("latent-run"), text("latent run", { run: latentShown.run, round: latentShown.round.toLocaleString("en") }));
  for (const name of ["images", "line", "here"]) $("latent-" + name).alt = text("latent " + name);
  all("#directions span").forEach((words, i) => setText(words, text("latent direction", { n: i + 1 })));
}

function addSliders(count) {
  for (let i = 0; i < count; i++) {
    const label = document.createElement("label"), words = document.createElement("span");
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: -5, max: 5, step: 0.1, value: latentOffsets[i] || 0 });
    slider.addEventListener("input", requestLatent);
    label.append(words, slider);
    $("directions").append(label);
  }
}

$("latent-images").addEventListener("click", (event) => {
  const box = event.target.getBoundingClientRect();
  const column = Math.floor((LATENT_COLUMNS * (event.clientX - box.left)) / box.width);
  const row = Math.floor((LATENT_ROWS * (event.clientY - box.top)) / box.height);
  $(nextEnd).value = 1 + row * LATENT_COLUMNS + column;
  useEnd(nextEnd);
  nextEnd = nextEnd === "latent-a" ? "latent-b" : "latent-a";
  requestLatent();
});
$("latent-class").addEventListener("change", () => {
  latentClass = $("latent-class").value === "" ? null : Number($("latent-class").value);
  requestLatent();
});
for (const id of Object.keys(latentEnds)) {
  $(id).addEventListener("change", () => { // not "input": typing 99 would request image 9 first
    if (useEnd(id)) { requestLatent(); return; }
    refuse($(id));
    $(id).value = latentEnds[id];
  });
}
$("latent-t").addEventListener("input", requestLatent);
