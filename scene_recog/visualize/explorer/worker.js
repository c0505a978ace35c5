// The worker's side: it holds the networks and answers one request at a time. A study, which takes
// many runs of a network, pauses now and then, so that a newer request can stop it.

const networks = [];
let latestStudy = 0;

const pause = () => new Promise((resolve) => setTimeout(resolve));

const STUDIES = {
  gradCam: ({ network, input, label }) => gradCam(network, input, label),
  occlusion: ({ network, input, label }) => occlusion(network, input, label),
  brightness: ({ network, transforms, picture, edits }) =>
    smallest(network, transforms, picture, edits, brighterOrDarker(edits)),
  shift: ({ network, transforms, picture, edits }) =>
    smallest(network, transforms, picture, edits, shifts(edits, picture)),
  cover: ({ network, transforms, picture, edits }) =>
    smallest(network, transforms, picture, edits, coveredSquares(edits, edited(picture, edits))),
  adversarial: ({ network, transforms, small, label }) => adversarial(network, transforms, small, label),
};

async function study({ id, name, ...request }) {
  latestStudy = id;
  const network = networks[request.network];
  const small = shrunk(edited(request.picture, request.edits), request.transforms);
  const input = normalized(small, request.transforms);
  const result = STUDIES[name]({ ...request, network, small, input });
  if (!(Symbol.iterator in result)) return { result };
  let shown = performance.now();
  for (;;) {
    const { value, done } = result.next();
    if (done) return { result: value };
    if (performance.now() - shown < 40) continue;
    postMessage({ id, progress: value.done });
    await pause();
    if (latestStudy !== id) return { stopped: true };
    shown = performance.now();
  }
}

/** All values of several networks for one picture. */
function run({ picture, edits, wanted }) {
  const changed = edited(picture, edits);
  return {
    changed,
    results: wanted.map(({ network, transforms }) => {
      const small = shrunk(changed, transforms);
      return { small, outputs: forward(networks[network], normalized(small, transforms)) };
    }),
  };
}

onmessage = async ({ data }) => {
  try {
    if (data.what === "load") networks.push(...data.networks);
    else if (data.what === "run") postMessage({ id: data.id, ...run(data) });
    else if (data.what === "study") postMessage({ id: data.id, ...(await study(data)) });
    else latestStudy = 0;
  } catch (error) {
    postMessage({ id: data.id, error: String(error) });
  }
};
