// Masks (Uint8Array of 0 and 1) and their neighbours: parts of scipy.ndimage.

// How many of the 3 x 3 x 3 voxels around each voxel are marked; uniform_filter, mode "nearest".
function neighbours(shape, mask) {
  return [0, 1, 2].reduce((counts, axis) => sumOfThree(shape, counts, axis), mask);
}

function sumOfThree(shape, values, axis) {
  const result = new Uint8Array(values.length);
  eachLine(shape, axis, (start, stride, length) => {
    for (let i = 0; i < length; i += 1) {
      const before = start + stride * Math.max(i - 1, 0);
      const after = start + stride * Math.min(i + 1, length - 1);
      result[start + stride * i] = values[before] + values[start + stride * i] + values[after];
    }
  });
  return result;
}

// Which voxels touch a marked one by a side; binary_dilation.
function dilated(shape, mask) {
  const result = mask.slice();
  for (const axis of [0, 1, 2]) {
    eachLine(shape, axis, (start, stride, length) => {
      for (let i = 0; i < length; i += 1) {
        const here = start + stride * i;
        if (i > 0 && mask[here - stride]) result[here] = 1;
        if (i < length - 1 && mask[here + stride]) result[here] = 1;
      }
    });
  }
  return result;
}

// The places of a voxel's neighbours by sides, within the image.
function sidesOf([x, y, z], index, found) {
  const [i, j, k] = [index % x, Math.floor(index / x) % y, Math.floor(index / (x * y))];
  let count = 0;
  if (i > 0) found[count++] = index - 1;
  if (i < x - 1) found[count++] = index + 1;
  if (j > 0) found[count++] = index - x;
  if (j < y - 1) found[count++] = index + x;
  if (k > 0) found[count++] = index - x * y;
  if (k < z - 1) found[count++] = index + x * y;
  return count;
}

// ndimage.label: number the parts that hang together by sides. Returns {parts, sizes}, sizes[0] = 0.
function labelled(shape, mask) {
  const parts = new Int32Array(mask.length);
  const [sizes, sides] = [[0], new Int32Array(6)];
  let queue = new Int32Array(1024);
  for (let seed = 0; seed < mask.length; seed += 1) {
    if (!mask[seed] || parts[seed]) continue;
    const number = sizes.length;
    let [first, end] = [0, 1];
    queue[0] = seed;
    parts[seed] = number;
    while (first < end) {
      const count = sidesOf(shape, queue[first++], sides);
      if (end + 6 > queue.length) queue = larger(queue);
      for (let n = 0; n < count; n += 1) {
        if (!mask[sides[n]] || parts[sides[n]]) continue;
        parts[sides[n]] = number;
        queue[end++] = sides[n];
      }
    }
    sizes.push(end);
  }
  return { parts, sizes };
}

function larger(queue) {
  const result = new Int32Array(queue.length * 2);
  result.set(queue);
  return result;
}

// kdlib.data.box.robust_box: the box of a mask without the outermost share at each side.
function robustBox(shape, mask, share = 0.005) {
  const along = shape.map((edge) => new Float64Array(edge));
  const [x, y] = shape;
  let total = 0;
  for (let index = 0; index < mask.length; index += 1) {
    if (!mask[index]) continue;
    total += 1;
    along[0][index % x] += 1;
    along[1][Math.floor(index / x) % y] += 1;
    along[2][Math.floor(index / (x * y))] += 1;
  }
  return total ? along.map((counts) => robustSide(counts, total, share)) : wholeBox(shape);
}

function robustSide(counts, total, share) {
  let sum = 0;
  const below = counts.map((count) => (sum += count) / total);
  const first = below.findIndex((value) => value >= share);
  const last = below.findIndex((value) => value >= 1 - share);
  return [first, last + 1];
}
