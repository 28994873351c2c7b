// A whole scan in three planes (niivue), with answers over it that fade.

const VIEWS = {
  "three planes": "sliceTypeMultiplanar",
  axial: "sliceTypeAxial",
  coronal: "sliceTypeCoronal",
  sagittal: "sliceTypeSagittal",
  surface: "sliceTypeRender",
};
const OPTIONS = {
  backColor: [0, 0, 0, 1], dragAndDropEnabled: false, isRadiologicalConvention: true,
  isNearestInterpolation: true, logLevel: "error", loadingText: "", show3Dcrosshair: true,
  crosshairWidth: 1, crosshairWidthUnit: "mm", crosshairColor: [0.9, 0.9, 0.9, 0.7],
};

// niivue, from the page's own files where a book was built, else from the kernel.
function loadNiivue(model) {
  const root = document.documentElement.dataset.content_root;
  if (root === undefined) return fromKernel(model);
  const url = new URL(`${root}_static/vendor/niivue.umd.js`, document.baseURI).href;
  return new Promise((resolve, reject) => window.requirejs([url], resolve, reject));
}

function fromKernel(model) {
  return new Promise((resolve, reject) => {
    const answered = async (message, buffers) => {
      if (message.kind !== "niivue") return;
      model.off("msg:custom", answered);
      if (!buffers.length) return reject(new Error(message.reason));
      const parts = ["const exports = {}, module = {};\n", buffers[0], "\nexport default exports;"];
      const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
      resolve((await import(url)).default);
      URL.revokeObjectURL(url);
    };
    model.on("msg:custom", answered);
    model.send({ kind: "niivue" });
  });
}

const oneColour = (hex) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return { R: [0, r], G: [0, g], B: [0, b], A: [0, 255], I: [0, 255] };
};

async function load(niivue, viewer, arrays, overlays) {
  const image = (name, options) => {
    const { values } = arrays[name];
    const url = values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength);
    return niivue.NVImage.loadFromUrl({ url, name: `${name}.nii`, ...options });
  };
  viewer.addVolume(await image("flair", { colormap: "gray", cal_min: 0, cal_max: 255 }));
  for (const { name, colour } of overlays) {
    viewer.addColormap(`kdlib-${name}`, oneColour(colour));
    const options = { colormap: `kdlib-${name}`, cal_min: 0.5, cal_max: 1 };
    viewer.addVolume(await image(name, options));
  }
}

function picture(words) {
  const canvas = html("canvas", { role: "img", "aria-label": words, tabindex: 0 });
  // The wheel scrolls the page until the picture has been clicked.
  const scroll = (event) => document.activeElement === canvas || event.stopImmediatePropagation();
  canvas.addEventListener("wheel", scroll, { capture: true });
  return canvas;
}

// niivue at work on the canvas; throws where it cannot be.
async function start(model, canvas) {
  const arrays = await unpack(model);
  const niivue = await loadNiivue(model);
  const viewer = new niivue.Niivue(OPTIONS);
  await viewer.attachToCanvas(canvas);
  if (!viewer.gl) throw new Error("this browser has no WebGL 2");
  await load(niivue, viewer, arrays, model.get("facts").overlays);
  return viewer;
}

async function render({ model, el }) {
  const { overlays, slices, words } = model.get("facts");
  const canvas = picture(words);
  const view = choice("View", (value) => set(model, { view: value }));
  const axial = slider("Slice", { min: 0, max: slices - 1, step: 1 }, (value) =>
    set(model, { place: value }),
  );
  const fades = overlays.map(({ name, colour }) => {
    const range = { min: 0, max: 1, step: 0.05 };
    const fade = slider(name, range, (value) => set(model, { [name]: value }));
    fade.root.prepend(html("span", { class: "kdlib-swatch", style: `background: ${colour}` }));
    return fade;
  });
  const controls = [view, axial, ...fades].map((control) => control.root);
  const root = html(
    "div",
    { class: "kdlib-explorer", role: "group", "aria-label": "Scan viewer" },
    html("div", { class: "kdlib-controls" }, ...controls),
    html("div", { class: "kdlib-scan" }, canvas),
    html("p", {}, words),
  );
  el.append(root);
  let viewer;
  try {
    viewer = await start(model, canvas);
  } catch (error) {
    root.replaceChildren(html("p", {}, `The scan viewer does not work here: ${error.message}.`));
    return undefined;
  }

  const here = () => Math.min(Math.floor(viewer.scene.crosshairPos[2] * slices), slices - 1);
  const draw = () => {
    const place = Math.min(Math.max(model.get("place"), 0), slices - 1);
    view.offer(evenly(Object.keys(VIEWS)), model.get("view"));
    axial.tell(place, `${place + 1} of ${slices}`);
    overlays.forEach(({ name }, i) => {
      const opacity = model.get(name);
      fades[i].tell(opacity, `${Math.round(100 * opacity)} %`);
      if (viewer.volumes[i + 1].opacity !== opacity) viewer.setOpacity(i + 1, opacity);
    });
    viewer.setSliceType(viewer[VIEWS[model.get("view")]]);
    const [x, y] = viewer.scene.crosshairPos;
    if (here() !== place) viewer.scene.crosshairPos = [x, y, (place + 0.5) / slices];
    viewer.drawScene();
  };
  const stop = follow(model, ["view", "place", ...overlays.map(({ name }) => name)], draw);
  viewer.onLocationChange = () => here() !== model.get("place") && set(model, { place: here() });
  root.dataset.ready = "true";
  replaceStill(model.get("kind"));
  return () => {
    stop();
    viewer.cleanup();
  };
}

export default { render };
