// kdlib/data/head.py: tell the head from what is around it.

const [FILL_SHARE, HARDLY, WAVES, FLAT] = [0.01, 0.2, 0.01, 0.5];
const [SHEET, REGION] = [8, 10]; // marked voxels of 27: more than so many
const [LARGE, DARKEST] = [0.02, 0.5];
const FLOAT32_TINY = 2 ** -126;

// find_head: {image, inside, air} of an image.
function findHead(image) {
  const { shape, data } = image;
  const filled = filling(image);
  const inside = foreground(image, filled);
  if (!inside.includes(1)) {
    return { image, inside, air: data.reduce((low, value) => Math.min(low, value), Infinity) };
  }
  const air = Math.fround(percentiles(valuesIn(image, inside), [DARKEST])[0]);
  const around = dilated(shape, dilated(shape, inside));
  const dark = data.map((value, i) => (around[i] && !filled[i] ? Math.max(value, air) : air));
  return { image: { shape, data: dark }, inside, air };
}

// foreground, of an image whose filled regions are known.
const foreground = (image, filled) => insideOf(image, filled.map((is) => 1 - is));

// _inside: the head among the given voxels, sought twice.
function insideOf(image, given) {
  const { shape, data } = image;
  let [box, inside] = [wholeBox(shape), new Uint8Array(data.length)];
  for (let time = 0; time < 2; time += 1) {
    const values = valuesIn(image, given, box);
    if (!values.length) return inside;
    const [low, high] = percentiles(values, [2, 98]);
    const least = low + 0.1 * (high - low);
    inside = withoutIslands(shape, given.map((is, i) => is & (data[i] > least)));
    box = robustBox(shape, inside);
  }
  return inside;
}

// _without_islands: the mask near its large parts alone.
function withoutIslands(shape, mask) {
  const { parts, sizes } = labelled(shape, neighbours(shape, mask).map((n) => n > SHEET));
  if (sizes.length === 1) return mask;
  const least = LARGE * sizes.reduce((most, size) => Math.max(most, size));
  const large = mask.map((_, i) => parts[i] > 0 && sizes[parts[i]] >= least);
  return dilated(shape, large).map((is, i) => is & mask[i]);
}

// filling: the regions that a program filled with one value.
function filling(image) {
  const filled = exactFilling(image);
  let [flat, all] = [0, 0];
  for (const { index } of faces(image.shape)) {
    for (const i of index) flat += filled[i];
    all += index.length;
  }
  if (flat / all > HARDLY) return filled;
  const wavy = exactFilling(inSteps(image));
  return filled.map((is, i) => is | wavy[i]);
}

// _in_steps: the image in steps of a share of its range. The middle of its faces is at 0.
function inSteps({ shape, data }) {
  const [low, high] = percentiles(someOf(shape, data), [1, 99]);
  const middle = Math.fround(percentiles(valuesOfFaces(shape, data), [50])[0]);
  const step = Math.fround(Math.max(WAVES * (high - low), FLOAT32_TINY));
  const steps = data.map((value) => roundEven(Math.fround(Math.fround(value - middle) / step)));
  return { shape, data: steps };
}

// About a million of the values: those that numpy's ravel()[::n] takes, where z runs fastest.
function someOf([x, y, z], data) {
  const every = Math.max(1, Math.floor(data.length / 1e6));
  const values = new Float32Array(Math.ceil(data.length / every));
  for (let n = 0; n < values.length; n += 1) {
    const place = n * every;
    const [i, j, k] = [Math.floor(place / (y * z)), Math.floor(place / z) % y, place % z];
    values[n] = data[i + x * (j + y * k)];
  }
  return values;
}

function exactFilling({ shape, data }) {
  const filled = new Uint8Array(data.length);
  for (const value of fillValues(shape, data)) {
    const equal = filled.map((_, i) => data[i] === value);
    const regions = neighbours(shape, equal).map((n) => n > REGION);
    const near = neighbours(shape, regions);
    for (let i = 0; i < data.length; i += 1) if (equal[i] && near[i]) filled[i] = 1;
  }
  return filled;
}

// _faces: the outermost planes, each as the places of its voxels. A single slice is no face.
function faces(shape) {
  const planes = [];
  for (const axis of [0, 1, 2].filter((a) => shape[a] > 1)) {
    const [rows, columns] = [0, 1, 2].filter((a) => a !== axis);
    for (const end of [0, shape[axis] - 1]) {
      const index = new Int32Array(shape[rows] * shape[columns]);
      let place = 0;
      for (let c = 0; c < shape[columns]; c += 1) {
        for (let r = 0; r < shape[rows]; r += 1) {
          index[place++] = end * strideOf(shape, axis) +
            r * strideOf(shape, rows) + c * strideOf(shape, columns);
        }
      }
      planes.push({ rows: shape[rows], columns: shape[columns], index });
    }
  }
  return planes;
}

function valuesOfFaces(shape, data) {
  const places = faces(shape).map(({ index }) => index);
  const values = new Float32Array(places.reduce((sum, index) => sum + index.length, 0));
  let place = 0;
  for (const index of places) for (const i of index) values[place++] = data[i];
  return values;
}

// fill_value: the lowest value that a program filled in; 0 if none did.
function fillValue(shape, data) {
  const values = fillValues(shape, data);
  return values.length ? Math.min(...values) : 0;
}

// _fill_values: the values that fill a part of the image's faces without any noise.
function fillValues(shape, data) {
  const [found, total] = [new Map(), { count: 0 }];
  for (const face of faces(shape)) {
    const values = Float32Array.from(face.index, (i) => data[i]);
    values.forEach((value, place) => {
      const seen = found.get(value) ?? { count: 0, flat: 0 };
      seen.count += 1;
      seen.flat += isFlat(face, values, place);
      found.set(value, seen);
    });
    total.count += values.length;
  }
  const often = [...found].filter(([, { count }]) => count >= FILL_SHARE * total.count);
  return often.filter(([, { count, flat }]) => flat / count >= FLAT).map(([value]) => value);
}

// _flat: whether a pixel of a face has the same value as all its neighbours.
function isFlat({ rows, columns }, values, place) {
  const [row, column] = [place % rows, Math.floor(place / rows)];
  for (let c = Math.max(column - 1, 0); c <= Math.min(column + 1, columns - 1); c += 1) {
    for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, rows - 1); r += 1) {
      if (values[r + rows * c] !== values[place]) return 0;
    }
  }
  return 1;
}

// without_nan_outside: the lowest value instead of the NaN that reaches the image's faces.
function withoutNanOutside({ shape, data }) {
  const nan = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 1) nan[i] = Number.isNaN(data[i]);
  if (!nan.includes(1) || !nan.includes(0)) return { shape, data };
  const { parts } = labelled(shape, nan);
  const outside = new Set();
  for (const { index } of faces(shape)) for (const i of index) outside.add(parts[i]);
  outside.delete(0);
  let lowest = Infinity;
  for (const value of data) if (Number.isFinite(value) && value < lowest) lowest = value;
  return { shape, data: data.map((value, i) => (outside.has(parts[i]) ? lowest : value)) };
}
