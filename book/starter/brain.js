// kdlib/starter/coarse.py and brain.py: find the brain on a coarse grid, and cut it out.

const VOXEL_MM = 3;
const WINDOW = [64, 80, 64];
const [ABOVE, BRIGHT, AROUND] = [2, 98, 0.005];
const [BRAIN, LOWEST] = [0.5, 1e-3];

// find_brain, of an LPS image: the probability that a voxel is brain.
// `answer(image)` is the network: a window (x, y, z), where z runs fastest, in and out.
async function findBrain(image, spacing, answer) {
  const coarse = coarseImage(image, spacing);
  const { cut, first } = coarseWindow(coarse);
  const found = onePart(byFirstAxis(WINDOW, await answer(byLastAxis(WINDOW, cut))));
  const whole = { shape: coarse.shape, data: new Float32Array(coarse.data.length) };
  eachShared(coarse.shape, first, (here, there) => (whole.data[there] = found[here]));
  const onScan = [0, 1, 2].reduce((now, axis) => {
    const step = spacing[axis] / VOXEL_MM;
    return along(now, axis, axisWeights(now.shape[axis], image.shape[axis], step));
  }, whole);
  return onScan.data.map((value) => clip(value, 0, 1));
}

// stripped: the image with exactly 0 outside the brain (a mask), and with more than 0 inside.
function stripped(image, brain, filled) {
  const inside = filled.map((is, i) => !is && brain[i]);
  let [low, high] = [Infinity, -Infinity];
  image.data.forEach((value, i) => {
    if (inside[i]) [low, high] = [Math.min(low, value), Math.max(high, value)];
  });
  const up = low <= 0 ? LOWEST * Math.max(high - low, 1e-6) - low : 0;
  return { shape: image.shape, data: image.data.map((value, i) => (inside[i] ? value + up : 0)) };
}

function coarseImage(image, spacing) {
  const fill = fillValue(image.shape, image.data);
  const above = { shape: image.shape, data: image.data.map((value) => value - fill) };
  return [0, 1, 2].reduce((now, axis) => {
    const [size, step] = [image.shape[axis], VOXEL_MM / spacing[axis]];
    return along(now, axis, axisWeights(size, Math.max(1, roundEven(size / step)), step));
  }, above);
}

// weights: for each new sample the first of the old ones that count, and their weights.
function axisWeights(old, count, step) {
  return Array.from({ length: count }, (_, k) => {
    const place = clip((k - (count - 1) / 2) * step + (old - 1) / 2, 0, old - 1);
    const reach = Math.max(step, 1);
    const first = Math.max(0, Math.ceil(place - reach));
    const last = Math.min(old - 1, Math.floor(place + reach));
    const weights = [];
    for (let i = first; i <= last; i += 1) weights.push(Math.max(0, 1 - Math.abs(place - i) / reach));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => Math.fround(weight / sum)) };
  });
}

function along({ shape, data }, axis, rows) {
  const next = shape.map((edge, other) => (other === axis ? rows.length : edge));
  const [result, starts] = [new Float32Array(sizeOf(next)), []];
  eachLine(shape, axis, (start) => starts.push(start));
  let line = 0;
  eachLine(next, axis, (start, stride) => {
    const from = starts[line++];
    rows.forEach(({ first, weights }, k) => {
      let sum = 0;
      for (let n = 0; n < weights.length; n += 1) sum += weights[n] * data[from + stride * (first + n)];
      result[start + stride * k] = sum;
    });
  });
  return { shape: next, data: result };
}

// window: the head cut out of a coarse image, in [0, 1], and where the cut begins.
function coarseWindow(coarse) {
  const head = findHead(coarse);
  const first = firstOf(coarse.shape, head.inside);
  const [cut, inside] = [new Float32Array(sizeOf(WINDOW)).fill(head.air), new Uint8Array(sizeOf(WINDOW))];
  eachShared(coarse.shape, first, (here, there) => {
    cut[here] = head.image.data[there];
    inside[here] = head.inside[there];
  });
  const marked = valuesIn({ shape: WINDOW, data: cut }, inside);
  const bright = marked.length ? percentiles(marked, [BRIGHT])[0] : head.air;
  const scale = Math.max(bright - head.air, FLOAT32_TINY);
  return { cut: cut.map((value) => clip((value - head.air) / scale, 0, 1)), first };
}

// _first: where the window starts.
function firstOf(shape, inside) {
  const top = robustBox(shape, inside, AROUND / 5)[2][1];
  const bottom = top + ABOVE - WINDOW[2];
  const held = [[0, shape[0]], [0, shape[1]], [Math.max(0, bottom), top]];
  const part = new Uint8Array(inside.length);
  eachVoxel(shape, held, (index) => (part[index] = inside[index]));
  const sides = robustBox(shape, part, AROUND);
  const [left, front] = [0, 1].map((axis) =>
    Math.floor((sides[axis][0] + sides[axis][1] - WINDOW[axis]) / 2),
  );
  return [left, front, bottom];
}

// Call `visit(place in the window, place in the image)` for the voxels that both have.
function eachShared([X, Y, Z], first, visit) {
  const [x, y, z] = WINDOW;
  const [low, high] = [[X, Y, Z].map((_, a) => Math.max(0, -first[a])),
    [X, Y, Z].map((edge, a) => Math.min(WINDOW[a], edge - first[a]))];
  for (let k = low[2]; k < Math.min(high[2], z); k += 1) {
    for (let j = low[1]; j < Math.min(high[1], y); j += 1) {
      for (let i = low[0]; i < Math.min(high[0], x); i += 1) {
        visit(i + x * (j + y * k), i + first[0] + X * (j + first[1] + Y * (k + first[2])));
      }
    }
  }
}

// one_part: the brain's parts but the largest are 0, its holes are 1.
function onePart(probability) {
  const { parts, sizes } = labelled(WINDOW, Uint8Array.from(probability, (p) => p >= BRAIN));
  const largest = sizes.indexOf(sizes.reduce((most, size) => Math.max(most, size)));
  if (!largest) return new Float32Array(probability.length);
  const around = labelled(WINDOW, Uint8Array.from(parts, (part) => part !== largest));
  const outside = new Set();
  for (const { index } of faces(WINDOW)) for (const i of index) outside.add(around.parts[i]);
  return probability.map((p, i) => {
    if (parts[i] === largest) return p;
    if (!outside.has(around.parts[i])) return 1;
    return parts[i] ? 0 : p;
  });
}

// The same voxels with z running fastest, as in numpy and in a network, and back.
function byLastAxis([x, y, z], data) {
  const result = new Float32Array(data.length);
  let place = 0;
  for (let i = 0; i < x; i += 1) {
    for (let j = 0; j < y; j += 1) {
      for (let k = 0; k < z; k += 1) result[place++] = data[i + x * (j + y * k)];
    }
  }
  return result;
}

const byFirstAxis = ([x, y, z], data) => byLastAxis([z, y, x], data);
