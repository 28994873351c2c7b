// From which probability on a voxel is called lesion: what caution costs, on the saved slices.

// How many lesion and other voxels have each probability 0 to 255, over the slices of runs.
function count(runs, arrays) {
  const [lesion, rest] = [new Float64Array(256), new Float64Array(256)];
  for (const run of runs) {
    const [truth, answer] = [arrays[run.truth].values, arrays[run.answer].values];
    truth.forEach((label, i) => {
      if (label !== OTHER_PATHOLOGY) (label === LESION ? lesion : rest)[answer[i]] += 1;
    });
  }
  return { lesion, rest };
}

// Dice, recall and precision if voxels count from `grey` of 255 on; null where none is defined.
function scoresAt({ lesion, rest }, grey) {
  const from = (counts) => counts.subarray(grey).reduce((a, b) => a + b, 0);
  const [found, wrong, all] = [from(lesion), from(rest), from(lesion) + lesion.subarray(0, grey).reduce((a, b) => a + b, 0)];
  const share = (part, whole) => (whole > 0 ? part / whole : null);
  return {
    Dice: share(2 * found, all + found + wrong),
    recall: share(found, all),
    precision: share(found, found + wrong),
  };
}

const greyOf = (threshold) => within(Math.round(threshold * 255), 1, 255);
// How each line is dashed, at which threshold its name stands, and how far below the line.
const LINES = { Dice: ["", 0.72, -6], recall: ["6 4", 0.3, 15], precision: ["2 3", 0.8, -6] };

function curves(points, threshold, now) {
  const quarters = evenly([0, 0.25, 0.5, 0.75, 1]);
  const drawn = chart(
    "All slices of this pair",
    { name: "threshold", low: 0, high: 1, ticks: quarters },
    { name: "", low: 0, high: 1, ticks: quarters },
    { height: 230 },
  );
  for (const [name, [dash, place, below]] of Object.entries(LINES)) {
    const known = points.filter(([, scores]) => scores[name] !== null);
    const path = known.map(([t, scores]) => `${drawn.x(t)},${drawn.y(scores[name])}`).join(" ");
    drawn.marks.append(svg("polyline", { points: path, class: "kdlib-line", "stroke-dasharray": dash }));
    const named = known.find(([t]) => t >= place);
    if (named) drawn.marks.append(svg("text", { x: drawn.x(place), y: drawn.y(named[1][name]) + below, class: "kdlib-name" }, name));
    if (now[name] === null) continue;
    drawn.marks.append(
      svg("circle", { cx: drawn.x(threshold), cy: drawn.y(now[name]), r: 4.5, class: "kdlib-chosen", [`data-${name.toLowerCase()}`]: now[name] }),
    );
  }
  const x = drawn.x(threshold);
  drawn.marks.append(svg("line", { x1: x, x2: x, y1: drawn.top, y2: drawn.foot, class: "kdlib-here" }));
  drawn.root.setAttribute("aria-label", told(now));
  return drawn.root;
}

const told = (scores) =>
  Object.entries(scores).map(([name, value]) => `${name} ${value === null ? "–" : value.toFixed(3)}`).join(", ");

async function render({ model, el }) {
  const { runs, arms, colours } = model.get("facts");
  const arrays = await unpack(model);
  const palette = paletteOf(colours);
  const labels = Object.fromEntries(arms);
  const pairOf = (run) => `${run.source} ${run.target}`;
  const names = ["pair", "arm", "subject"];
  const titles = { pair: "Clinics", arm: "Method", subject: "Subject" };
  const lists = Object.fromEntries(names.map((n) => [n, choice(titles[n], (value) => set(model, { [n]: value }))]));
  const cut = slider("Threshold", { min: 0.01, max: 0.99, step: 0.01 }, (value) => set(model, { threshold: value }));
  const picture = html("canvas", { role: "img" });
  const key = legend(palette);
  const says = html("p", { class: "kdlib-says", role: "status" });
  const charts = html("div", { class: "kdlib-charts" });
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Threshold explorer" },
    html("div", { class: "kdlib-controls" }, ...names.map((n) => lists[n].root), cut.root),
    html(
      "div",
      { class: "kdlib-pictures" },
      html("figure", { class: "kdlib-large" }, picture, key.root),
      html("div", { class: "kdlib-beside" }, says, charts),
    ),
  );
  el.append(root);
  const read = { pair: pairOf, arm: (run) => run.arm, subject: (run) => run.subject };
  const write = { pair: (pair) => pair.split(" ").map(written).join(" → "), arm: (name) => labels[name], subject: String };
  const draw = () => {
    const wishes = Object.fromEntries(names.map((n) => [n, model.get(n)]));
    const { offers, chosen, left: [run] } = cascade(runs, read, wishes);
    for (const n of names) lists[n].offer(evenly(offers[n], write[n]), chosen[n]);
    const ofArm = runs.filter((one) => pairOf(one) === chosen.pair && one.arm === chosen.arm);
    const threshold = within(model.get("threshold"), 0.01, 0.99);
    const counts = count(ofArm, arrays);
    const now = scoresAt(counts, greyOf(threshold));
    const points = Array.from({ length: 50 }, (_, i) => [(i + 0.5) / 50, scoresAt(counts, greyOf((i + 0.5) / 50))]);
    const [flair, truth, answer] = [arrays[run.flair], arrays[run.truth], arrays[run.answer]];
    const [rows, columns] = flair.shape;
    const classes = classify(truth.values, answer.values.map((p) => Number(p >= greyOf(threshold))));
    paint(picture, flair.values, classes, rows, columns, Math.max(5, Math.round(640 / columns)), palette);
    key.tell(classes);
    cut.tell(threshold, threshold.toFixed(2));
    charts.replaceChildren(curves(points, threshold, now));
    const own = scoresAt(count([run], arrays), greyOf(threshold));
    says.textContent =
      `From a probability of ${threshold.toFixed(2)} on, voxels are called lesion. On this slice: ${told(own)}. ` +
      `On the ${ofArm.length} slices of this pair: ${told(now)}.`;
    picture.setAttribute("aria-label", `${labels[run.arm]}, subject ${run.subject}. ${says.textContent}`);
  };
  const stop = follow(model, [...names, "threshold"], draw);
  ready(model, root);
  return stop;
}

export default { render };
