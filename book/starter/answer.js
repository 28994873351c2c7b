// kdlib/prediction.py: ask the network for its answer to a scan, on the scan's own grid.

const BATCH = 8; // slices

// predict, of an LPS image: the lesion probability of each voxel.
// `lesion(slices, count, x, y)` is the network: slices (z, x, y) in, their probabilities out.
async function answerTo(image, spacing, preparation, lesion, progress) {
  const head = findHead(image);
  const windows = framesOf(image.shape, spacing, head.inside, preparation);
  const result = new Float32Array(image.data.length);
  for (const [n, window] of windows.entries()) {
    const told = (share) => progress((n + share) / windows.length);
    const answer = await inWindow(window, preparing(head, image.shape, window), lesion, told);
    windows[n] = { window: dense(window), answer };
  }
  for (const { window, answer } of windows.reverse()) bringBack(result, image.shape, window, answer);
  return result;
}

// _in_window: the probability of each voxel of the window's dense grid.
async function inWindow(frame, prepared, lesion, progress) {
  const { shape } = dense(frame);
  const result = new Float32Array(sizeOf(shape));
  const moved = shifted(frame);
  for (const [n, [shift, window]] of moved.entries()) {
    const { image, marked } = prepared(window);
    const told = (share) => progress((n + share) / moved.length);
    const answers = await inBatches(asSlices(image), slicesWith(frame.shape, marked), frame.shape, lesion, told);
    put(result, shape, shift, shiftsOf(frame), frame.shape, answers);
  }
  return { shape, data: result };
}

// The first and the last slice that hold a marked voxel. Elsewhere the answer is 0.
function slicesWith([x, y], marked) {
  const [first, last] = [marked.indexOf(1), marked.lastIndexOf(1)];
  return first < 0 ? [0, 0] : [Math.floor(first / (x * y)), Math.floor(last / (x * y)) + 1];
}

async function inBatches(slices, [start, stop], [x, y], lesion, progress) {
  const answers = new Float32Array(slices.length);
  for (let first = start; first < stop; first += BATCH) {
    const count = Math.min(BATCH, stop - first);
    const some = slices.subarray(first * x * y, (first + count) * x * y);
    answers.set(await lesion(some, count, x, y), first * x * y);
    await progress((first + count - start) / (stop - start));
  }
  return answers;
}

// Put the answers (z, x, y) of one shifted window at its places of the dense grid.
function put(result, [X, Y], shift, count, [x, y, z], answers) {
  const [right, down, up] = [count[0], X * count[1], X * Y * count[2]];
  const first = shift[0] + X * (shift[1] + Y * shift[2]);
  let place = 0;
  for (let k = 0; k < z; k += 1) {
    for (let i = 0; i < x; i += 1) {
      const start = first + k * up + i * right;
      for (let j = 0; j < y; j += 1) result[start + j * down] = answers[place++];
    }
  }
}

// on_own_grid, for one window. Later ones are laid over earlier ones.
function bringBack(result, shape, window, answer) {
  const back = toScan(answer, window).data;
  eachVoxel(shape, covered(window), (index) => (result[index] = clip(back[index], 0, 1)));
}
