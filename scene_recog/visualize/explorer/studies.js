// Evidence for a class, and what it would take to change the answer: the worker finds it out.

let latestEvidence = 0, latestStudy = 0;

const setEvidence = (name) => {
  document.querySelector(`[name=evidence][value="${name}"]`).checked = true;
  refreshEvidence();
};

const evidenceName = () => document.querySelector("[name=evidence]:checked").value;

/** Lay the chosen kind of evidence over the picture as it is now. */
async function refreshEvidence() {
  const name = evidenceName();
  const mine = ++latestEvidence;
  const tell = (text) => { find("evidence-status").textContent = text; };
  if (!name || !state.results) {
    state.evidenceMap = null;
    tell("");
    if (state.changed) drawOver();
    return;
  }
  endStudy();
  const chosen = find("evidence-label").value;
  const label = chosen === "" ? bestLabel() : Number(chosen);
  const answer = await request({ what: "study", name, ...subject(), label },
    (done) => { if (mine === latestEvidence) tell(`computing … ${Math.round(100 * done)} %`); });
  if (mine !== latestEvidence || !answer.result) return;
  state.evidenceMap = { ...answer.result, kind: name };
  tell(largestOf(answer.result.data) ? "" : `nothing speaks for ${sideOf(0).classes[label]}`);
  drawOver();
}

/** What a study is about: the network that is shown, and the picture as it is. */
const subject = () => ({ network: state.shown, transforms: sideOf(0).transforms, picture: state.picture, edits: { ...state.edits } });

/** A running search ends, because the worker does one thing at a time. */
function endStudy() {
  if (find("found").textContent.startsWith("Looking")) find("found").textContent = "Stopped.";
  latestStudy++;
}

/** What was found is about another picture or network now. */
function forgetStudy() {
  if (!latestStudy && !find("found").textContent) return;
  latestStudy++;
  find("found").textContent = "";
  find("shown").replaceChildren();
  student.postMessage({ what: "stop" });
}

async function startStudy(name) {
  if (!state.results) return;
  setEvidence("");
  find("shown").replaceChildren();
  const mine = ++latestStudy;
  const tell = (text) => { if (mine === latestStudy) find("found").textContent = text; };
  tell("Looking …");
  const asked = { ...subject(), small: sideResult(0).small, classes: sideOf(0).classes };
  const before = bestLabel();
  const label = find("wanted").value === "" ? secondLabel() : Number(find("wanted").value);
  if (name === "adversarial" && label === before) {
    tell(`The answer is ${asked.classes[label]} already: choose another class.`);
    return;
  }
  const answer = await request({ what: "study", name, ...subject(), label },
    (done) => tell(`Looking … ${Math.round(100 * done)} %`));
  if (mine !== latestStudy || answer.stopped || answer.error) return;
  const found = answer.result;
  tell(found ? FOUND[name](found, asked) : NOT_FOUND[name](asked.classes[before], asked.classes[label]));
  if (found) SHOWN[name](found, asked);
}

const NOT_FOUND = {
  brightness: (before) => `No brightness that was tried changes the answer from ${before}.`,
  shift: (before) => `No shift that was tried changes the answer from ${before}.`,
  cover: (before) => `No square that was tried changes the answer from ${before}.`,
  adversarial: (before, wanted) => `Sixty steps did not reach ${wanted}.`,
};

const direction = (right, down) =>
  [right ? `${Math.abs(right)} pixels to the ${right > 0 ? "right" : "left"}` : "", down ? `${Math.abs(down)} pixels ${down > 0 ? "down" : "up"}` : ""].filter(Boolean).join(" and ");

const FOUND = {
  brightness({ changes, label }, { edits, classes }) {
    const factor = changes.brightness / edits.brightness;
    return `${factor > 1 ? "Brighter" : "Darker"} (grey levels × ${factor.toFixed(2)}), the answer is ${classes[label]}.`;
  },
  shift: ({ changes, label }, { edits, picture, classes }) =>
    `Shifted ${direction(changes.right - edits.right, changes.down - edits.down)} (of ${picture.width}×${picture.height}), the answer is ${classes[label]}.`,
  cover: ({ changes: { square }, label }, { picture, classes }) =>
    `With a grey square of ${square.side}×${square.side} pixels over it (${percent((square.side * square.side) / (picture.width * picture.height))} of the picture), the answer is ${classes[label]}.`,
  adversarial: ({ levels, label }, { classes }) =>
    `Changing each pixel by at most ${levels} of 255 grey levels is enough for the answer ${classes[label]}.`,
};

const offer = (changes) => {
  const button = make("button", { type: "button", textContent: "Show it" });
  button.addEventListener("click", () => {
    Object.assign(state.edits, changes);
    showEdits();
    refresh();
  });
  find("shown").append(button);
};

const SHOWN = {
  brightness: ({ changes }) => offer(changes),
  shift: ({ changes }) => offer(changes),
  cover: ({ changes }) => offer({ paint: changes.paint }),
  adversarial({ picture, label }, { small, transforms, classes }) {
    const difference = Float32Array.from(picture.data, (level, at) => level - small.data[at]);
    find("shown").append(
      figure(levelPicture(small), "before"),
      figure(gridPicture(difference, picture.height, picture.width, { cell: 2, label: "the change" }), "the change (full colour: the largest)"),
      figure(levelPicture(picture), `after: ${classes[label]}`));
    const again = shrunk(picture, transforms); // a crop would change it once more
    if (again.data.length !== picture.data.length || again.data.some((level, at) => level !== picture.data[at])) return;
    const use = make("button", { type: "button", textContent: "Use this picture" });
    const replaced = [state.picture, state.caption, state.label];
    use.addEventListener("click", () => usePicture(picture, `adversarial: made to look like ${classes[label]}`, state.label, replaced));
    find("shown").append(use);
  },
};

/** A picture of grey levels, pixel by pixel. */
function levelPicture(picture) {
  const canvas = make("canvas", { width: picture.width, height: picture.height });
  drawLevels(canvas.getContext("2d"), picture);
  return canvas;
}

function listenToStudies() {
  for (const input of document.querySelectorAll("[name=evidence]")) input.addEventListener("change", refreshEvidence);
  find("evidence-label").addEventListener("change", refreshEvidence);
  for (const button of document.querySelectorAll("[data-study]")) button.addEventListener("click", () => startStudy(button.dataset.study));
}
