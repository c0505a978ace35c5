// The page: which networks and which picture it shows, and what happens when something changes.

const page = JSON.parse(find("data").textContent);

const state = {
  picture: null, caption: "", // as it was chosen
  replaced: null, // the picture that it was made from: [picture, caption, label]
  edits: { ...UNTOUCHED },
  changed: null, // the picture after the edits
  label: null, // its right class, if known
  shown: 0, // number of the network
  beside: null, // that of the one beside it
  results: null, // for each of them: {small, outputs}
  frames: 0, // how often they have been computed
  selected: null, hovered: null, // {side, number, index}: one value of a layer
  trail: [], // values from the selected one back to the pixels
  evidenceMap: null,
  chosen: 0,
  brushAt: null,
};

/** All networks of the page: each run's, after training and (if known) before. */
const nets = page.runs.flatMap((run, number) => {
  const known = { run: number, transforms: run.transforms, classes: run.classes };
  const trained = { ...known, name: run.name, network: makeNetwork(run.steps, run.arrays) };
  if (!run.untrained) return [trained];
  return [trained, { ...known, name: `${run.name} before training`, network: makeNetwork(run.steps, run.untrained) }];
});

/** The value that is described: the one under the pointer, or else the kept one. */
const current = () => state.hovered ?? state.selected;
/** The networks that are shown: one, or two side by side. */
const numbersShown = () => [state.shown, state.beside].filter((number) => number !== null);
const shownNetwork = () => nets[state.shown].network;
const partnerOf = (number) => nets.findIndex((other, at) => at !== number && other.run === nets[number].run);
const sideResult = (side) => state.results[side];
const sideOf = (side) => ({ ...nets[side ? state.beside : state.shown], ...(state.results?.[side] ?? {}) });
const firstOf = (kind) => Math.max(0, shownNetwork().findIndex((step) => step.kind === kind));
const known = () => sideOf(0).outputs.at(-1).slice(0, sideOf(0).classes.length);
const bestLabel = () => indexOfLargest(known());
const secondLabel = () => {
  const scores = known();
  scores[indexOfLargest(scores)] = -Infinity;
  return indexOfLargest(scores);
};
const lookAt = (id) => find(id).scrollIntoView({ block: "start", behavior: "smooth" });
const say = (text) => { find("status").textContent = text; };

// ---------------------------------------------------------------- the workers

const scriptOf = (id) => find(id).textContent;
const workerUrl = URL.createObjectURL(new Blob([scriptOf("shared"), scriptOf("worker")], { type: "text/javascript" }));
const waiting = new Map();
let lastRequest = 0;

/** One worker follows the picture, the other studies it meanwhile. */
const [follower, student] = ["run", "study"].map(() => {
  const worker = new Worker(workerUrl);
  worker.postMessage({ what: "load", networks: nets.map(({ network }) => network) });
  worker.onmessage = ({ data }) => {
    const { resolve, onProgress } = waiting.get(data.id);
    if (data.progress !== undefined) {
      onProgress?.(data.progress);
      return;
    }
    waiting.delete(data.id);
    if (data.error) say(`Something went wrong: ${data.error}`);
    resolve(data);
  };
  worker.onerror = (event) => say(`The page cannot compute here: ${event.message}`);
  return worker;
});

function request(message, onProgress) {
  return new Promise((resolve) => {
    const id = ++lastRequest;
    waiting.set(id, { resolve, onProgress });
    (message.what === "run" ? follower : student).postMessage({ id, ...message });
  });
}

/** Run the networks on one picture: as the tests do, and `refresh`. */
const run = (picture, edits, numbers) =>
  request({ what: "run", picture, edits, wanted: numbers.map((network) => ({ network, transforms: nets[network].transforms })) });

// ---------------------------------------------------------------- what is shown

let isRunning = false, isStale = false, whenIdle = null;

/** Whether all that was asked for is computed and drawn: the tests wait for it. */
const isSettled = () => state.results !== null && !isRunning && beingRead === 0;

/** Compute and draw everything again; while that goes on, later calls become one. */
async function refresh() {
  isStale = true;
  if (isRunning || !state.picture) return;
  isRunning = true;
  try {
    await followPicture();
  } finally {
    isRunning = false;
  }
  clearTimeout(whenIdle);
  if (evidenceName()) whenIdle = setTimeout(refreshEvidence, evidenceName() === "gradCam" ? 0 : 250);
}

async function followPicture() {
  while (isStale) {
    isStale = false;
    const numbers = numbersShown();
    const answer = await run(state.picture, state.edits, numbers);
    if (answer.error) break;
    if (numbers.join() !== numbersShown().join()) continue;
    Object.assign(state, { changed: answer.changed, results: answer.results });
    state.frames += 1;
    if (evidenceName() !== "gradCam") state.evidenceMap = null; // it takes seconds, and is of the last picture
    await new Promise(requestAnimationFrame);
    draw();
  }
}

let strips = [];

/** Draw what has been computed. */
function draw() {
  if (!state.results) return;
  if (state.trail.length) state.trail = trailFrom(state.selected);
  showAnswers();
  drawPicture();
  const fields = currentFields();
  strips.forEach((strip, side) => {
    const isHere = current()?.side === side;
    strip.draw(sideResult(side), isHere ? fields : null, isHere && !state.hovered ? state.trail : []);
  });
  showDetail(current());
}

let isPressed = false; // on a button of the detail, which must not be replaced before it is let go

function showDetail(value) {
  if (isPressed) return;
  const detail = find("detail");
  const focused = [...detail.querySelectorAll("button")].indexOf(document.activeElement);
  detail.replaceChildren(...(value ? describeValue(value) : [make("p", { className: "pale", textContent: "Point at a value in a layer, or at a class." })]));
  if (focused >= 0) detail.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
}

function currentFields() {
  const value = current();
  return value ? receptiveFields(sideOf(value.side).network, value.number, value.index) : null;
}

/** Make the strips anew: another network is shown, or another one beside it. */
function showNetworks() {
  const kept = state.selected;
  Object.assign(state, { results: null, selected: null, hovered: null, trail: [], evidenceMap: null });
  forgetStudy();
  const same = kept?.side === 0 && shownNetwork()[kept.number];
  if (same && same.kind === kept.kind && sizeOf(same.shape) > kept.index) state.selected = kept; // to compare it
  const numbers = numbersShown();
  strips = numbers.map((number, side) => new Strip(side, nets[number].network, nets[number].classes));
  find("strips").replaceChildren(...strips.flatMap((strip, side) => [
    make("p", { className: "strip-title", textContent: nets[numbers[side]].name }), strip.node,
  ]));
  showDetail(null);
  find("network").value = String(state.shown);
  find("other").value = state.beside === null ? "" : String(state.beside);
  find("swap").disabled = partnerOf(state.shown) < 0;
  for (const each of find("other").options) each.disabled = each.value === String(state.shown);
  for (const id of ["evidence-label", "wanted"]) {
    const kept = find(id).value;
    const first = id === "wanted" ? "the second-best class" : "the answer";
    find(id).replaceChildren(option("", first), ...nets[state.shown].classes.map((name, label) => option(label, name)));
    find(id).value = kept;
  }
  find("answers").replaceChildren();
  refresh();
}

function show(number) {
  if (state.beside === number) state.beside = state.shown;
  state.shown = number;
  showNetworks();
}

function showBeside(number) {
  state.beside = number === null || number < 0 || number === state.shown ? null : number;
  showNetworks();
}

// ---------------------------------------------------------------- pointing at values

const isKept = ({ side, number, index }) => {
  const { selected } = state;
  return !state.hovered && selected?.side === side && selected.number === number && selected.index === index;
};

/** Follow the pointer; without arguments it has left. */
function point(side, number, index) {
  state.hovered = index === undefined || index === null ? null : { side, number, index };
  draw();
}

/** Keep a value; index null: the largest of the layer. */
function select(side, number, index) {
  if (!state.results) return;
  const { network, outputs } = sideOf(side);
  state.hovered = null;
  const place = source(network, number, index ?? indexOfLargest(outputs[number]));
  state.selected = { side, ...place, kind: network[place.number].kind };
  state.trail = [];
  draw();
}

/** From a value, step by step, to its largest contribution. */
function trailFrom({ side, number, index }) {
  const { network, outputs } = sideOf(side);
  const trail = [{ number, index }];
  while (number > 0) {
    const terms = explain(network, outputs, number, index).terms.filter(({ weight }) => weight !== 0);
    if (!terms.length) break;
    const largest = terms.reduce((best, term) => (term.product > best.product ? term : best));
    ({ number, index } = source(network, largest.input, largest.index));
    trail.push({ number, index });
  }
  return trail;
}

function followToPixels() {
  if (!state.selected) return;
  state.trail = trailFrom(state.selected);
  draw();
}

// ---------------------------------------------------------------- start

function start() {
  find("title").textContent = `See ${page.runs.map(({ name }) => name).join(" and ")} think`;
  document.title = find("title").textContent;
  find("about").textContent = page.runs.map(({ about }) => about).join(" ") +
    " Everything on this page is computed here, in your browser; no picture leaves it.";
  find("network").append(...nets.map(({ name }, number) => option(number, name)));
  find("other").append(option("", "nothing"), ...nets.map(({ name }, number) => option(number, name)));
  find("network").addEventListener("change", ({ target }) => show(Number(target.value)));
  find("other").addEventListener("change", ({ target }) => showBeside(target.value === "" ? null : Number(target.value)));
  find("swap").addEventListener("click", () => show(partnerOf(state.shown)));
  find("group").append(...groupsOfImages().map((name) => option(name, name)));
  const detail = find("detail");
  detail.addEventListener("pointerdown", () => { isPressed = true; });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => setTimeout(() => { // after the click
      if (isPressed) {
        isPressed = false;
        draw();
      }
    }));
  }
  find("questions").append(...QUESTIONS.map(([text, go]) => {
    const button = make("button", { type: "button", textContent: "try it" });
    button.addEventListener("click", go);
    return make("li", {}, `${text} `, button);
  }));
  listenToPicture();
  listenToStudies();
  isDark.addEventListener("change", () => { makeColours(); draw(); });
  showNetworks();
  if (page.images.length) {
    showGallery();
    chooseImage(0);
  } else {
    for (const id of ["group", "previous", "next"]) find(id).disabled = true;
    say(page.missing);
    blankPage();
  }
}

start();
