// How many lesions and voxels a mask holds: `components` of kdlib/scores/metrics.py. Voxels hang
// together by sides, edges and corners.

function lesionsIn([x, y, z], mask) {
  const left = mask.slice();
  let [lesions, voxels, queue] = [0, 0, new Int32Array(1024)];
  for (let seed = left.indexOf(1); seed >= 0; seed = left.indexOf(1, seed)) {
    let [first, end] = [0, 1];
    queue[0] = seed;
    left[seed] = 0;
    lesions += 1;
    while (first < end) {
      if (end + 26 > queue.length) queue = larger(queue);
      const here = queue[first++];
      const [i, j, k] = [here % x, Math.floor(here / x) % y, Math.floor(here / (x * y))];
      for (let c = Math.max(k - 1, 0); c <= Math.min(k + 1, z - 1); c += 1) {
        for (let b = Math.max(j - 1, 0); b <= Math.min(j + 1, y - 1); b += 1) {
          for (let a = Math.max(i - 1, 0); a <= Math.min(i + 1, x - 1); a += 1) {
            const place = a + x * (b + y * c);
            if (!left[place]) continue;
            left[place] = 0;
            queue[end++] = place;
          }
        }
      }
    }
    voxels += end;
  }
  return { lesions, voxels };
}

const maskOf = (probability, threshold) => {
  const mask = new Uint8Array(probability.length);
  for (let i = 0; i < mask.length; i += 1) mask[i] = probability[i] >= threshold;
  return mask;
};
