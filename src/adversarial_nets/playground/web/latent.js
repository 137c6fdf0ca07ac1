// The latent space of a trained run: choose two images, interpolate, and move z along directions.
"use strict";

const LATENT_COLUMNS = 8, LATENT_ROWS = 3; // of the images to choose from
let latentOffsets = []; // position of each slider, until the sliders exist
let latentClass = null; // the class of all images, in a run with classes
let nextEnd = "latent-a"; // which end point the next click on an image sets

function showLatent(saved) {
  if (saved) {
    const values = { "latent-a": saved.a + 1, "latent-b": saved.b + 1, "latent-t": saved.t };
    for (const [id, value] of Object.entries(values)) $(id).value = value;
    latentOffsets = Array.isArray(saved.offsets) ? saved.offsets : [];
    latentClass = saved.class ?? null;
  }
  document.body.dataset.board = "latent";
  $("latent").hidden = false;
  if (current && (current.playing || slow)) request({ type: "pause" }); // no game runs unseen
  showTabs();
  requestLatent();
}

function hideLatent() {
  $("latent").hidden = true;
  if (document.body.dataset.board === "latent") document.body.dataset.board = $("game-0").dataset.kind || "line";
}

function latentPosition() {
  const sliders = all("#directions input");
  return {
    a: Number($("latent-a").value) - 1,
    b: Number($("latent-b").value) - 1,
    t: Number($("latent-t").value),
    class: latentClass === null ? null : Number(latentClass),
    offsets: sliders.length ? sliders.map((e) => Number(e.value)) : latentOffsets,
  };
}

function requestLatent() {
  if (!["latent-a", "latent-b"].every((id) => $(id).value !== "" && $(id).checkValidity())) return;
  request({ type: "explore_latent", ...latentPosition() });
  if (current) writeAddress();
}

function showLatentImages(message) {
  for (const name of ["images", "line", "here"]) {
    $("latent-" + name).src = "data:image/png;base64," + message[name];
    $("latent-" + name).alt = text("latent " + name);
  }
  for (const [id, at] of [["mark-a", message.a], ["mark-b", message.b]]) {
    $(id).style.left = `${(100 / LATENT_COLUMNS) * (at % LATENT_COLUMNS)}%`;
    $(id).style.top = `${(100 / LATENT_ROWS) * Math.floor(at / LATENT_COLUMNS)}%`;
  }
  // The strip shows images at equal distances; the mark is at the middle of the image for t.
  $("mark-t").style.left = `${(100 * (0.5 + message.t * (message.interpolations - 1))) / message.interpolations}%`;
  setText($("latent-run"), text("latent run", { run: message.run, round: message.round }));
  if (!$("directions").children.length) addSliders(message.directions);
  $("latent-class-row").hidden = !message.classes.length;
  if ($("latent-class").options.length === 1) {
    $("latent-class").append(...message.classes.map((name, value) => Object.assign(document.createElement("option"), { value, textContent: name })));
    $("latent-class").value = latentClass ?? "";
  }
}

function addSliders(count) {
  for (let i = 1; i <= count; i++) {
    const label = document.createElement("label"), words = document.createElement("span");
    const slider = document.createElement("input");
    words.textContent = text("latent direction", { n: i });
    Object.assign(slider, { type: "range", min: -5, max: 5, step: 0.1, value: latentOffsets[i - 1] || 0 });
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
  nextEnd = nextEnd === "latent-a" ? "latent-b" : "latent-a";
  requestLatent();
});
$("latent-class").addEventListener("change", () => {
  latentClass = $("latent-class").value === "" ? null : Number($("latent-class").value);
  requestLatent();
});
for (const id of ["latent-a", "latent-b", "latent-t"]) $(id).addEventListener("input", requestLatent);
