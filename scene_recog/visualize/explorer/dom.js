// Small helpers for the page. Texts are always set as text, so no name can become markup.

const find = (id) => document.getElementById(id);

/** An element with these properties and children (elements or texts). */
function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

const option = (value, text) => make("option", { value: String(value), textContent: text });

/** A number in three digits. */
function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1000 || size < 0.001 ? value.toExponential(1) : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.replace("-", "−");
}

/** The same in a sum or product: negative numbers in brackets. */
const inSum = (value) => (value < 0 ? `(${short(value)})` : short(value));

const percent = (share) => `${(100 * share).toFixed(1)} %`;

// ---------------------------------------------------------------- colours

const isDark = matchMedia("(prefers-color-scheme: dark)");
const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const between = (from, to, share) => from.map((part, n) => Math.round(part + share * (to[n] - part)));

const HALF = 127;
let signedColours, greyColours;

/** Colours of values from -1 to 1: blue, nothing, orange, which the colour-blind can tell apart. */
function makeColours() {
  const [zero, plus, minus] = ["--paper", "--plus", "--minus"].map((name) => hex(variable(name)));
  signedColours = Uint32Array.from({ length: 2 * HALF + 1 }, (_, n) => {
    const value = (n - HALF) / HALF;
    return packed(between(zero, value > 0 ? plus : minus, Math.abs(value) ** 0.7));
  });
  greyColours = Uint32Array.from({ length: 256 }, (_, level) => packed([level, level, level]));
}
makeColours();

const largestOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const colourOf = (value, scale) => signedColours[HALF + Math.round(HALF * Math.min(Math.max(value / scale, -1), 1))];

/** A small picture of numbers, with each number written in its cell if there is room. */
function gridPicture(values, height, width, { scale = largestOf(values) || 1, cell = 12, label, marked = -1, withNumbers = false }) {
  const canvas = make("canvas", { width: width * cell, height: height * cell });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  const context = canvas.getContext("2d");
  values.forEach((value, n) => {
    const x = (n % width) * cell, y = Math.floor(n / width) * cell;
    const colour = colourOf(value, scale);
    context.fillStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
    context.fillRect(x, y, cell, cell);
    if (withNumbers && cell >= 26) {
      const lightness = 0.3 * (colour & 255) + 0.59 * ((colour >> 8) & 255) + 0.11 * ((colour >> 16) & 255);
      context.fillStyle = lightness > 130 ? "#000" : "#fff";
      context.font = "9px system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText(Math.abs(value) < 0.005 ? "0" : value.toFixed(Math.abs(value) >= 10 ? 0 : 2), x + cell / 2, y + cell / 2 + 3);
    }
    if (n === marked) {
      context.strokeStyle = variable("--mark");
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, cell - 2, cell - 2);
    }
  });
  context.strokeStyle = variable("--line");
  context.strokeRect(0.5, 0.5, canvas.width - 1, canvas.height - 1);
  return canvas;
}
