// What the page says about each kind of step: a title, and a sentence of the lecture.

const product = (pair) => pair.join("×");
const isWhole = ({ shape }) => shape.length === 1 || (shape[1] === 1 && shape[2] === 1);

const TITLES = {
  image: () => "image",
  convolution({ settings: { kernel, stride, groups }, inputShapes }) {
    const more = [stride[0] > 1 ? `stride ${stride[0]}` : "", groups > 1 ? `${groups} groups` : ""].filter(Boolean);
    return ["convolution " + product(kernel), ...more].join(", ");
  },
  linear: ({ shape, inputShapes }) => `linear ${sizeOf(inputShapes[0])} → ${shape[0]}`,
  "batch norm": () => "batch norm",
  "max pooling": ({ settings: { kernel } }) => `max pooling ${product(kernel)}`,
  "average pooling": ({ settings: { kernel } }) => `average pooling ${product(kernel)}`,
  "power pooling": ({ settings: { kernel, power } }) => `L${power} pooling ${product(kernel)}`,
  "adaptive pooling": (step) =>
    isWhole(step) ? `${step.settings.how} of each map` : `${step.settings.how} of ${product(step.shape.slice(1))} parts`,
  activation: ({ settings }) => settings.function,
  dropout: ({ settings }) => `dropout ${Math.round(100 * settings.probability)} %`,
  reshape: () => "flatten",
  upsampling: () => "enlarged",
  sum: () => "sum",
  concatenation: () => "paths joined",
  selection: ({ settings: { first }, shape }) => `${shape.length === 3 ? "maps" : "values"} ${first + 1} to ${first + shape[0]}`,
  scaling: ({ settings: { factor, shift } }) => `× ${short(factor)} + ${short(shift)}`,
};

const titleOf = (step) => TITLES[step.kind](step);
const shapeInWords = ({ shape }) => (shape.length === 3 ? `${shape[0]} ${shape[0] === 1 ? "map" : "maps"} ${shape[1]}×${shape[2]}` : `${shape[0]} values`);

const SENTENCES = {
  image: "The network sees only these numbers: one grey level for each pixel, from 0 to 1, or shifted and scaled so that the training images have mean 0 and standard deviation 1.",
  convolution: "One small filter looks at every place of the image with the same weights, so whatever it finds, it finds everywhere; a fully connected layer would need its own weights for each place.",
  linear: "Every unit sees everything below it. Positive weights speak for it, negative ones against it.",
  "batch norm": "In training, each map gets mean 0 and variance 1 over the batch, then a learned scale and shift. Here, at test time, running averages from training stand in for the batch.",
  "max pooling": "Only the strongest response of each block goes on. Where exactly it was is forgotten, so a small shift of the image changes little.",
  "average pooling": "The mean response of each block is passed on, so a small shift of the image changes little.",
  "power pooling": "The root of a sum of powers: something between the mean and the maximum of each block.",
  "adaptive pooling": "Each map becomes a few numbers, however large it is: what was found, no longer where.",
  activation: "Without a nonlinearity (a bend) between them, two linear layers would be no more than one linear layer.",
  dropout: "In training, each value is dropped with this probability and the others are made larger, so that the expected sum stays the same; no unit can rely on a single other one. At test time nothing is dropped.",
  upsampling: "Each value is repeated, so that the map becomes larger.",
  sum: "A shortcut: the layers beside it only have to learn what to change, and the gradient passes undiminished.",
  concatenation: "The values of several paths, one after the other.",
  selection: "Only some of the values take this path.",
  scaling: "Every value is multiplied and shifted in the same way.",
  scores: "One score for each class. The scores are no probabilities yet: softmax makes them positive and lets them add up to 1.",
};

const sentenceOf = (network, number) =>
  number === lastOf(network) ? SENTENCES.scores : SENTENCES[network[number].kind];

const QUESTIONS = [
  ["Look at one of the most confident mistakes. Which part of the picture did the network rely on? Cover it: what is the answer then?", () => { chooseGroup("most confident mistakes"); setEvidence("occlusion"); lookAt("evidence-title"); }],
  ["Which part of the picture makes one filter of the first layer respond most? Describe three filters in words: edge, spot, gradient?", () => { select(0, firstOf("convolution"), null); lookAt("layers-title"); }],
  ["Follow the largest contribution from the answer back to the pixels. Does it end where you would look?", () => { select(0, shownNetwork().length - 1, bestLabel()); followToPixels(); lookAt("layers-title"); }],
  ["How far can you shift the picture before the answer changes? Compare a network with other pooling sizes.", () => { startStudy("shift"); lookAt("take-title"); }],
  ["Compare the maps before and after training. Which layer has changed most? How good is the answer before training?", () => { showBeside(partnerOf(state.shown)); lookAt("answer-title"); }],
  ["By how many grey levels must the pixels change to make the network answer what you choose? Can you see the difference?", () => { startStudy("adversarial"); lookAt("take-title"); }],
  ["Darken the picture slowly. Which layer keeps its values, and which does not? What would batch norm, or normalizing each image, do about it?", () => { find("brightness").focus(); lookAt("picture-title"); }],
];
