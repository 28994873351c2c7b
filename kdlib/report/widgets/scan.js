// A whole scan in three planes (niivue), once with what the teacher and once with what the student
// found, missed and made up.

const ALL_VIEWS = { ...VIEWS, surface: "sliceTypeRender" };
const ANSWERS = ["teacher", "student"];

async function loadNiivue(model) {
  const url = pageUrl("_static/vendor/niivue.umd.js");
  if (url) return new Promise((resolve, reject) => window.requirejs([url], resolve, reject));
  const parts = ["const exports = {}, module = {};\n", await fromKernel(model, "niivue"), "\nexport default exports;"];
  const made = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  const niivue = (await import(made)).default;
  URL.revokeObjectURL(made);
  return niivue;
}

// One colour for each class 0 to 4, without steps between them. Class 0 has none.
function colourOf(palette) {
  const ends = palette.flatMap((_, i) => [i, i]);
  const at = (i) => Math.min(Math.max(Math.round(((i - 0.5) / (palette.length - 1)) * 255), 0), 255);
  const channel = (c) => ends.map((i) => palette[i]?.[c] ?? 0);
  return {
    R: channel(0), G: channel(1), B: channel(2), A: ends.map((i) => (i ? 255 : 0)),
    I: ends.map((i, n) => (n % 2 ? Math.max(at(i + 1) - (i < palette.length - 1 ? 1 : 0), 0) : at(i))),
  };
}

function picture(answer) {
  const canvas = planesCanvas();
  const says = html("figcaption", {});
  const root = html("figure", {}, html("div", { class: "kdlib-scan", "data-answer": answer }, canvas), says);
  return { canvas, says, root };
}

// A NIfTI file of values on the grid of a scan.
function niftiOf({ header }, values) {
  const file = new Uint8Array(header.values.length + values.length);
  file.set(header.values);
  file.set(values, header.values.length);
  return file.buffer;
}

function counted(answer, classes) {
  const of = (kind) => classes.reduce((sum, one) => sum + (one === kind), 0);
  const [found, missed, wrong] = [FOUND, MISSED, FALSE].map(of);
  return `The ${answer} found ${found} of ${found + missed} lesion voxels of this scan, and ${wrong} that it marked are false.`;
}

// What can be chosen: every scan once for each source.
const offersOf = (scans) =>
  scans.flatMap((scan) =>
    Object.keys(scan.pictures).map((source) => ({ source, scan, pair: `${source} ${scan.target}` })),
  );

function settle(offers, pair, subject) {
  const own = offers.filter((one) => one.pair === pair);
  const left = own.length ? own : offers.filter((one) => one.pair === offers[0].pair);
  return { left, one: left.find(({ scan }) => scan.subject === subject) ?? left[0] };
}

async function render({ model, el }) {
  const { scans, colours } = model.get("facts");
  const offers = offersOf(scans);
  const palette = paletteOf(colours);
  const chosen = () => settle(offers, model.get("pair"), model.get("subject"));
  // Another scan is shown where it has most lesion; another teacher keeps the place.
  const wish = (pair, subject) => {
    const [now, { one }] = [chosen().one, settle(offers, pair, subject)];
    const place = one.scan === now.scan ? model.get("place") : one.scan.fullest;
    set(model, { pair: one.pair, subject: one.scan.subject, place });
  };
  const pairs = choice("Clinics", (value) => wish(value, model.get("subject")));
  const subjects = choice("Subject", (value) => wish(chosen().one.pair, value));
  const view = choice("View", (value) => set(model, { view: value }));
  const axial = slider("Slice", { min: 0, step: 1 }, (value) => set(model, { place: value }));
  const fade = slider("Colours", { min: 0, max: 1, step: 0.05 }, (value) => set(model, { opacity: value }));
  const shown = ANSWERS.map(picture);
  const key = legend(palette);
  const says = html("p", { class: "kdlib-says", role: "status" });
  const planes = html("div", { class: "kdlib-scans" }, ...shown.map((one) => one.root));
  const controls = [pairs, subjects, view, axial, fade].map((control) => control.root);
  pairs.root.classList.add("kdlib-wide");
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Scan viewer" },
    html("div", { class: "kdlib-controls" }, ...controls),
    planes,
    key.root,
    says,
  );
  el.append(root);
  const load = scanLoader(model);
  const fail = (error) =>
    root.replaceChildren(html("p", {}, `The scan viewer does not work here: ${error.message}.`));
  let [niivue, viewers, there, wanted] = [null, [], null, Promise.resolve()];
  try {
    niivue = await loadNiivue(model);
    for (const { canvas } of shown) viewers.push(await planesOn(canvas, niivue, colourOf(palette)));
  } catch (error) {
    fail(error);
    return undefined;
  }

  const bring = async ({ source, scan }) => {
    const arrays = await load(scan);
    const flair = [niftiOf(arrays, arrays.flair.values), 0, 255];
    for (const [i, answer] of ANSWERS.entries()) {
      const classes = classify(arrays.truth.values, arrays[scan.pictures[source][answer]].values);
      await showPlanes(viewers[i], niivue, flair, [niftiOf(arrays, classes), 0, OTHER]);
      shown[i].says.textContent = counted(answer, classes);
      shown[i].canvas.setAttribute("aria-label", shown[i].says.textContent);
    }
  };
  const here = (viewer, slices) => Math.min(Math.floor(viewer.scene.crosshairPos[2] * slices), slices - 1);
  const place = (slices) => Math.min(Math.max(model.get("place"), 0), slices - 1);
  const look = () => {
    const { one } = chosen();
    if (there !== one) return;
    planes.dataset.view = model.get("view");
    for (const viewer of viewers) {
      if (viewer.volumes[1].opacity !== model.get("opacity")) viewer.setOpacity(1, model.get("opacity"));
      viewer.setSliceType(viewer[ALL_VIEWS[model.get("view")]]);
      const [x, y] = viewer.scene.crosshairPos;
      const at = place(one.scan.slices);
      if (here(viewer, one.scan.slices) !== at) viewer.scene.crosshairPos = [x, y, (at + 0.5) / one.scan.slices];
      viewer.drawScene();
    }
    root.dataset.shown = `${one.pair} ${one.scan.subject}`;
  };
  const draw = () => {
    const { left, one } = chosen();
    const names = [...new Map(offers.map((offer) => [offer.pair, `${written(offer.source)} → ${written(offer.scan.target)}`]))];
    pairs.offer(names, one.pair);
    subjects.offer(left.map(({ scan }) => [scan.subject, scan.subject]), one.scan.subject);
    view.offer(evenly(Object.keys(ALL_VIEWS)), model.get("view"));
    axial.input.max = one.scan.slices - 1;
    axial.tell(place(one.scan.slices), `${place(one.scan.slices) + 1} of ${one.scan.slices}`);
    fade.tell(model.get("opacity"), `${Math.round(100 * model.get("opacity"))} %`);
    says.textContent =
      `Subject ${one.scan.subject} of ${written(one.scan.target)}. The teacher learnt at ${written(one.source)}. ` +
      "It taught the student, which learnt on unlabelled scans of the target.";
    if (there === one) return look();
    there = null;
    wanted = wanted.then(() => (chosen().one === one && there !== one ? bring(one).then(() => { there = one; }) : null)).then(look);
    return wanted.catch(fail);
  };
  viewers.forEach((viewer, i) => {
    const other = viewers[1 - i];
    viewer.onLocationChange = () => {
      if (!there || String(other.scene.crosshairPos) === String(viewer.scene.crosshairPos)) return;
      other.scene.crosshairPos = [...viewer.scene.crosshairPos];
      other.drawScene();
      const at = here(viewer, there.scan.slices);
      if (at !== model.get("place")) set(model, { place: at });
    };
    viewer.onAzimuthElevationChange = (azimuth, elevation) => {
      const { renderAzimuth, renderElevation } = other.scene;
      if (renderAzimuth !== azimuth || renderElevation !== elevation) other.setRenderAzimuthElevation(azimuth, elevation);
    };
  });
  const stop = follow(model, ["pair", "subject", "view", "place", "opacity"], draw);
  await wanted;
  root.dataset.ready = "true";
  replaceStill(model.get("kind"));
  return () => {
    stop();
    viewers.forEach((viewer) => viewer.cleanup());
  };
}

export default { render };
