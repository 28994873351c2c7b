// Smooth and resample: parts of scipy.ndimage. Sums are made in double precision, as in scipy.

// gaussian_filter with truncate=3 and mode "reflect", axis by axis, in float32 between the axes.
function smoothed({ shape, data }, deviations) {
  let result = Float32Array.from(data);
  deviations.forEach((deviation, axis) => {
    if (deviation > 1e-15) result = smoothedAlong(shape, result, axis, gaussian(deviation));
  });
  return { shape, data: result };
}

// The middle weight of a Gaussian of sum 1 and those beside it.
function gaussian(deviation) {
  const radius = Math.floor(3 * deviation + 0.5);
  const weights = Float64Array.from({ length: radius + 1 }, (_, x) =>
    Math.exp((-0.5 / deviation ** 2) * x ** 2),
  );
  const sum = weights.reduce((total, weight, x) => total + (x ? 2 * weight : weight), 0);
  return weights.map((weight) => weight / sum);
}

function smoothedAlong(shape, data, axis, weights) {
  const [result, beyond] = [new Float32Array(data.length), weights.length - 1];
  const line = new Float64Array(shape[axis] + 2 * beyond);
  const from = Int32Array.from(line, (_, i) => reflect(i - beyond, shape[axis]));
  eachLine(shape, axis, (start, stride, length) => {
    for (let i = 0; i < line.length; i += 1) line[i] = data[start + stride * from[i]];
    for (let i = 0; i < length; i += 1) {
      const middle = i + beyond;
      let sum = line[middle] * weights[0];
      for (let x = 1; x <= beyond; x += 1) sum += (line[middle - x] + line[middle + x]) * weights[x];
      result[start + stride * i] = sum;
    }
  });
  return result;
}

// d c b a | a b c d | d c b a
function reflect(place, length) {
  const within = ((place % (2 * length)) + 2 * length) % (2 * length);
  return within < length ? within : 2 * length - 1 - within;
}

// a b c d mirrored at the middle of its last voxels: d c b | a b c d | c b a
function mirror(place, length) {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const within = ((place % period) + period) % period;
  return within < length ? within : period - within;
}

// Where the voxels of an axis are read, voxel k at step * k + offset, and by which weights.
// Places beyond the first and the last voxel are `outside`.
function taps(length, count, step, offset, weightsAt) {
  const size = weightsAt(0).length;
  const [index, weights] = [new Int32Array(count * size), new Float64Array(count * size)];
  const outside = new Uint8Array(count);
  for (let k = 0; k < count; k += 1) {
    const place = step * (k + offset / step);
    outside[k] = place < 0 || place > length - 1;
    if (outside[k]) continue;
    const first = Math.floor(place) - (size / 2 - 1);
    weights.set(weightsAt(place - Math.floor(place)), k * size);
    for (let n = 0; n < size; n += 1) index[k * size + n] = mirror(first + n, length);
  }
  return { size, index, weights, outside };
}

const linearWeights = (part) => [1 - part, part];

function cubicWeights(t) {
  const z = 1 - t;
  const [second, third] = [(t * t * (t - 2) * 3 + 4) / 6, (z * z * (z - 2) * 3 + 4) / 6];
  const first = (z * z * z) / 6;
  return [first, second, third, 1 - first - second - third];
}

// affine_transform with a step and an offset for each axis, mode "constant".
function resampled({ shape, data }, newShape, step, offset, order, outside) {
  const weightsAt = order === 3 ? cubicWeights : linearWeights;
  let [here, values] = [shape, order === 3 ? splineCoefficients(shape, data) : data];
  const missing = [];
  for (const axis of [2, 1, 0]) {
    const along = taps(shape[axis], newShape[axis], step[axis], offset[axis], weightsAt);
    missing[axis] = along.outside;
    const next = here.map((edge, other) => (other === axis ? newShape[axis] : edge));
    values = resampledAlong(here, values, next, axis, along);
    here = next;
  }
  const result = Float32Array.from(values);
  fillOutside(newShape, result, missing, outside);
  return { shape: newShape, data: result };
}

// Rows of `stride` voxels that lie side by side are summed together.
function resampledAlong(shape, values, next, axis, { size, index, weights }) {
  const result = new Float64Array(sizeOf(next));
  const stride = strideOf(shape, axis);
  const [block, newBlock] = [stride * shape[axis], stride * next[axis]];
  for (let from = 0, to = 0; to < result.length; from += block, to += newBlock) {
    for (let k = 0; k < next[axis]; k += 1) {
      for (let n = k * size; n < (k + 1) * size; n += 1) {
        const [weight, read, write] = [weights[n], from + stride * index[n], to + stride * k];
        if (weight) for (let i = 0; i < stride; i += 1) result[write + i] += weight * values[read + i];
      }
    }
  }
  return result;
}

function fillOutside([x, y, z], data, missing, value) {
  let index = 0;
  for (let k = 0; k < z; k += 1) {
    for (let j = 0; j < y; j += 1) {
      const row = missing[2][k] || missing[1][j];
      for (let i = 0; i < x; i += 1, index += 1) if (row || missing[0][i]) data[index] = value;
    }
  }
}

// spline_filter of order 3, mirrored at both ends (Unser 1999).
function splineCoefficients(shape, data) {
  const result = Float64Array.from(data);
  for (const axis of [0, 1, 2]) {
    if (shape[axis] < 2) continue;
    const line = new Float64Array(shape[axis]);
    eachLine(shape, axis, (start, stride, length) => {
      for (let i = 0; i < length; i += 1) line[i] = result[start + stride * i];
      filterLine(line);
      for (let i = 0; i < length; i += 1) result[start + stride * i] = line[i];
    });
  }
  return result;
}

function filterLine(c) {
  const [n, pole] = [c.length, Math.sqrt(3) - 2];
  const gain = (1 - pole) * (1 - 1 / pole);
  for (let i = 0; i < n; i += 1) c[i] *= gain;
  const last = pole ** (n - 1);
  let power = pole;
  c[0] += last * c[n - 1];
  for (let i = 1; i < n - 1; i += 1, power *= pole) c[0] += power * (c[i] + last * c[n - 1 - i]);
  c[0] /= 1 - last * last;
  for (let i = 1; i < n; i += 1) c[i] += pole * c[i - 1];
  c[n - 1] = ((pole * c[n - 2] + c[n - 1]) * pole) / (pole * pole - 1);
  for (let i = n - 2; i >= 0; i -= 1) c[i] = pole * (c[i + 1] - c[i]);
}
