// The layers of a network, left to right, each as a canvas of maps or of single values.

const GAP = 2;
const STRIP_HEIGHT = 330;

/** Size and number of the cells in which a step's maps are drawn. */
function layoutOf({ kind, shape }) {
  const [maps, height, width] = asMaps(shape);
  let cell = clip(height, 18, 60);
  if (kind === "image") cell = 192;
  if (height === 1 && width === 1) cell = maps > 60 ? 9 : 16;
  const rows = Math.max(1, Math.min(maps, Math.floor(STRIP_HEIGHT / (cell + GAP))));
  const wide = Math.round((cell * width) / height);
  return { tall: cell, wide, rows, columns: Math.ceil(maps / rows) };
}

/** A strip: its steps' canvases, and how to draw them and find a value under the pointer. */
class Strip {
  constructor(side, network, classes) {
    this.side = side; // 0: the network that is shown, 1: the one beside it
    this.network = network;
    this.layers = [];
    this.node = make("div", { className: "strip" });
    network.forEach((step, number) => {
      if (step.kind !== "reshape") this.layers.push(this.makeLayer(step, number));
    });
    this.node.append(...this.layers.map(({ node }) => node));
    const names = make("div", { className: "layer" }, make("h3"));
    const { tall } = layoutOf(network[lastOf(network)]);
    classes.forEach((name) => {
      const row = make("div", { textContent: name, className: "pale" });
      row.style.height = `${tall + GAP}px`;
      row.style.font = `11px/${tall}px system-ui, sans-serif`;
      names.append(row);
    });
    if (classes.length * (tall + GAP) <= STRIP_HEIGHT) this.node.append(names);
  }

  makeLayer(step, number) {
    const layout = layoutOf(step);
    const canvas = make("canvas", {
      width: layout.columns * (layout.wide + GAP), height: layout.rows * (layout.tall + GAP), tabIndex: 0,
    });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${titleOf(step)}, ${step.name}, ${shapeInWords(step)}`);
    const node = make("div", { className: "layer" },
      make("h3", {}, titleOf(step), make("span", { textContent: step.name }), make("span", { textContent: shapeInWords(step) })), canvas);
    const layer = { step, number, layout, canvas, node, context: canvas.getContext("2d") };
    canvas.addEventListener("pointermove", (event) => point(this.side, number, this.indexAt(layer, event)));
    canvas.addEventListener("pointerleave", () => point());
    canvas.addEventListener("click", (event) => select(this.side, number, this.indexAt(layer, event)));
    canvas.addEventListener("focus", () => { if (state.selected?.side !== this.side || state.selected.number !== number) select(this.side, number, null); });
    canvas.addEventListener("keydown", (event) => this.move(event, step, number));
    return layer;
  }

  indexAt({ step, layout, canvas }, event) {
    const [maps, height, width] = asMaps(step.shape);
    const box = canvas.getBoundingClientRect();
    const across = ((event.clientX - box.left) * canvas.width) / box.width;
    const down = ((event.clientY - box.top) * canvas.height) / box.height;
    const column = Math.floor(across / (layout.wide + GAP)), row = Math.floor(down / (layout.tall + GAP));
    const map = column * layout.rows + row;
    if (map < 0 || map >= maps || row >= layout.rows) return null;
    const x = Math.floor(((across - column * (layout.wide + GAP)) * width) / layout.wide);
    const y = Math.floor(((down - row * (layout.tall + GAP)) * height) / layout.tall);
    return (map * height + clip(y, 0, height - 1)) * width + clip(x, 0, width - 1);
  }

  move(event, step, number) {
    const steps = { ArrowLeft: [0, 0, -1], ArrowRight: [0, 0, 1], ArrowUp: [0, -1, 0], ArrowDown: [0, 1, 0], PageUp: [-1, 0, 0], PageDown: [1, 0, 0] };
    let by = steps[event.key];
    if (!by) return;
    event.preventDefault();
    const [maps, height, width] = asMaps(step.shape);
    if (height === 1 && width === 1) by = [by[0] + by[1] + by[2], 0, 0];
    const place = placeOf(step.shape, state.selected?.index ?? 0);
    const [map, y, x] = [maps, height, width].map((side, axis) => clip(place[axis] + by[axis], 0, side - 1));
    select(this.side, number, (map * height + y) * width + x);
  }

  /** Draw all values, the region that the current value sees, and the trail to the pixels. */
  draw({ outputs, small }, fields, trail) {
    for (const layer of this.layers) {
      this.drawValues(layer, layer.number ? outputs[layer.number] : small.data);
      const field = fields?.[layer.number];
      if (field) this.drawField(layer, field);
      for (const { number, index } of trail) if (number === layer.number) this.drawMark(layer, index);
    }
  }

  drawValues(layer, values) {
    const { step, number, layout, canvas, context } = layer;
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const [maps, height, width] = asMaps(step.shape);
    const scale = largestOf(values) || 1;
    const columns = Int32Array.from({ length: layout.wide }, (_, x) => Math.floor((x * width) / layout.wide));
    for (let map = 0; map < maps; map++) {
      const [left, top] = this.cornerOf(layer, map);
      for (let y = 0; y < layout.tall; y++) {
        const from = (map * height + Math.floor((y * height) / layout.tall)) * width;
        let at = (top + y) * canvas.width + left;
        for (let x = 0; x < layout.wide; x++) {
          const value = values[from + columns[x]];
          pixels[at++] = number ? colourOf(value, scale) : greyColours[value];
        }
      }
    }
    context.putImageData(image, 0, 0);
  }

  cornerOf({ layout }, map) {
    return [Math.floor(map / layout.rows) * (layout.wide + GAP), (map % layout.rows) * (layout.tall + GAP)];
  }

  /** Frame what is seen: in one map if the field names a value, else in all of them. */
  drawField(layer, field) {
    const { step, layout } = layer;
    const [maps, height, width] = asMaps(step.shape);
    const across = layout.wide / width, down = layout.tall / height;
    const own = field.index === undefined ? null : placeOf(step.shape, field.index)[0];
    const isAll = field.bottom - field.top + 1 === height && field.right - field.left + 1 === width;
    if (own === null && isAll && step.kind !== "image") return; // frames around everything say nothing
    for (let map = 0; map < maps; map++) {
      if (own !== null && map !== own) continue;
      const [left, top] = this.cornerOf(layer, map);
      this.frame(layer.context, left + field.left * across, top + field.top * down,
        (field.right - field.left + 1) * across, (field.bottom - field.top + 1) * down);
    }
  }

  drawMark(layer, index) {
    const { step, layout, context } = layer;
    const [, height, width] = asMaps(step.shape);
    const [map, y, x] = placeOf(step.shape, index);
    const [left, top] = this.cornerOf(layer, map);
    context.beginPath();
    context.arc(left + ((x + 0.5) * layout.wide) / width, top + ((y + 0.5) * layout.tall) / height, 5, 0, 7);
    context.strokeStyle = variable("--mark");
    context.lineWidth = 2.5;
    context.stroke();
  }

  frame(context, left, top, wide, tall) {
    const grow = Math.max(0, (5 - Math.min(wide, tall)) / 2); // a single pixel must be seen, too
    context.strokeStyle = variable("--mark");
    context.lineWidth = 1.5;
    context.strokeRect(left - grow, top - grow, wide + 2 * grow, tall + 2 * grow);
  }
}
