// kdlib/data/frame.py: where a network's voxels lie in a scan (axes LPS).
// A frame is {scanShape, shape, step, offset}: scan index = step * index + offset.

const LEFT_OUT = 0.03;

// The smoothing of Frame.to_network, the same for all shifted windows: the SD of a box.
const boxSmoothed = (image, { step }) =>
  smoothed(image, step.map((s) => Math.sqrt(Math.max(s ** 2 - 1, 0) / 12)));

// Frame.to_network of an image that is `boxSmoothed`.
const toNetwork = (image, { shape, step, offset }, outside = 0) =>
  resampled(image, shape, step, offset, 1, outside);

// Frame.to_scan.
function toScan(image, { scanShape, step, offset }) {
  const onlyCropped = step.every((s) => s === 1) && offset.every((o) => o === roundEven(o));
  const back = step.map((s) => 1 / s);
  const place = offset.map((o, axis) => -o * back[axis]);
  return resampled(image, scanShape, back, place, onlyCropped ? 1 : 3, 0);
}

// Frame.covered: the box of the scan's voxels that the window holds.
function covered({ scanShape, shape, step, offset }) {
  return scanShape.map((edge, axis) => {
    const start = Math.ceil(Math.max(offset[axis], 0));
    const stop = Math.floor(offset[axis] + step[axis] * (shape[axis] - 1)) + 1;
    return [start, Math.min(stop, edge)];
  });
}

const shiftsOf = ({ step }) => step.map((s) => clip(roundEven(s), 1, 3));

// Frame.dense: all shifted windows together.
function dense(frame) {
  const count = shiftsOf(frame);
  const step = frame.step.map((s, axis) => s / count[axis]);
  return {
    scanShape: frame.scanShape,
    shape: frame.shape.map((edge, axis) => edge * count[axis]),
    step,
    offset: frame.offset.map((o, axis) => o - (step[axis] * (count[axis] - 1)) / 2),
  };
}

// Frame.shifted: [shift, window] for each part of a voxel that the window is moved by.
function shifted(frame) {
  const [whole, count, windows] = [dense(frame), shiftsOf(frame), []];
  for (let x = 0; x < count[0]; x += 1) {
    for (let y = 0; y < count[1]; y += 1) {
      for (let z = 0; z < count[2]; z += 1) {
        const shift = [x, y, z];
        const offset = whole.offset.map((o, axis) => o + whole.step[axis] * shift[axis]);
        windows.push([shift, { ...frame, offset }]);
      }
    }
  }
  return windows;
}

// frame: all slices, with the head in the centre.
function frameOf(shape, spacing, inside, { voxelMm, size }) {
  const step = voxelMm ? voxelMm.map((edge, axis) => edge / spacing[axis]) : [1, 1, 1];
  const depth = Math.max(1, roundEven(shape[2] / step[2]));
  const edges = [...size, depth];
  const [x, y] = robustBox(shape, inside);
  const centre = [...[x, y].map(([start, stop]) => (start + stop - 1) / 2), (shape[2] - 1) / 2];
  const offset = centre.map((c, axis) => c - (step[axis] * (edges[axis] - 1)) / 2);
  const whole = step.map((s) => Math.abs(s - 1) <= 1e-8 + 1e-5); // numpy.isclose
  return {
    scanShape: shape,
    shape: edges,
    step: step.map((s, axis) => (whole[axis] ? 1 : s)),
    offset: offset.map((o, axis) => (whole[axis] ? Math.floor(o + 0.5) : o)),
  };
}

// frames: the windows that a head needs, those nearest to its centre first.
function framesOf(shape, spacing, inside, preparation) {
  const middle = frameOf(shape, spacing, inside, preparation);
  const [right, down] = [0, 1].map((axis) => movesOf(middle, inside, axis));
  const pairs = right.flatMap((x) => down.map((y) => [x, y]));
  pairs.sort((a, b) => Math.hypot(...a) - Math.hypot(...b) || a[0] - b[0] || a[1] - b[1]);
  const [x, y, z] = middle.offset;
  return pairs.map(([r, d]) => ({ ...middle, offset: [x + r, y + d, z] }));
}

// left_out: the share of the head that lies outside a window along one axis.
function leftOut(window, inside, axis) {
  const box = wholeBox(window.scanShape);
  box[axis] = covered(window)[axis];
  const whole = inside.reduce((sum, is) => sum + is, 0);
  let held = 0;
  eachVoxel(window.scanShape, box, (index) => (held += inside[index]));
  return whole ? 1 - held / whole : 0;
}

// _moves: how far the windows along an axis are moved, in the scan's voxels.
function movesOf(window, inside, axis) {
  if (leftOut(window, inside, axis) <= LEFT_OUT) return [0];
  const [side, here] = [robustBox(window.scanShape, inside)[axis], covered(window)[axis]];
  const length = window.step[axis] * (window.shape[axis] - 1);
  const moves = [0];
  for (const [excess, sign] of [[here[0] - side[0], -1], [side[1] - here[1], 1]]) {
    const count = Math.ceil(Math.max(0, excess) / length);
    for (let n = 0; n < count; n += 1) moves.push(sign * Math.ceil((excess * (n + 1)) / count));
  }
  return moves;
}
