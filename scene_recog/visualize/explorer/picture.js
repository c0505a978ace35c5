// The picture and everything that can be done to it: choosing, painting, shifting, the webcam.

const LONGEST = 512; // pixels; larger photographs are made smaller, so that the page keeps up

/** Show a picture, without the changes that were made to the last one. */
function usePicture(picture, caption, label = null) {
  const longest = Math.max(picture.width, picture.height);
  if (longest > LONGEST) {
    const share = LONGEST / longest;
    picture = resized(picture, Math.max(1, Math.round(picture.width * share)), Math.max(1, Math.round(picture.height * share)), "bilinear");
  }
  Object.assign(state, { picture, label, edits: { ...UNTOUCHED }, brushAt: null });
  for (const id of ["picture", "over"]) Object.assign(find(id), { width: picture.width, height: picture.height });
  find("caption").textContent = caption;
  showEdits();
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
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const share = Math.min(1, 4096 / Math.max(bitmap.width, bitmap.height)); // what a canvas can surely hold
  return greyOfDrawable(bitmap, Math.max(1, Math.round(bitmap.width * share)), Math.max(1, Math.round(bitmap.height * share)));
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
  state.chosen = (number + images.length) % images.length;
  const image = images[state.chosen];
  [...find("gallery").children].forEach((button, at) => button.classList.toggle("gallery-chosen", at === state.chosen));
  const picture = await greyOfFile(blobOf(image.jpeg));
  usePicture(picture, `${image.target}: ${image.name}`, image.target);
}

async function openFile(file) {
  if (!file) return;
  stopWebcam();
  try {
    usePicture(await greyOfFile(file), file.name);
    say("");
  } catch {
    say(`${file.name} is not a picture that this browser can open.`);
  }
}

let webcam = null;

function stopWebcam() {
  webcam?.getTracks().forEach((track) => track.stop());
  webcam = null;
  find("webcam").setAttribute("aria-pressed", "false");
}

async function toggleWebcam() {
  if (webcam) {
    stopWebcam();
    return;
  }
  try {
    webcam = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  } catch (error) {
    say(`The webcam cannot be used: ${error.message}. Choose a photograph instead.`);
    return;
  }
  say("");
  find("webcam").setAttribute("aria-pressed", "true");
  const video = make("video", { srcObject: webcam, muted: true, playsInline: true });
  await video.play();
  usePicture(greyOfDrawable(video, video.videoWidth, video.videoHeight), "webcam");
  const stream = webcam;
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
  usePicture({ width: 256, height: 256, data: new Uint8Array(256 * 256).fill(255) }, "a blank page: draw with the black brush");
  document.querySelector("[name=tool][value=black]").checked = true;
}

// ---------------------------------------------------------------- changing

function readEdits() {
  const { width, height } = state.picture;
  Object.assign(state.edits, {
    mirrored: find("mirrored").checked,
    brightness: Number(find("brightness").value),
    right: Math.round((Number(find("right").value) * width) / 100),
    down: Math.round((Number(find("down").value) * height) / 100),
  });
  showEdits();
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

const LEVELS = { black: 0, white: 255, cover: null, erase: -1 };

/** Paint a disc around a place in the picture. */
function paintAt(x, y) {
  const { width, height, data } = state.picture;
  const tool = document.querySelector("[name=tool]:checked").value;
  const level = LEVELS[tool] ?? Math.round(meanOf(data));
  const paint = state.edits.paint ??= new Int16Array(width * height).fill(-1);
  const radius = (Number(find("brush").value) / 200) * Math.max(width, height);
  for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(height - 1, y + radius); row++) {
    for (let column = Math.max(0, Math.ceil(x - radius)); column <= Math.min(width - 1, x + radius); column++) {
      if ((row - y) ** 2 + (column - x) ** 2 <= radius ** 2) paint[row * width + column] = level;
    }
  }
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
  for (const id of ["mirrored", "brightness", "right", "down"]) find(id).addEventListener("input", readEdits);
  find("reset").addEventListener("click", () => { state.edits = { ...UNTOUCHED }; showEdits(); refresh(); });
  find("blank").addEventListener("click", blankPage);
  find("webcam").addEventListener("click", toggleWebcam);
  find("file").addEventListener("change", ({ target }) => openFile(target.files[0]));
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
  const { width, height, data } = state.changed;
  const context = find("picture").getContext("2d");
  const image = context.createImageData(width, height);
  new Uint32Array(image.data.buffer).forEach((_, at, pixels) => { pixels[at] = greyColours[data[at]]; });
  context.putImageData(image, 0, 0);
  drawOver();
}

function drawOver() {
  const canvas = find("over");
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const { transforms, network } = sideOf(0);
  const part = seenPart({ width, height }, transforms);
  if (state.evidenceMap) drawEvidence(context, state.evidenceMap, part);
  const field = currentFields()?.[0];
  if (field && state.results) {
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
