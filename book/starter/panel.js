// What was found: the viewer, its controls, the numbers, and the mask to save.

const TOO_SOON_MS = 5000; // a picture that is lost again so soon is not drawn again

function answerPanel(root, status) {
  const doubts = html("div", { class: "kdlib-doubts", role: "alert" });
  const numbers = html("p", { class: "kdlib-numbers", role: "status" });
  const view = choice("View", (name) => {
    looked = name;
    viewer?.view(name);
    tellSlice();
  });
  view.offer(evenly(Object.keys(VIEWS)), "three planes");
  const slice = slider("Slice", { min: 0, step: 1 }, (value) => {
    viewer?.go(value);
    tellSlice();
  });
  const threshold = slider("Threshold", { min: 0.05, max: 0.95, step: 0.05 }, onceAFrame((value) => mark(value)));
  const opacity = slider("Opacity of the mask", { min: 0, max: 1, step: 0.05 }, (value) => fade(value));
  const save = button("Save the mask", () => saveMask());
  const frame = html("div", { class: "kdlib-scan" });
  root.append(
    doubts, html("div", { class: "kdlib-controls" }, view.root, slice.root, threshold.root, opacity.root),
    frame, numbers, save,
  );
  const ofPicture = [view.root, slice.root, opacity.root, frame];
  let opening, result, mask, name;
  let viewer; // while it shows this result
  let [faded, looked, lastLost, drawn] = [0.7, "three planes", -Infinity, Promise.resolve()];

  function fade(value) {
    faded = value;
    opacity.tell(value, `${Math.round(100 * value)} %`);
    viewer?.fade(value);
  }

  function tellSlice() {
    if (!viewer) return;
    const [at, slices] = viewer.place();
    slice.input.max = slices - 1;
    slice.tell(at, `${at + 1} of ${slices}`);
  }

  function mark(value) {
    threshold.tell(value, value.toFixed(2));
    mask = library.maskOf(result.probability, value);
    tellNumbers(value);
    viewer?.mark(mask);
  }

  function tellNumbers(value) {
    const { lesions, voxels } = library.lesionsIn(result.shape, mask);
    const ml = (voxels * result.spacing.reduce((a, b) => a * b)) / 1000;
    Object.assign(root.dataset, { lesions, ml });
    numbers.textContent =
      `${name}: ${lesions} ${lesions === 1 ? "lesion" : "lesions"}, ${ml.toFixed(2)} mL together, where the ` +
      `probability is at least ${value.toFixed(2)}. The brain has ${Math.round(result.brainMl)} mL.`;
  }

  async function saveMask() {
    const url = URL.createObjectURL(await library.maskFile(result, mask));
    html("a", { href: url, download: `${stemOf(name)}_lesion_mask.nii.gz` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  // The picture of the last result. One is drawn after the other.
  function draw() {
    const own = result;
    viewer = undefined;
    drawn = drawn.then(() => own === result && drawNow(own)).catch(noPicture);
    return drawn;
  }

  async function drawNow(own) {
    for (const part of ofPicture) part.hidden = false;
    const opened = await (opening ??= newViewer());
    await opened.show(own, mask);
    if (own !== result) return;
    viewer = opened;
    viewer.mark(mask); // the threshold may have moved
    viewer.view(looked);
    fade(faded);
    tellSlice();
  }

  function newViewer() {
    const canvas = planesCanvas();
    canvas.setAttribute("aria-label", "The scan in three planes, with the lesions in yellow");
    canvas.addEventListener("webglcontextlost", lost);
    frame.replaceChildren(canvas);
    return openViewer(canvas, tellSlice);
  }

  // A browser may take a picture away, as when a phone has other work. Then another one is made.
  function lost() {
    opening = undefined;
    const [before, now] = [lastLost, performance.now()];
    lastLost = now;
    if (now - before > TOO_SOON_MS) draw();
    else noPicture(new Error("the browser took it away"));
  }

  function noPicture(error) {
    [opening, viewer] = [];
    for (const part of ofPicture) part.hidden = true;
    status.textContent += ` The picture cannot be shown here (${error.message}).`;
  }

  return {
    // Tell the numbers of a result. Its picture is there when the promise is kept.
    show(fileName, newResult, seconds) {
      [name, result, viewer] = [fileName, newResult];
      status.textContent = `${name}: answered in ${seconds.toFixed(1)} s.`;
      const lines = result.doubts.map((doubt) => html("li", {}, doubt));
      doubts.replaceChildren(...(lines.length ? [html("ul", {}, ...lines)] : []));
      mark(0.5);
      return draw();
    },
  };
}

// `work` with the last of the values that come before the next picture of the screen.
function onceAFrame(work) {
  let [last, asked] = [undefined, false];
  return (value) => {
    last = value;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work(last);
    });
  };
}

// A file's name without its ending, and without what a file system may not like.
const stemOf = (name) => name.replace(/\.nii(\.gz)?$/i, "").replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 100);
