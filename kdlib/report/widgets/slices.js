// A slice with what an answer found, missed and made up. More than one explorer shows it.

const NONE = 0;
const [LESION, OTHER_PATHOLOGY] = [1, 2]; // labels of the truth
const [FOUND, MISSED, FALSE, OTHER] = [1, 2, 3, 4];

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// The colours of the classes 0 to 4, by their names in `colours`. Class 0 has none.
const paletteOf = (colours) => [null, ...["found", "missed", "false", "other"].map((name) => rgb(colours[name]))];

// What each voxel is; where the truth says other pathology nothing counts.
function classify(truth, answer) {
  return Uint8Array.from(truth, (label, i) => {
    if (label === OTHER_PATHOLOGY) return OTHER;
    if (label === LESION) return answer[i] ? FOUND : MISSED;
    return answer[i] ? FALSE : NONE;
  });
}

// How a class looks at (u, v) of its voxel's `size` screen pixels: the share of its colour. Told
// apart without colour: found is filled, missed an outline, false striped with a dashed outline.
function share(kind, edge, u, v) {
  const dash = (u + v) % 4 < 2;
  if (kind === FOUND) return edge ? 1 : 0.55;
  if (kind === MISSED) return edge ? 1 : 0;
  if (kind === FALSE) return edge && dash ? 1 : (u + v) % 6 < 2 ? 0.9 : 0.15;
  return edge && (u + v) % 6 < 2 ? 1 : 0;
}

function paint(canvas, grey, classes, rows, columns, size, colours) {
  [canvas.width, canvas.height] = [columns * size, rows * size];
  const image = new ImageData(canvas.width, canvas.height);
  const thick = size > 4 ? 2 : 1;
  const kindAt = (row, column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? NONE : classes[row * columns + column];
  for (let y = 0; y < canvas.height; y += 1) {
    for (let x = 0; x < canvas.width; x += 1) {
      const [row, column] = [Math.floor(y / size), Math.floor(x / size)];
      const [kind, g] = [kindAt(row, column), grey[row * columns + column]];
      const [u, v] = [x % size, y % size];
      const edge =
        (u < thick && kindAt(row, column - 1) !== kind) ||
        (u >= size - thick && kindAt(row, column + 1) !== kind) ||
        (v < thick && kindAt(row - 1, column) !== kind) ||
        (v >= size - thick && kindAt(row + 1, column) !== kind);
      const part = kind === NONE ? 0 : share(kind, edge, x, y);
      const at = 4 * (y * canvas.width + x);
      for (let c = 0; c < 3; c += 1) {
        image.data[at + c] = Math.round(g + part * ((colours[kind]?.[c] ?? g) - g));
      }
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function legend(colours) {
  const names = { [FOUND]: "found", [MISSED]: "missed", [FALSE]: "false", [OTHER]: "other pathology, not scored" };
  const counts = {};
  const items = Object.entries(names).map(([kind, name]) => {
    const swatch = html("canvas", { "aria-hidden": "true" });
    const classes = Uint8Array.from({ length: 15 }, (_, i) => (i > 4 && i < 10 && i % 5 && i % 5 < 4 ? Number(kind) : NONE));
    paint(swatch, new Uint8Array(15).fill(80), classes, 3, 5, 8, colours);
    counts[kind] = html("span", {}, name);
    return html("li", {}, swatch, counts[kind]);
  });
  const tell = (classes) => {
    for (const [kind, name] of Object.entries(names)) {
      const count = classes.reduce((sum, k) => sum + (k === Number(kind)), 0);
      counts[kind].textContent = `${name}: ${count} voxels`;
      counts[kind].dataset.count = count;
    }
  };
  return { root: html("ul", { class: "kdlib-legend" }, ...items), tell };
}
