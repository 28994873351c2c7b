// kdlib/data/slices.py: make a scan ready for a network.

const BRIGHTEST = 8;

// normalise with "z-score": by mean and deviation inside the head, clipped for these statistics.
function zScore({ shape, data }, inside) {
  const head = valuesIn({ shape, data }, inside);
  if (!head.length) return { shape, data };
  const [low, high] = percentiles(head, [0.5, 99.5]);
  const mean = head.reduce((sum, value) => sum + clip(value, low, high), 0) / head.length;
  const squares = head.reduce((sum, value) => sum + (clip(value, low, high) - mean) ** 2, 0);
  const scale = Math.sqrt(squares / head.length) || 1;
  return { shape, data: data.map((v) => Math.min((Math.max(v, low) - mean) / scale, BRIGHTEST)) };
}

// prepare_found, for all shifted windows of a frame: a function that makes {image, marked} of one.
function preparing(head, shape, frame) {
  const image = boxSmoothed(head.image, frame);
  const inside = boxSmoothed({ shape, data: head.inside }, frame);
  return (window) => {
    const here = toNetwork(inside, window).data;
    const marked = Uint8Array.from(here, (share) => share >= 0.5);
    return { image: zScore(toNetwork(image, window, head.air), marked), marked };
  };
}

// Slices (z, x, y) as a network wants them, of an image (x, y, z).
function asSlices({ shape: [x, y, z], data }) {
  const slices = new Float32Array(data.length);
  let place = 0;
  for (let k = 0; k < z; k += 1) {
    for (let i = 0; i < x; i += 1) {
      for (let j = 0; j < y; j += 1) slices[place++] = data[i + x * (j + y * k)];
    }
  }
  return slices;
}
