// Save the displayed board as a picture (PNG), and the game so far as an animation (GIF).
"use strict";

const MAX_GIF_FRAMES = 40, GIF_SECONDS = 0.12, GIF_WIDTH = 560; // the width of one game in pixels

const paint = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))));

function pictureOfAll() { // the games side by side, on one canvas
  const parts = Object.keys(snapshots).map(pictureOf);
  const canvas = new OffscreenCanvas(
    parts.reduce((sum, part) => sum + part.width, 0), Math.max(...parts.map((part) => part.height)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = style("--card");
  context.fillRect(0, 0, canvas.width, canvas.height);
  let x = 0;
  for (const part of parts) { context.drawImage(part, x, 0); x += part.width; }
  return canvas;
}

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

function pictureOf(game) { // title, samples, figures and their legends, from top to bottom
  const article = $("game-" + game), width = GIF_WIDTH, lines = [];
  const add = (height, draw) => lines.push({ height, draw });
  const title = Object.keys(snapshots).length > 1 ? text("game prefix", { game: text("game " + "AB"[game]) }) : "";
  const data = $("data").querySelector("label:has(:checked)").textContent;
  const words = `${title}${data}${lang === "zh" ? "，" : ", "}${text("at round", { round: snapshots[game].round })}`;
  add(30, (context, y) => { context.font = font(16); context.fillText(words, 12, y + 20); });
  const samples = article.querySelector(".samples");
  if (snapshots[game].png) addImage(add, samples, samples.naturalWidth, samples.naturalHeight, width, false);
  for (const child of article.children) {
    if (child.matches(".legend") && child.offsetParent) addLegend(add, child, width);
    else if (child.matches(".board, .chart") && !child.hidden) {
      const view = views[child.id.split("-")[0]][game];
      const { canvas } = view.export("png", true);
      addImage(add, canvas, child.clientWidth, child.clientHeight, width, true);
    }
  }
  const picture = new OffscreenCanvas(width, Math.ceil(lines.reduce((sum, line) => sum + line.height, 8)));
  const context = picture.getContext("2d");
  context.fillStyle = style("--card");
  context.fillRect(0, 0, width, picture.height);
  let y = 0;
  for (const { height, draw } of lines) { context.fillStyle = style("--ink"); draw(context, y); y += height; }
  return picture;
}

const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;

function addImage(add, image, w, h, width, smooth) {
  const scale = Math.min((width - 24) / w, 1.5);
  add(h * scale + 8, (context, y) => {
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, (width - w * scale) / 2, y, w * scale, h * scale);
  });
}

function addLegend(add, list, width) {
  const shown = (item) => item.offsetParent && !item.querySelector("[aria-pressed=false]");
  const rows = [[]];
  let x = 12;
  for (const item of [...list.children].filter(shown)) {
    const room = 24 + 7 * [...item.textContent].reduce((sum, letter) => sum + (letter > "\u2fff" ? 1.8 : 1), 0);
    if (x + room > width && rows.at(-1).length) { rows.push([]); x = 12; }
    rows.at(-1).push([x, item]);
    x += room;
  }
  for (const row of rows) if (row.length) add(22, (context, y) => drawLegend(context, row, y));
}

function drawLegend(context, row, y) {
  context.font = font(12);
  for (const [x, item] of row) {
    const mark = getComputedStyle(item, "::before"), dot = item.matches(".dot, .heat");
    context.fillStyle = dot ? mark.backgroundColor : mark.borderTopColor;
    if (item.matches(".heat")) context.fillStyle = style("--heat-D");
    if (item.matches(".dot")) { context.beginPath(); context.arc(x + 5, y + 12, 4, 0, 2 * Math.PI); context.fill(); }
    else if (item.matches(".dashed, .dotted")) for (const start of [0, 8]) context.fillRect(x + start, y + 10, 6, 3);
    else context.fillRect(x, y + (dot ? 7 : 10), dot ? 8 : 14, dot ? 8 : 3);
    context.fillStyle = style("--muted");
    context.fillText(item.textContent, x + 18, y + 16);
  }
}

$("save-png").addEventListener("click", async () => {
  await paint();
  download(`round-${snapshots[0].round}.png`, await pictureOfAll().convertToBlob({ type: "image/png" }));
});

$("save-gif").addEventListener("click", async () => {
  setSlow(false); // slow motion would delay the rounds for the animation
  const shown = snapshots[0].round, rounds = snapshots[0].curve.round;
  const every = Math.ceil(rounds.length / MAX_GIF_FRAMES), frames = [];
  for (let i = 0; i < rounds.length; i += every) {
    await showRoundOf(rounds[i]);
    const canvas = pictureOfAll();
    frames.push(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height));
    showNotice(`${text("working")} ${i + 1}/${rounds.length}`);
  }
  await showRoundOf(shown);
  showNotice("");
  download("game.gif", new Blob([encodeGif(frames)], { type: "image/gif" }));
});

async function showRoundOf(round) {
  seeking = round;
  send({ type: "seek", round });
  while (seeking !== null) await new Promise((done) => setTimeout(done, 5));
  await paint();
}

// --- GIF (Graphics Interchange Format 89a) ---------------------------------------------------------

const colourKey = (data, i) => ((data[i] >> 3) << 10) | ((data[i + 1] >> 3) << 5) | (data[i + 2] >> 3);

function makePalette(frames) { // the 256 most frequent colours of 15 bits, and the nearest palette colour of each colour
  const counts = new Uint32Array(32768);
  for (const { data } of frames) for (let i = 0; i < data.length; i += 4) counts[colourKey(data, i)]++;
  const used = [...counts.keys()].filter((key) => counts[key]).sort((a, b) => counts[b] - counts[a]);
  const rgb = (key) => [key >> 10, (key >> 5) & 31, key & 31];
  const palette = used.slice(0, 256).map(rgb), nearest = new Uint8Array(32768);
  for (const key of used) {
    const [r, g, b] = rgb(key);
    const distances = palette.map(([x, y, z]) => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2);
    nearest[key] = distances.indexOf(Math.min(...distances));
  }
  return { palette, nearest };
}

function encodeGif(frames) {
  const { width, height } = frames[0], { palette, nearest } = makePalette(frames), bytes = [];
  const word = (n) => bytes.push(n & 255, n >> 8);
  const ascii = (words) => bytes.push(...[...words].map((letter) => letter.charCodeAt(0)));
  ascii("GIF89a");
  word(width); word(height);
  bytes.push(0xf7, 0, 0); // a palette of 256 colours
  for (let i = 0; i < 256; i++) bytes.push(...(palette[i] || [0, 0, 0]).map((v) => (v << 3) | (v >> 2)));
  bytes.push(0x21, 0xff, 11); ascii("NETSCAPE2.0"); bytes.push(3, 1, 0, 0, 0); // repeat without end
  for (const { data } of frames) {
    bytes.push(0x21, 0xf9, 4, 0); word(Math.round(100 * GIF_SECONDS)); bytes.push(0, 0);
    bytes.push(0x2c); word(0); word(0); word(width); word(height); bytes.push(0, 8);
    const indices = new Uint8Array(width * height);
    for (let i = 0; i < indices.length; i++) indices[i] = nearest[colourKey(data, 4 * i)];
    const packed = lzw(indices);
    for (let i = 0; i < packed.length; i += 255) {
      const block = packed.slice(i, i + 255);
      bytes.push(block.length, ...block);
    }
    bytes.push(0);
  }
  bytes.push(0x3b);
  return new Uint8Array(bytes);
}

function lzw(indices) { // codes of 9 to 12 bits
  const CLEAR = 256, END = 257, packed = [];
  let bits = 0, held = 0, size = 9, next = 258, table = new Map(), prefix = indices[0];
  const put = (code) => {
    held |= code << bits;
    for (bits += size; bits >= 8; bits -= 8) { packed.push(held & 255); held >>>= 8; }
  };
  put(CLEAR);
  for (let i = 1; i < indices.length; i++) {
    const key = (prefix << 8) | indices[i], code = table.get(key);
    if (code !== undefined) { prefix = code; continue; }
    put(prefix);
    if (next < 4096) {
      table.set(key, next);
      if (next++ === 1 << size && size < 12) size++;
    } else { put(CLEAR); table = new Map(); size = 9; next = 258; }
    prefix = indices[i];
  }
  put(prefix);
  put(END);
  if (bits) packed.push(held & 255);
  return packed;
}
