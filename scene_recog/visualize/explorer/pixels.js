// From a picture to a network's input, as Pillow and torchvision do it. A picture is
// {width, height, data}, with data one grey level from 0 to 255 for each pixel, row by row.

/** Grey levels of red, green, blue, alpha, as Pillow's convert("L"). */
function greyOf({ width, height, data }) {
  const grey = new Uint8Array(width * height);
  for (let n = 0; n < grey.length; n++) {
    grey[n] = (data[4 * n] * 19595 + data[4 * n + 1] * 38470 + data[4 * n + 2] * 7471 + 0x8000) >> 16;
  }
  return { width, height, data: grey };
}

const clip = (value, lowest, highest) => Math.min(Math.max(value, lowest), highest);

// ---------------------------------------------------------------- what the visitor does to it

const UNTOUCHED = { mirrored: false, right: 0, down: 0, brightness: 1, paint: null };

/** The picture after mirroring, shifting (in pixels; the edge is repeated), making it lighter or
 *  darker, and painting: `paint` has a grey level for each pixel, or -1 where nothing is painted. */
function edited({ width, height, data }, { mirrored, right, down, brightness, paint }) {
  const result = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = clip(y - down, 0, height - 1) * width;
    for (let x = 0; x < width; x++, at++) {
      const column = clip(x - right, 0, width - 1);
      result[at] = clip(Math.round(brightness * data[row + (mirrored ? width - 1 - column : column)]), 0, 255);
      if (paint && paint[at] >= 0) result[at] = paint[at];
    }
  }
  return { width, height, data: result };
}

const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// ---------------------------------------------------------------- resizing

const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(x) {
      const a = -0.5, t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
};
const PRECISION = 22; // bits after the point in Pillow's weights

/** For each output place, the first input place and the weights of those from there on. When a
 *  picture shrinks, the filter widens, so that every pixel counts (antialiasing). */
function resizingWeights(from, to, filter) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - filter.support * stretch + 0.5));
    const last = Math.min(from, Math.trunc(centre + filter.support * stretch + 0.5));
    const weights = [];
    for (let at = first; at < last; at++) weights.push(filter.weight((at - centre + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const fixed = weights.map((weight) => Math.trunc((weight / total) * 2 ** PRECISION + (weight < 0 ? -0.5 : 0.5)));
    return { first, weights: fixed };
  });
}

/** Pillow's resize: first along the rows, rounded to grey levels, then along the columns; newer
 *  versions begin with the columns if a picture loses much more of its height than of its width. */
function resized(picture, width, height, filterName, columnsFirst = false) {
  const filter = FILTERS[filterName];
  const alongColumns = (one) => transposed(rowsResized(transposed(one), height, filter));
  const lost = picture.height - height;
  if (columnsFirst && lost > 0 && lost > 2 * (picture.width - width)) return rowsResized(alongColumns(picture), width, filter);
  return alongColumns(rowsResized(picture, width, filter));
}

function rowsResized({ width, height, data }, to, filter) {
  if (width === to) return { width, height, data };
  const result = new Uint8Array(to * height);
  resizingWeights(width, to, filter).forEach(({ first, weights }, place) => {
    for (let y = 0; y < height; y++) {
      let sum = 2 ** (PRECISION - 1);
      for (let n = 0, at = y * width + first; n < weights.length; n++, at++) sum += weights[n] * data[at];
      result[y * to + place] = clip(sum >> PRECISION, 0, 255);
    }
  });
  return { width: to, height, data: result };
}

function transposed({ width, height, data }) {
  const result = new Uint8Array(data.length);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[x * height + y] = data[at++];
  }
  return { width: height, height: width, data: result };
}

// ---------------------------------------------------------------- torchvision's transforms

/** Python's round: halves go to the even number. */
const roundHalfToEven = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** Width and height after Resize: a single size is that of the shorter side. */
function sizeAfter({ width, height }, { size }) {
  if (Array.isArray(size) && size.length === 2) return { width: size[1], height: size[0] };
  const side = Array.isArray(size) ? size[0] : size;
  return width <= height
    ? { width: side, height: Math.trunc((side * height) / width) }
    : { width: Math.trunc((side * width) / height), height: side };
}

const TRANSFORMS = {
  Grayscale: (picture) => picture,
  Resize(picture, step) {
    const { width, height } = sizeAfter(picture, step);
    return resized(picture, width, height, step.interpolation ?? "bilinear", step.columns_first);
  },
  CenterCrop(picture, { size }) {
    const [height, width] = Array.isArray(size) ? [size[0], size[size.length - 1]] : [size, size];
    const data = new Uint8Array(width * height); // black outside
    const left = firstOfCrop(picture.width, width), top = firstOfCrop(picture.height, height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const row = y + top, column = x + left;
        const inside = row >= 0 && row < picture.height && column >= 0 && column < picture.width;
        if (inside) data[at] = picture.data[row * picture.width + column];
      }
    }
    return { width, height, data };
  },
};

/** Where a crop from the centre begins; negative: so many pixels are added before. */
const firstOfCrop = (side, size) => (side < size ? -Math.floor((size - side) / 2) : roundHalfToEven((side - size) / 2));

/** The picture at the size that the network takes, in grey levels. */
function shrunk(picture, transforms) {
  for (const step of transforms) {
    if (TRANSFORMS[step.name]) picture = TRANSFORMS[step.name](picture, step);
  }
  return picture;
}

/** The network's input: levels from 0 to 1, then (level - mean) / standard deviation. */
function normalized({ data }, transforms) {
  const { mean: [mean], std: [deviation] } = transforms.find(({ name }) => name === "Normalize") ?? { mean: [0], std: [1] };
  return Float32Array.from(data, (level) => (level / 255 - mean) / deviation);
}

/** The part of a picture that the network sees, in the picture's pixels: {left, top, width, height}. */
function seenPart({ width, height }, transforms) {
  const part = { left: 0, top: 0, width, height };
  let now = { width, height };
  for (const step of transforms) {
    if (step.name === "CenterCrop") {
      const [tall, wide] = Array.isArray(step.size) ? [step.size[0], step.size[step.size.length - 1]] : [step.size, step.size];
      const across = part.width / now.width, down = part.height / now.height;
      part.left += firstOfCrop(now.width, wide) * across;
      part.top += firstOfCrop(now.height, tall) * down;
      [part.width, part.height] = [wide * across, tall * down];
      now = { width: wide, height: tall };
    } else if (step.name === "Resize") now = sizeAfter(now, step);
  }
  return part;
}
