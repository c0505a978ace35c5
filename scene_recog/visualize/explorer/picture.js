// The picture and everything that can be done to it: choosing, painting, shifting, the webcam.

const LONGEST = 512; // pixels; larger photographs are made smaller, so that the page keeps up

/** Counts what the visitor has chosen, so that what takes long does not replace a later choice. */
let latestChoice = 0;
let beingRead = 0; // pictures

/** Show a picture, without the changes that were made to the last one. `replaced` is what "Undo all
 *  changes" goes back to, if this picture was made from another one. */
function usePicture(picture, caption, label = null, replaced = null) {
  const longest = Math.max(picture.width, picture.height);
  if (longest > LONGEST) {
    const share = LONGEST / longest;
    picture = resized(picture, Math.max(1, Math.round(picture.width * share)), Math.max(1, Math.round(picture.height * share)), "bilinear");
  }
  Object.assign(state, { picture, caption, label, replaced, edits: { ...UNTOUCHED }, brushAt: null, evidenceMap: null });
  for (const id of ["picture", "over"]) Object.assign(find(id), { width: picture.width, height: picture.height });
  find("caption").textContent = caption;
  say("");
  for (const button of find("gallery").children) button.classList.remove("gallery-chosen");
  showEdits();
  forgetStudy();
  refresh();
}

function undoAll() {
  if (state.replaced) usePicture(...state.replaced);
  state.edits = { ...UNTOUCHED };
  showEdits();
  forgetStudy();
  refresh();
}

/** Grey levels of something that can be drawn: an image, a frame of the webcam. */
function greyOfDrawable(drawable, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // under transparent parts
  context.fillRect(0, 0, width, height);
  context.drawImage(drawable, 0, 0, width, height);
  return greyOf(context.getImageData(0, 0, width, height));
}

async function greyOfFile(blob) {
  beingRead++;
  try {
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const share = Math.min(1, 4096 / Math.max(bitmap.width, bitmap.height)); // what a canvas can surely hold
    return greyOfDrawable(bitmap, Math.max(1, Math.round(bitmap.width * share)), Math.max(1, Math.round(bitmap.height * share)));
  } finally {
    beingRead--;
  }
}

const blobOf = (base64) => new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/jpeg" });

// ---------------------------------------------------------------- choosing

const groupsOfImages = () => [...new Set(page.images.map(({ group }) => group))];
const imagesShown = () => page.images.filter(({ group }) => group === find("group").value);

function chooseGroup(name) {
  if (!groupsOfImages().includes(name)) return;
  find("group").value = name;
  showGallery();
  chooseImage(0);
}

function showGallery() {
  const buttons = imagesShown().map((image, number) => {
    const button = make("button", { type: "button" },
      make("img", { src: `data:image/jpeg;base64,${image.jpeg}`, alt: `${image.target}: ${image.name}`, loading: "lazy" }));
    button.addEventListener("click", () => chooseImage(number));
    return button;
  });
  find("gallery").replaceChildren(...buttons);
}

async function chooseImage(number) {
  stopWebcam();
  const images = imagesShown();
  if (!images.length) return;
  const choice = ++latestChoice;
  state.chosen = (number + images.length) % images.length;
  const image = images[state.chosen];
  const picture = await greyOfFile(blobOf(image.jpeg));
  if (choice !== latestChoice) return;
  usePicture(picture, `${image.target}: ${image.name}`, image.target);
  find("gallery").children[state.chosen]?.classList.add("gallery-chosen");
}

async function openFile(file) {
  if (!file) return;
  stopWebcam();
  const choice = ++latestChoice;
  let picture;
  try {
    picture = await greyOfFile(file);
  } catch {
    say(`${file.name} is not a picture that this browser can open.`);
    return;
  }
  if (choice === latestChoice) usePicture(picture, file.name);
}

let webcam = null;

function stopWebcam() {
  webcam?.getTracks().forEach((track) => track.stop());
  webcam = null;
  find("webcam").setAttribute("aria-pressed", "false");
}

async function toggleWebcam() {
  const choice = ++latestChoice; // a click while it is asked for cancels it
  if (webcam || find("webcam").getAttribute("aria-pressed") === "true") {
    stopWebcam();
    return;
  }
  if (!navigator.mediaDevices) {
    say("This browser gives no webcam here: choose a photograph instead.");
    return;
  }
  find("webcam").setAttribute("aria-pressed", "true");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  } catch (error) {
    if (choice === latestChoice) stopWebcam();
    say(`The webcam cannot be used: ${error.message}. Choose a photograph instead.`);
    return;
  }
  const video = make("video", { srcObject: stream, muted: true, playsInline: true });
  if (choice === latestChoice) await video.play();
  if (choice !== latestChoice) {
    stream.getTracks().forEach((track) => track.stop());
    return;
  }
  webcam = stream;
  usePicture(greyOfDrawable(video, video.videoWidth, video.videoHeight), "webcam");
  const next = () => {
    if (webcam !== stream) return;
    state.picture = greyOfDrawable(video, state.picture.width, state.picture.height);
    refresh();
    requestAnimationFrame(next);
  };
  next();
}

function blankPage() {
  stopWebcam();
  latestChoice++;
  usePicture({ width: 256, height: 256, data: new Uint8Array(256 * 256).fill(255) }, "a blank page: draw with the black brush");
  document.querySelector("[name=tool][value=black]").checked = true;
  showTool();
}

// ---------------------------------------------------------------- changing

/** Take over one control; the others keep what was set, perhaps finer than a slider can. */
function readEdit(id) {
  const { width, height } = state.picture;
  const control = find(id);
  const values = {
    mirrored: () => control.checked,
    brightness: () => Number(control.value),
    right: () => Math.round((Number(control.value) * width) / 100),
    down: () => Math.round((Number(control.value) * height) / 100),
  };
  state.edits[id] = values[id]();
  showEdits();
  forgetStudy();
  refresh();
}

function showEdits() {
  const { mirrored, brightness, right, down } = state.edits;
  const { width, height } = state.picture;
  find("mirrored").checked = mirrored;
  find("brightness").value = brightness;
  find("right").value = (100 * right) / width;
  find("down").value = (100 * down) / height;
  const texts = { brightness: `× ${brightness.toFixed(2)}`, right: `${right} px`, down: `${down} px` };
  for (const [name, text] of Object.entries(texts)) document.querySelector(`output[for=${name}]`).textContent = text;
}

const toolName = () => document.querySelector("[name=tool]:checked").value;
const showTool = () => document.body.classList.toggle("painting", toolName() !== "none");

const LEVELS = { black: 0, white: 255, cover: null, erase: -1 };

/** Paint a disc around a place in the picture. */
function paintAt(x, y) {
  const { width, height, data } = state.picture;
  const tool = toolName();
  if (tool === "none") return;
  const level = LEVELS[tool] ?? Math.round(meanOf(data));
  const paint = state.edits.paint ??= new Int16Array(width * height).fill(-1);
  const radius = Math.max(1, (Number(find("brush").value) / 200) * Math.max(width, height));
  for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(height - 1, y + radius); row++) {
    for (let column = Math.max(0, Math.ceil(x - radius)); column <= Math.min(width - 1, x + radius); column++) {
      if ((row - y) ** 2 + (column - x) ** 2 <= radius ** 2) paint[row * width + column] = level;
    }
  }
  forgetStudy();
  refresh();
}

function paintAlong(from, to) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 2));
  for (let n = 1; n <= steps; n++) paintAt(from.x + ((to.x - from.x) * n) / steps, from.y + ((to.y - from.y) * n) / steps);
}

function placeOnPicture(event) {
  const box = find("picture").getBoundingClientRect();
  const { width, height } = state.picture;
  return { x: ((event.clientX - box.left) * width) / box.width, y: ((event.clientY - box.top) * height) / box.height };
}

function paintWithKeys(event) {
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], " ": [0, 0] }[event.key];
  if (!by) return;
  event.preventDefault();
  const { width, height } = state.picture;
  const far = Math.max(width, height) / 40;
  const at = state.brushAt ?? { x: width / 2, y: height / 2 };
  state.brushAt = { x: clip(at.x + far * by[0], 0, width), y: clip(at.y + far * by[1], 0, height) };
  if (event.key === " ") paintAt(state.brushAt.x, state.brushAt.y);
  else drawOver();
}

function listenToPicture() {
  const canvas = find("picture");
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = placeOnPicture(event);
    paintAt(last.x, last.y);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = placeOnPicture(event);
    paintAlong(last, now);
    last = now;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
  canvas.addEventListener("keydown", paintWithKeys);
  canvas.addEventListener("blur", () => { state.brushAt = null; drawOver(); });
  for (const id of ["mirrored", "brightness", "right", "down"]) find(id).addEventListener("input", () => readEdit(id));
  for (const input of document.querySelectorAll("[name=tool]")) input.addEventListener("change", showTool);
  find("reset").addEventListener("click", undoAll);
  find("blank").addEventListener("click", blankPage);
  find("webcam").addEventListener("click", toggleWebcam);
  find("file").addEventListener("change", ({ target }) => {
    openFile(target.files[0]);
    target.value = ""; // so that the same one can be opened again
  });
  find("group").addEventListener("change", () => { showGallery(); chooseImage(0); });
  find("previous").addEventListener("click", () => chooseImage(state.chosen - 1));
  find("next").addEventListener("click", () => chooseImage(state.chosen + 1));
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
  addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    openFile(event.dataTransfer.files[0]);
  });
}

// ---------------------------------------------------------------- drawing

/** The picture as changed, and over it the evidence, what the current value sees, and the brush. */
function drawPicture() {
  drawLevels(find("picture").getContext("2d"), state.changed);
  drawOver();
}

function drawLevels(context, { width, height, data }) {
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let at = 0; at < data.length; at++) pixels[at] = greyColours[data[at]];
  context.putImageData(image, 0, 0);
}

function drawOver() {
  const canvas = find("over");
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (state.evidenceMap) drawEvidence(context, state.evidenceMap, seenPart({ width, height }, sideOf(0).transforms));
  const field = currentFields()?.[0];
  if (field && state.results) {
    const { transforms, network } = sideOf(current().side);
    const part = seenPart({ width, height }, transforms);
    const [, tall, wide] = network[0].shape;
    context.strokeStyle = variable("--mark");
    context.lineWidth = width / 120;
    context.strokeRect(part.left + (field.left * part.width) / wide, part.top + (field.top * part.height) / tall,
      ((field.right - field.left + 1) * part.width) / wide, ((field.bottom - field.top + 1) * part.height) / tall);
  }
  if (state.brushAt) {
    context.beginPath();
    context.arc(state.brushAt.x, state.brushAt.y, (Number(find("brush").value) / 200) * Math.max(width, height), 0, 7);
    context.strokeStyle = variable("--mark");
    context.lineWidth = 2;
    context.stroke();
  }
}

function drawEvidence(context, { width, height, data }, part) {
  const canvas = new OffscreenCanvas(width, height);
  const its = canvas.getContext("2d");
  const image = its.createImageData(width, height);
  const [red, green, blue] = hex("#d55e00");
  data.forEach((value, at) => image.data.set([red, green, blue, Math.round(190 * value)], 4 * at));
  its.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(canvas, part.left, part.top, part.width, part.height);
}
