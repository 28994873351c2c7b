// The teacher's answer softened by a temperature: softmax(z / T), drawn, counted and averaged.

const [COOLEST, HOTTEST, BINS] = [1, 10, 20];
// From nothing to certain, dark to light and through hues that colour-blind readers tell apart
// (matplotlib's plasma at five places).
const [SCALE, TRUTH] = [4, "#56b4e9"];
const RAMP = [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]];

function ramp(share) {
  const place = within(share, 0, 1) * (RAMP.length - 1);
  const below = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[below].map((v, i) => v + (place - below) * (RAMP[below + 1][i] - v));
}

const lesion = (difference, temperature) => 1 / (1 + Math.exp(-difference / temperature));
const bits = (p) => (p <= 0 || p >= 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p));

// One slice at one temperature: its probabilities, and of the head histogram and mean entropy.
function soften(logits, grey, perLogit, temperature) {
  const probability = Float64Array.from(logits, (z) => lesion(z / perLogit, temperature));
  const counts = new Array(BINS).fill(0);
  let [entropy, voxels] = [0, 0];
  probability.forEach((p, i) => {
    if (grey[i] === 0) return;
    counts[Math.min(Math.floor(p * BINS), BINS - 1)] += 1;
    entropy += bits(p);
    voxels += 1;
  });
  return { probability, counts, voxels, entropy: voxels ? entropy / voxels : 0 };
}

function paint(canvas, grey, rows, columns, probability) {
  [canvas.width, canvas.height] = [columns, rows];
  const image = new ImageData(columns, rows);
  grey.forEach((g, i) => {
    const p = probability && g > 0 ? probability[i] : 0;
    const colour = ramp(p);
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = Math.round(g + p * (colour[c] - g));
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Draw the border of the voxels of a mask (rows, columns) in `colour`, over a canvas of these voxels.
function outline(canvas, mask, rows, columns, colour) {
  const drawn = canvas.getContext("2d");
  const size = canvas.width / columns;
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < rows && column < columns && mask(row * columns + column);
  drawn.strokeStyle = colour;
  drawn.lineWidth = Math.max(1, size / 3);
  drawn.beginPath();
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (!inside(row, column)) continue;
      const [x, y] = [column * size, row * size];
      if (!inside(row - 1, column)) drawn.moveTo(x, y), drawn.lineTo(x + size, y);
      if (!inside(row + 1, column)) drawn.moveTo(x, y + size), drawn.lineTo(x + size, y + size);
      if (!inside(row, column - 1)) drawn.moveTo(x, y), drawn.lineTo(x, y + size);
      if (!inside(row, column + 1)) drawn.moveTo(x + size, y), drawn.lineTo(x + size, y + size);
    }
  }
  drawn.stroke();
}

// A canvas over another one, of `scale` pixels for each of its voxels, for outlines.
function layered(under) {
  const over = html("canvas", { class: "kdlib-over", "aria-hidden": "true" });
  return { root: html("div", { class: "kdlib-layers" }, under, over), over };
}

function colourBar() {
  const bar = html("canvas", { width: 101, height: 1, "aria-hidden": "true" });
  const grey = new Uint8Array(101).fill(110);
  paint(bar, grey, 1, 101, Array.from(grey, (_, i) => i / 100));
  return html("div", { class: "kdlib-bar" }, html("span", {}, "lesion probability"), "0", bar, "1");
}

function histogram(counts) {
  const top = 5;
  const powers = evenly([0, 1, 2, 3, 4, 5], (p) => ["1", "10", "100", "1000", "10⁴", "10⁵"][p]);
  const drawn = chart(
    "Voxels of the head, by probability",
    { name: "soft label (lesion probability)", low: 0, high: 1, ticks: evenly([0, 0.25, 0.5, 0.75, 1]) },
    { name: "", low: 0, high: top, ticks: powers },
  );
  counts.forEach((count, i) => {
    const height = count ? drawn.foot - drawn.y(Math.max(Math.log10(count), 0.08)) : 0;
    drawn.marks.append(
      svg("rect", {
        x: drawn.x(i / BINS) + 0.5, width: drawn.x(1 / BINS) - drawn.x(0) - 1,
        y: drawn.foot - height, height, class: "kdlib-fill", "data-count": count,
      }),
    );
  });
  drawn.root.setAttribute("aria-label", `Histogram of the soft label: ${counts.join(", ")} voxels`);
  return drawn.root;
}

const temperatureAxis = {
  name: "temperature T", low: COOLEST - 0.3, high: HOTTEST + 0.3, ticks: evenly([1, 2, 4, 6, 8, 10]),
};

function here(drawn, temperature) {
  const x = drawn.x(temperature);
  drawn.marks.append(
    svg("line", { x1: x, x2: x, y1: drawn.top, y2: drawn.foot, class: "kdlib-here", "data-temperature": temperature }),
  );
}

function entropyCurve(curve, temperature, entropy) {
  const drawn = chart("Mean entropy over the head (bits)", temperatureAxis, {
    name: "", low: 0, high: 1, ticks: evenly([0, 0.25, 0.5, 0.75, 1]),
  });
  const points = curve.map(([t, e]) => `${drawn.x(t)},${drawn.y(e)}`).join(" ");
  drawn.marks.append(svg("polyline", { points, class: "kdlib-line" }));
  here(drawn, temperature);
  drawn.marks.append(
    svg("circle", {
      cx: drawn.x(temperature), cy: drawn.y(entropy), r: 5, class: "kdlib-chosen", "data-entropy": entropy,
    }),
  );
  drawn.root.setAttribute("aria-label", `Mean entropy ${entropy.toFixed(3)} bit at T ${temperature}`);
  return drawn.root;
}

function studentDice(rows, temperature) {
  const drawn = chart("Students' Dice on the target", temperatureAxis, {
    name: "", low: 0, high: 1, ticks: evenly([0, 0.25, 0.5, 0.75, 1]),
  });
  here(drawn, temperature);
  const points = rows.map((row) => `${drawn.x(row.temperature)},${drawn.y(row.mean)}`).join(" ");
  drawn.marks.append(svg("polyline", { points, class: "kdlib-line" }));
  for (const row of rows) {
    const [x, low, high] = [drawn.x(row.temperature), row.mean - row.sd, row.mean + row.sd];
    drawn.marks.append(
      svg("line", {
        x1: x, x2: x, y1: drawn.y(Math.max(low, 0)), y2: drawn.y(Math.min(high, 1)), class: "kdlib-line",
      }),
      svg("circle", {
        cx: x, cy: drawn.y(row.mean), r: 4, class: "kdlib-dot",
        "data-dice": row.mean, "data-trained-at": row.temperature,
      }),
    );
  }
  drawn.root.setAttribute(
    "aria-label",
    rows.map((row) => `T ${row.temperature}: mean Dice ${row.mean.toFixed(3)}`).join("; "),
  );
  return drawn.root;
}

// What the study has to say at this temperature, in words.
function studyWords(rows, temperature) {
  if (!rows.length) return "The study has no student for this pair of clinics.";
  const nearest = rows.reduce((a, b) =>
    Math.abs(b.temperature - temperature) < Math.abs(a.temperature - temperature) ? b : a,
  );
  const dice = `Their mean Dice is ${nearest.mean.toFixed(3)} (SD ${nearest.sd.toFixed(3)}) over ${nearest.subjects} subjects.`;
  if (rows.length === 1) {
    return `The study trained students at one temperature only, T = ${nearest.temperature}. ${dice}`;
  }
  return `The nearest students were trained at T = ${nearest.temperature}. ${dice}`;
}

// The trained students of each temperature on the same slice, where the study kept their answers.
function trained(pair, arrays, cut, grey, rows, columns, truth) {
  return (pair.students ?? []).map(({ temperature, answer }) => {
    const canvas = html("canvas", { role: "img", "data-student": temperature });
    const probability = Float64Array.from(cut(arrays[answer]), (p) => p / 255);
    paint(canvas, grey, rows, columns, probability);
    const { root, over } = layered(canvas);
    [over.width, over.height] = [columns * SCALE, rows * SCALE];
    if (truth) outline(over, (i) => truth[i] === 1, rows, columns, TRUTH);
    outline(over, (i) => grey[i] > 0 && probability[i] >= 0.5, rows, columns, "#ffffff");
    const words = `the student trained at T = ${temperature}`;
    canvas.setAttribute("aria-label", words);
    return html("figure", {}, root, html("figcaption", {}, words));
  });
}

async function render({ model, el }) {
  const facts = model.get("facts");
  const arrays = await unpack(model);
  const pairs = facts.pairs;
  const pairOf = () => within(Math.trunc(model.get("pair")), 0, pairs.length - 1);

  // Another pair keeps T, and the height in the head: another scan may have other slices.
  const pick = choice("Clinics", (value) => {
    const [own, other] = [pairs[pairOf()].slices.length, pairs[Number(value)].slices.length];
    const height = model.get("place") / Math.max(own - 1, 1);
    set(model, { pair: Number(value), place: Math.round(height * Math.max(other - 1, 1)) });
  });
  pick.root.classList.add("kdlib-wide");
  const place = slider("Slice", { min: 0, step: 1 }, (value) => set(model, { place: value }));
  const heat = slider("Temperature T", { min: COOLEST, max: HOTTEST, step: 0.05 }, (value) =>
    set(model, { temperature: value }),
  );
  const [scan, soft] = [html("canvas", { role: "img" }), html("canvas", { role: "img" })];
  const [truthOver, halfOver] = [layered(scan), layered(soft)];
  const students = html("div", { class: "kdlib-pictures kdlib-students" });
  const scanSays = html("span", {}, "FLAIR");
  const says = html("p", { class: "kdlib-says", role: "status" });
  const study = html("p", { class: "kdlib-says" });
  const charts = html("div", { class: "kdlib-charts" });
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Temperature explorer" },
    html("div", { class: "kdlib-controls" }, pick.root, place.root, heat.root),
    html(
      "div",
      { class: "kdlib-pictures" },
      html("figure", {}, truthOver.root, html("figcaption", {}, scanSays)),
      html("figure", {}, halfOver.root, html("figcaption", {}, "the teacher's soft label; the white line is one half")),
      html("div", { class: "kdlib-beside" }, colourBar(), says),
    ),
    charts,
    students,
  );
  const names = pairs.map((pair, i) => [String(i), `${written(pair.source)} → ${written(pair.target)}`]);
  pick.offer(names, String(pairOf()));
  el.append(root);

  let [curve, curveOf] = [[], ""];
  const draw = () => {
    const pair = pairs[pairOf()];
    const [logits, flair] = [arrays[pair.difference], arrays[pair.flair]];
    const [slices, rows, columns] = logits.shape;
    const at = within(Math.trunc(model.get("place")), 0, slices - 1);
    const temperature = within(model.get("temperature"), COOLEST, HOTTEST);
    const cut = ({ values }) => values.subarray(at * rows * columns, (at + 1) * rows * columns);
    const [z, grey] = [cut(logits), cut(flair)];
    const now = soften(z, grey, facts.steps_per_logit, temperature);
    if (curveOf !== `${pairOf()} ${at}`) {
      const grid = Array.from({ length: 37 }, (_, i) => COOLEST + i / 4);
      curve = grid.map((t) => [t, soften(z, grey, facts.steps_per_logit, t).entropy]);
      curveOf = `${pairOf()} ${at}`;
    }
    pick.offer(names, String(pairOf()));
    place.input.max = slices - 1;
    place.tell(at, String(pair.slices[at] + 1));
    heat.tell(temperature, temperature.toFixed(2));
    paint(scan, grey, rows, columns, null);
    paint(soft, grey, rows, columns, now.probability);
    const truth = pair.truth ? cut(arrays[pair.truth]) : null;
    scanSays.textContent = truth ? "FLAIR; the blue line is the truth" : "FLAIR";
    for (const { over } of [truthOver, halfOver]) [over.width, over.height] = [columns * SCALE, rows * SCALE];
    if (truth) outline(truthOver.over, (i) => truth[i] === 1, rows, columns, TRUTH);
    outline(halfOver.over, (i) => grey[i] > 0 && z[i] >= 0, rows, columns, "#ffffff");
    scan.setAttribute("aria-label", `FLAIR of subject ${pair.subject} of ${written(pair.target)}`);
    soft.setAttribute("aria-label", `Soft label at T = ${temperature.toFixed(2)} over the FLAIR`);
    says.textContent =
      `The mean entropy is ${now.entropy.toFixed(3)} bit over ${now.voxels} voxels of the head. The scan is ` +
      `of subject ${pair.subject} of ${written(pair.target)}. The teacher learnt at ${written(pair.source)}.`;
    charts.replaceChildren(histogram(now.counts), entropyCurve(curve, temperature, now.entropy));
    study.textContent = studyWords(pair.dice, temperature);
    students.replaceChildren(
      ...trained(pair, arrays, cut, grey, rows, columns, truth),
      html("div", { class: "kdlib-beside kdlib-charts" }, studentDice(pair.dice, temperature), study),
    );
  };
  const stop = follow(model, ["pair", "place", "temperature"], draw);
  ready(model, root);
  return stop;
}

export default { render };
