// Evidence for a class, and what it would take to change the answer: the worker finds it out.

let latestEvidence = 0;

const setEvidence = (name) => {
  document.querySelector(`[name=evidence][value="${name}"]`).checked = true;
  refreshEvidence();
};

const evidenceName = () => document.querySelector("[name=evidence]:checked").value;

/** Lay the chosen kind of evidence over the picture as it is now. */
async function refreshEvidence() {
  const name = evidenceName();
  const mine = ++latestEvidence;
  if (!name) {
    state.evidenceMap = null;
    if (state.changed) drawOver();
    return;
  }
  const chosen = find("evidence-label").value;
  const label = chosen === "" ? bestLabel() : Number(chosen);
  const answer = await request({ what: "study", name, ...subject(), label });
  if (mine !== latestEvidence || !answer.result) return;
  state.evidenceMap = { ...answer.result, kind: name };
  drawOver();
}

/** What a study is about: the network that is shown, and the picture as it is. */
const subject = () => ({ network: state.shown, transforms: sideOf(0).transforms, picture: state.picture, edits: state.edits });

async function startStudy(name) {
  setEvidence("");
  find("shown").replaceChildren();
  find("found").textContent = "Looking …";
  const { classes } = sideOf(0);
  const before = bestLabel();
  const label = find("wanted").value === "" ? secondLabel() : Number(find("wanted").value);
  if (name === "adversarial" && label === before) {
    find("found").textContent = `The answer is ${classes[label]} already: choose another class.`;
    return;
  }
  const answer = await request({ what: "study", name, ...subject(), label },
    (done) => { find("found").textContent = `Looking … ${Math.round(100 * done)} %`; });
  if (answer.stopped || answer.error) {
    find("found").textContent = "";
    return;
  }
  const found = answer.result;
  find("found").textContent = found ? FOUND[name](found, classes) : `Nothing of this kind changes the answer ${classes[before]}.`;
  if (found) SHOWN[name](found, classes);
}

const direction = (right, down) =>
  [right ? `${Math.abs(right)} pixels ${right > 0 ? "right" : "left"}` : "", down ? `${Math.abs(down)} pixels ${down > 0 ? "down" : "up"}` : ""].filter(Boolean).join(" and ");

const FOUND = {
  brightness: ({ changes, label }, classes) => {
    const factor = changes.brightness / state.edits.brightness;
    return `${factor > 1 ? "Lighter" : "Darker"}, each grey level times ${factor.toFixed(2)}: ${classes[label]}.`;
  },
  shift: ({ changes, label }, classes) =>
    `Shifted ${direction(changes.right - state.edits.right, changes.down - state.edits.down)} of ${state.picture.width}×${state.picture.height}: ${classes[label]}.`,
  cover: ({ changes: { square }, label }, classes) =>
    `With a grey square of ${square.side}×${square.side} pixels (${percent((square.side * square.side) / (state.picture.width * state.picture.height))} of the picture): ${classes[label]}.`,
  adversarial: ({ levels, label }, classes) =>
    `If no pixel changes by more than ${levels} of 255 grey levels: ${classes[label]}.`,
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
  adversarial({ picture, label }, classes) {
    const before = sideResult(0).small;
    const difference = Float32Array.from(picture.data, (level, at) => level - before.data[at]);
    const draw = ({ width, height, data }) => {
      const canvas = make("canvas", { width, height });
      const context = canvas.getContext("2d");
      const image = context.createImageData(width, height);
      new Uint32Array(image.data.buffer).forEach((_, at, pixels) => { pixels[at] = greyColours[data[at]]; });
      context.putImageData(image, 0, 0);
      return canvas;
    };
    const use = make("button", { type: "button", textContent: "Use this picture" });
    use.addEventListener("click", () => usePicture(picture, `adversarial: made to look like ${classes[label]}`, state.label));
    find("shown").append(
      figure(draw(before), "before"),
      figure(gridPicture(difference, picture.height, picture.width, { cell: 2, label: "the change" }), "the change (full colour: the largest)"),
      figure(draw(picture), `after: ${classes[label]}`), use);
  },
};

function listenToStudies() {
  for (const input of document.querySelectorAll("[name=evidence]")) input.addEventListener("change", refreshEvidence);
  find("evidence-label").addEventListener("change", refreshEvidence);
  for (const button of document.querySelectorAll("[data-study]")) button.addEventListener("click", () => startStudy(button.dataset.study));
}
