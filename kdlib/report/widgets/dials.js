// Dials: one part of a shift is turned, and the scan and the Dice of every method follow.

const ALONE = ["", "the scan alone"];

// An axis with at most seven ticks that holds all values.
function axisAround(name, values, write) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((s) => (high - low) / s <= 5) ?? 1;
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { name, low: first * step, high: last * step, ticks: evenly(ticks, write) };
}

const coloured = (colour) => ({ style: `--arm: ${colour}` });

const NOT_RUN = "No method was run at this level";
const known = (value) => typeof value === "number";

const MARGIN = 0.1; // of Dice, beside the differences; an interval that is wider is cut off there
const USELESS = 1; // an interval so wide holds nearly all differences that Dice can have

// The axis of all differences of these methods, the same for all dials.
function gainsAxis(names, everywhere) {
  const differences = everywhere.flatMap((scores) => names.map((name) => scores[name]?.difference)).filter(known);
  const ends = [Math.min(0, ...differences) - MARGIN, Math.max(0, ...differences) + MARGIN];
  return axisAround("difference in Dice", ends, (v) => (Math.abs(v) < 1e-9 ? "0" : signed(v, 2)));
}

// A line from `low` to `high`; an arrow stands where it goes on beyond the axis.
function interval(drawn, axis, low, high, y, colour) {
  const [from, to] = [low, high].map((value) => drawn.x(within(value, axis.low, axis.high)));
  drawn.marks.append(svg("line", { x1: from, x2: to, y1: y, y2: y, class: "kdlib-arm", ...coloured(colour) }));
  const arrow = (x, side) =>
    drawn.marks.append(svg("polygon", { points: `${x},${y} ${x - 8 * side},${y - 5} ${x - 8 * side},${y + 5}`, class: "kdlib-arm-dot kdlib-beyond", ...coloured(colour) }));
  if (low < axis.low) arrow(from, -1);
  if (high > axis.high) arrow(to, 1);
}

// One row for each method: its difference from the lower bound with the 95 % interval. The rows
// stay where no method was run.
function gainsChart(arms, here, everywhere, lower, chosen) {
  const rows = arms.filter(([name]) => name !== lower && everywhere.some((scores) => name in scores));
  const axis = gainsAxis(rows.map(([name]) => name), everywhere);
  const labels = Object.fromEntries(arms);
  const title = here ? `Difference from ${labels[lower]}, 95 % interval` : NOT_RUN;
  const drawn = rowChart(title, axis, rows.map(([, label]) => label), labels[chosen], { right: 20 });
  const nothing = drawn.x(0);
  drawn.marks.append(svg("line", { x1: nothing, x2: nothing, y1: drawn.top, y2: drawn.foot, class: "kdlib-zero" }));
  rows.forEach(([name, , colour], i) => {
    const { difference, low, high } = here?.[name] ?? {};
    const y = drawn.row(i);
    if (!known(difference)) return;
    if (known(low)) interval(drawn, axis, low, high, y, colour);
    drawn.marks.append(
      svg("circle", {
        cx: drawn.x(difference), cy: y, r: name === chosen ? 7 : 5, class: "kdlib-arm-dot", ...coloured(colour),
        "data-difference": difference, "data-arm": name,
      }),
    );
  });
  const told = rows.map(([name, label]) => `${label} ${known(here?.[name]?.difference) ? signed(here[name].difference) : "–"}`);
  drawn.root.setAttribute("aria-label", here ? `Difference in Dice: ${told.join(", ")}` : NOT_RUN);
  return drawn.root;
}

// The mean Dice of each method over the levels of one dial; the level of now is marked.
function levelCurve(dial, level, arms, scores, everywhere, chosen) {
  const all = everywhere.flatMap((one) => Object.values(one).map(({ dice }) => dice));
  const top = Math.max(...dial.levels.map(([number]) => number));
  const drawn = chart(
    `Mean Dice by the level of ${dial.name}`,
    { name: "level of the dial", low: -0.1 * top, high: 1.1 * top, ticks: evenly(dial.levels.map(([number]) => number)) },
    axisAround("", all, (v) => v.toFixed(2)),
    { height: 218 },
  );
  const x = drawn.x(level);
  drawn.marks.append(svg("line", { x1: x, x2: x, y1: drawn.top, y2: drawn.foot, class: "kdlib-here", "data-level": level }));
  for (const [name, label, colour] of arms) {
    const points = dial.levels.filter(([, target]) => scores[target]?.[name]).map(([number, target]) => [number, scores[target][name].dice]);
    const path = points.map(([number, dice]) => `${drawn.x(number)},${drawn.y(dice)}`).join(" ");
    const line = svg("polyline", { points: path, class: "kdlib-arm", ...coloured(colour) }, svg("title", {}, label));
    if (name === chosen) line.classList.add("kdlib-arm-chosen");
    drawn.marks.append(line);
    for (const [number, dice] of points) {
      drawn.marks.append(
        svg("circle", { cx: drawn.x(number), cy: drawn.y(dice), r: number === level ? 5 : 3, class: "kdlib-arm-dot", ...coloured(colour), "data-dice": dice }),
      );
    }
  }
  drawn.root.setAttribute("aria-label", `Mean Dice of each method by the level of ${dial.name}; now level ${level}`);
  return drawn.root;
}

function armKey(arms) {
  const items = arms.map(([, label, colour]) =>
    html(
      "li",
      {},
      svg("svg", { viewBox: "0 0 24 10", width: 24, height: 10, "aria-hidden": "true" }, svg("line", { x1: 0, x2: 24, y1: 5, y2: 5, class: "kdlib-arm", ...coloured(colour) })),
      label,
    ),
  );
  return html("ul", { class: "kdlib-legend" }, ...items);
}

async function render({ model, el }) {
  const facts = model.get("facts");
  const { dials, arms, lower, scores, subjects, scans, dice } = facts;
  const arrays = await unpack(model);
  const palette = paletteOf(facts.colours);
  const truthPalette = Object.assign([...palette], { [MISSED]: palette[FOUND] }); // the truth is blue
  const labels = Object.fromEntries(arms);
  const everywhere = Object.values(scores);

  const turns = dials.map((dial) =>
    slider(dial.name, { min: 0, max: dial.levels.length - 1, step: 1 }, (at) =>
      set(model, { dial: dial.name, level: dial.levels[at][0] }),
    ),
  );
  const method = choice("Method", (value) => set(model, { arm: value }));
  const person = choice("Subject", (value) => set(model, { subject: value }));
  const figure = (about) => {
    const [canvas, words] = [html("canvas", { role: "img" }), html("figcaption")];
    return { canvas, words, root: html("figure", { "data-scan": about }, canvas, words) };
  };
  const [before, after] = [figure("before"), figure("after")];
  const key = legend(palette);
  const says = html("p", { class: "kdlib-says", role: "status" });
  const charts = html("div", { class: "kdlib-charts" });
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Dials explorer" },
    html("div", { class: "kdlib-controls kdlib-dials" }, ...turns.map((turn) => turn.root)),
    html("div", { class: "kdlib-controls" }, method.root, person.root),
    html("div", { class: "kdlib-pictures" }, before.root, after.root),
    key.root,
    says,
    charts,
  );
  el.append(root);

  // Draw one person's slice in a clinic, with a method's answer or with the truth alone.
  const show = ({ canvas, words }, clinic, subject, arm, title) => {
    const names = scans[clinic]?.[subject];
    canvas.classList.toggle("kdlib-away", !names);
    words.textContent = `${title}: the study kept no scan of this subject.`;
    if (!names) return null;
    const { values: truth, shape: [rows, columns] } = arrays[names.truth];
    const answered = names[arm] !== undefined;
    const classes = answered
      ? classify(truth, arrays[names[arm]].values)
      : Uint8Array.from(truth, (label) => (label === LESION ? MISSED : NONE));
    const size = Math.max(3, Math.round(640 / columns));
    paint(canvas, arrays[names.flair].values, classes, rows, columns, size, answered ? palette : truthPalette);
    const score = dice[clinic]?.[subject]?.[arm];
    const told = answered ? `${labels[arm]}${score === undefined ? "" : `, Dice ${score.toFixed(3)}`}` : "the scan and the truth";
    words.textContent = `${title}: ${told}`;
    canvas.setAttribute("aria-label", `Subject ${subject}. ${words.textContent}`);
    return answered ? classes : null;
  };

  const draw = () => {
    const dial = dials.find(({ name }) => name === model.get("dial")) ?? dials[0];
    const at = Math.max(0, dial.levels.findLastIndex(([number]) => number <= model.get("level")));
    const [level, clinic] = dial.levels[at];
    const [, zero] = dial.levels[0];
    turns.forEach((turn, i) => {
      const own = dials[i] === dial ? at : 0;
      turn.tell(own, String(dials[i].levels[own][0]));
      turn.root.classList.toggle("kdlib-turned", own > 0);
    });
    const offered = [ALONE, ...arms.map(([name, label]) => [name, label])];
    const arm = offered.some(([name]) => name === model.get("arm")) ? model.get("arm") : lower;
    method.offer(offered, arm);
    const subject = subjects.includes(model.get("subject")) ? model.get("subject") : subjects.at(-1);
    person.offer(subjects.map((name) => [name, name]), subject);

    show(before, zero, subject, arm, "No dial turned");
    const classes = show(after, clinic, subject, arm, level ? `${dial.name} at level ${level}` : "No dial turned");
    key.root.classList.toggle("kdlib-away", !classes);
    if (classes) key.tell(classes);
    const here = scores[clinic];
    says.textContent = [level ? `${written(dial.name)} at level ${level}. ${dial.about}` : "No dial is turned: new people on the scanner of the source.", ...told(here, arm)].join(" ");
    const curve = levelCurve(dial, level, arms, scores, everywhere, arm);
    charts.replaceChildren(gainsChart(arms, here, everywhere, lower, arm), html("div", {}, curve, armKey(arms)));
  };
  const told = (here, arm) => {
    if (!here) return [`${NOT_RUN}, so only the scan is shown.`];
    const base = `Without adaptation the mean Dice is ${here[lower].dice.toFixed(3)}.`;
    const { difference, low, high } = here[arm] ?? {};
    if (arm === lower || !known(difference)) return [base];
    const about = known(low) ? ` (95 % interval ${signed(low)} to ${signed(high)})` : "";
    const useless = known(low) && high - low >= USELESS ? ["The interval is too wide to tell anything."] : [];
    return [base, `${labels[arm]} differs from it by ${signed(difference)}${about}.`, ...useless];
  };
  const stop = follow(model, ["dial", "level", "arm", "subject"], draw);
  ready(model, root);
  return stop;
}

export default { render };
