// Turn a scan's axes to left, posterior, superior, and back: to_lps and on_grid_of of
// kdlib/data/volume.py, with nibabel's io_orientation. An affine is 3 rows of 4 numbers, RAS+ mm.

const LPS_SIGNS = [-1, -1, 1];

const columnOf = (affine, axis) => [0, 1, 2].map((row) => affine[row][axis]);
const edgesOf = (affine) => [0, 1, 2].map((axis) => Math.hypot(...columnOf(affine, axis)));
const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);

// The rotation nearest to three columns: the limit of the mean of a matrix and its inverse
// transposed (Higham 1986). nibabel takes it from a singular value decomposition.
function nearestRotation(columns) {
  let here = columns;
  for (let round = 0; round < 60; round += 1) {
    const determinant = dot(here[0], cross(here[1], here[2]));
    const inverse = [0, 1, 2].map((i) => cross(here[(i + 1) % 3], here[(i + 2) % 3]));
    here = here.map((column, i) =>
      column.map((value, row) => (value + inverse[i][row] / determinant) / 2),
    );
  }
  return here;
}

// io_orientation: for each axis of the file the direction in space (0 x, 1 y, 2 z) and its sign.
function orientationOf(affine) {
  const edges = edgesOf(affine);
  const columns = [0, 1, 2].map((axis) => columnOf(affine, axis).map((v) => v / edges[axis]));
  const rotation = nearestRotation(columns).map((column) => column.map((v) => +v.toFixed(12)));
  const strength = rotation.map((column) => Math.max(...column.map(Math.abs)));
  const order = [0, 1, 2].sort((a, b) => strength[b] - strength[a] || a - b);
  const [found, taken] = [[], new Set()];
  for (const axis of order) {
    const free = [0, 1, 2].filter((row) => !taken.has(row));
    const row = free.reduce((best, r) =>
      Math.abs(rotation[axis][r]) > Math.abs(rotation[axis][best]) ? r : best,
    );
    taken.add(row);
    found[axis] = { row, sign: rotation[axis][row] < 0 ? -1 : 1 };
  }
  return found;
}

// How to read the voxels of a file in LPS order: for each LPS axis the file's axis, and whether it
// runs backwards.
function turnOf(affine) {
  const found = orientationOf(affine);
  return [0, 1, 2].map((row) => {
    const axis = found.findIndex((direction) => direction.row === row);
    return { axis, flip: found[axis].sign !== LPS_SIGNS[row] };
  });
}

// Where each LPS voxel lies in the file: start + steps of the three LPS axes.
function pathOf(fileShape, turn) {
  let start = 0;
  const steps = turn.map(({ axis, flip }) => {
    const stride = strideOf(fileShape, axis);
    if (flip) start += stride * (fileShape[axis] - 1);
    return flip ? -stride : stride;
  });
  return { start, steps, shape: turn.map(({ axis }) => fileShape[axis]) };
}

// to_lps of an array as stored.
function toLps(fileShape, data, turn) {
  const { shape } = pathOf(fileShape, turn);
  const result = new data.constructor(data.length);
  eachPlace(fileShape, turn, (here, stored) => (result[here] = data[stored]));
  return { shape, data: result };
}

// on_grid_of: an LPS array in the order of the file.
function asStored(fileShape, data, turn) {
  const result = new data.constructor(data.length);
  eachPlace(fileShape, turn, (here, stored) => (result[stored] = data[here]));
  return result;
}

function eachPlace(fileShape, turn, visit) {
  const { start, steps, shape } = pathOf(fileShape, turn);
  let here = 0;
  for (let k = 0; k < shape[2]; k += 1) {
    for (let j = 0; j < shape[1]; j += 1) {
      let stored = start + j * steps[1] + k * steps[2];
      for (let i = 0; i < shape[0]; i += 1, stored += steps[0]) visit(here++, stored);
    }
  }
}

// The affine of the array that `toLps` makes.
function lpsAffine(affine, fileShape, turn) {
  const columns = turn.map(({ axis, flip }) =>
    columnOf(affine, axis).map((value) => (flip ? -value : value)),
  );
  const first = turn.reduce(
    (place, { axis, flip }) =>
      flip ? place.map((v, row) => v + affine[row][axis] * (fileShape[axis] - 1)) : place,
    [0, 1, 2].map((row) => affine[row][3]),
  );
  return [0, 1, 2].map((row) => [...columns.map((column) => column[row]), first[row]]);
}
