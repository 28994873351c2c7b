// Starter.answer of kdlib/starter/starter.py, from a file to probabilities.

const WHITE = 99.8; // percentile of the brain

// {header, turn, shape, spacing, affine, scan, probability, brainMl, doubts, range} of a file (Blob).
// All arrays are in LPS order. `progress(words, share)` is told what happens.
async function segment(file, parts, progress) {
  await progress("Reading the scan", 0);
  const { header, image } = await readScan(file);
  const turn = turnOf(header.affine);
  const scan = toLps(header.shape, image.data, turn);
  const edges = edgesOf(header.affine);
  const spacing = turn.map(({ axis }) => edges[axis]);
  await progress("Starting the networks", 0.05);
  const networks = await openNetworks(parts);
  await progress("Finding the brain", 0.15);
  const brain = Uint8Array.from(await findBrain(scan, spacing, networks.brain), (p) => p >= BRAIN);
  const brainMl = (brain.reduce((sum, is) => sum + is, 0) * sizeOf(spacing)) / 1000;
  const filled = filling(scan);
  const inside = foreground(scan, filled);
  const doubts = [
    ...doubtsOfScan(scan.shape, spacing, inside, parts.bounds),
    ...doubtsOfBrain(brain, brainMl, inside, parts.bounds),
  ];
  const cut = stripped(scan, brain, filled);
  await progress("Finding lesions", 0.3);
  const told = (share) => progress("Finding lesions", 0.3 + 0.7 * share);
  const found = await answerTo(cut, spacing, parts.preparation, networks.lesion, told);
  const probability = found.map((value, i) => (cut.data[i] > 0 ? value : 0));
  const { forms, shape: fileShape } = header;
  return {
    header: { forms, shape: fileShape }, turn, shape: scan.shape, spacing,
    affine: lpsAffine(header.affine, header.shape, turn), scan: scan.data, probability,
    brainMl, doubts,
    range: [percentiles(someOf(scan.shape, scan.data), [1])[0], whiteOf(scan, cut)],
  };
}

function whiteOf(scan, cut) {
  const brain = valuesIn(scan, Uint8Array.from(cut.data, (value) => value > 0));
  return percentiles(brain.length ? brain : scan.data, [WHITE])[0];
}

// What a person can do about an error.
function wordsOf(error) {
  if (error instanceof InputError) return error.message;
  if (error instanceof RangeError || /memory|allocation/i.test(error?.message)) {
    return "The scan does not fit into this browser's memory. Use the command kdlib predict.";
  }
  return `It did not work in this browser (${error?.message ?? error}). Use the command kdlib predict.`;
}

// In a worker: first the parts come, then the scans.
function serve() {
  let parts;
  self.onmessage = async ({ data }) => {
    if (data.parts) {
      parts = data.parts;
      return;
    }
    try {
      const result = await segment(data.file, parts, (words, share) => self.postMessage({ words, share }));
      self.postMessage({ result }, [result.scan.buffer, result.probability.buffer]);
    } catch (error) {
      self.postMessage({ error: wordsOf(error) });
    }
  };
}
