// The fifteen probabilities, one or two bars for each class.

function showAnswers() {
  const sides = state.results.map((_, side) => ({ ...sideOf(side), p: softmax(sideOf(side).outputs.at(-1).slice(0, sideOf(side).classes.length)) }));
  const [{ classes }] = sides;
  const rows = find("answers").children.length === classes.length ? [...find("answers").children] : makeAnswers(classes);
  find("answers").classList.toggle("two", sides.length > 1);
  rows.forEach((button, label) => {
    const [name, bars, number] = button.children;
    name.classList.toggle("right", classes[label] === state.label);
    [...bars.children].forEach((bar, side) => {
      bar.hidden = side >= sides.length;
      if (!bar.hidden) bar.style.width = percent(shareOf(sides[side], classes[label])).replace(" ", "");
    });
    number.textContent = sides.map((side) => percent(shareOf(side, classes[label]))).join("\n");
  });
  find("verdict").textContent = sides.map(({ name, classes: its, p }) => {
    const best = indexOfLargest(p);
    const isRight = state.label === null ? "" : its[best] === state.label ? ", which is right" : `, but the right answer is ${state.label}`;
    return `${name}: ${its[best]}, ${percent(p[best])}${isRight}`;
  }).join("; ") + ".";
}

const shareOf = ({ classes, p }, name) => p[classes.indexOf(name)] ?? 0;

function makeAnswers(classes) {
  const rows = classes.map((name, label) => {
    const button = make("button", { type: "button", className: "answer", title: `where the score of ${name} comes from` },
      make("span", { className: "name", textContent: name }),
      make("span", {}, make("div", { className: "bar" }), make("div", { className: "bar second", hidden: true })),
      make("span", { className: "number" }));
    button.addEventListener("click", () => select(0, shownNetwork().length - 1, label));
    return button;
  });
  find("answers").replaceChildren(...rows);
  return rows;
}
