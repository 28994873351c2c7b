// Images of three axes: {shape: [x, y, z], data}. In `data` x runs fastest, as in a NIfTI file.

const sizeOf = (shape) => shape.reduce((product, edge) => product * edge, 1);
const strideOf = ([x, y], axis) => [1, x, x * y][axis];

// Call `visit(start, stride, length)` for every line of voxels along an axis.
function eachLine(shape, axis, visit) {
  const stride = strideOf(shape, axis);
  const block = stride * shape[axis];
  for (let outer = 0; outer < sizeOf(shape); outer += block) {
    for (let inner = 0; inner < stride; inner += 1) visit(outer + inner, stride, shape[axis]);
  }
}

// The box of an image: [[start, stop], ...] for each axis.
const wholeBox = (shape) => shape.map((edge) => [0, edge]);

// Call `visit(index)` for every voxel of a box.
function eachVoxel([x, y], box, visit) {
  for (let k = box[2][0]; k < box[2][1]; k += 1) {
    for (let j = box[1][0]; j < box[1][1]; j += 1) {
      const row = x * (j + y * k);
      for (let index = row + box[0][0]; index < row + box[0][1]; index += 1) visit(index);
    }
  }
}

// The values of marked voxels, in a box if one is given.
function valuesIn({ shape, data }, mask, box = wholeBox(shape)) {
  let count = 0;
  eachVoxel(shape, box, (index) => (count += mask[index]));
  const values = new Float32Array(count);
  let place = 0;
  eachVoxel(shape, box, (index) => {
    if (mask[index]) values[place++] = data[index];
  });
  return values;
}

// numpy.percentile with linear interpolation, of a Float32Array.
function percentiles(values, shares) {
  const places = shares.map((share) => (share / 100) * (values.length - 1));
  const at = ranked(values);
  return places.map((place) => {
    const [low, part] = [Math.floor(place), place - Math.floor(place)];
    const [below, above] = [at(low), at(Math.min(low + 1, values.length - 1))];
    return part < 0.5 ? below + (above - below) * part : above - (above - below) * (1 - part);
  });
}

// A function that gives the value of any rank. Values are counted by the first half of their bits,
// and only those that share it with the wanted one are sorted: ten times as fast as sorting all.
function ranked(values) {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const bin = (i) => ((bits[i] >> 31) ? ~bits[i] >>> 16 : (bits[i] >>> 16) | 0x8000);
  const counts = new Uint32Array(2 ** 16);
  for (let i = 0; i < values.length; i += 1) counts[bin(i)] += 1;
  const bins = new Map();
  return (rank) => {
    let [wanted, before] = [0, 0];
    while (before + counts[wanted] <= rank) before += counts[wanted++];
    if (!bins.has(wanted)) bins.set(wanted, values.filter((_, i) => bin(i) === wanted).sort());
    return bins.get(wanted)[rank - before];
  };
}

// numpy.rint and Python's round: halves go to the even number.
function roundEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

const clip = (value, low, high) => Math.min(Math.max(value, low), high);
