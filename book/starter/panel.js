// What was found: the viewer, its controls, the numbers, and the mask to save.

function answerPanel(root, status) {
  const canvas = planesCanvas();
  canvas.setAttribute("aria-label", "The scan in three planes, with the lesions in yellow");
  const doubts = html("div", { class: "kdlib-doubts", role: "alert" });
  const numbers = html("p", { class: "kdlib-numbers" });
  const view = choice("View", (name) => {
    viewer?.view(name);
    tellSlice();
  });
  view.offer(evenly(Object.keys(VIEWS)), "three planes");
  const slice = slider("Slice", { min: 0, step: 1 }, (value) => {
    viewer?.go(value);
    tellSlice();
  });
  const threshold = slider("Threshold", { min: 0.05, max: 0.95, step: 0.05 }, (value) => mark(value));
  const opacity = slider("Opacity of the mask", { min: 0, max: 1, step: 0.05 }, (value) => fade(value));
  const save = button("Save the mask", () => saveMask());
  root.append(
    doubts, html("div", { class: "kdlib-controls" }, view.root, slice.root, threshold.root, opacity.root),
    html("div", { class: "kdlib-scan" }, canvas), numbers, save,
  );
  let viewer, result, mask, name;
  let faded = 0.7;

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
    const voxels = mask.reduce((sum, is) => sum + is, 0);
    const ml = (voxels * result.spacing.reduce((a, b) => a * b)) / 1000;
    const lesions = library.lesionCount(result.shape, mask);
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

  return {
    async show(fileName, newResult, seconds) {
      [name, result] = [fileName, newResult];
      mask = library.maskOf(result.probability, 0.5);
      status.textContent = `${name}: answered in ${seconds.toFixed(1)} s.`;
      const lines = result.doubts.map((doubt) => html("li", {}, doubt));
      doubts.replaceChildren(...(lines.length ? [html("ul", {}, ...lines)] : []));
      numbers.textContent = ""; // those of the last scan
      try {
        viewer ??= await openViewer(canvas, tellSlice);
        await viewer.show(result, mask);
      } catch (error) {
        status.textContent += ` The picture cannot be shown here (${error.message}).`;
      }
      mark(0.5);
      fade(faded);
      tellSlice();
    },
  };
}

// A file's name without its ending, and without what a file system may not like.
const stemOf = (name) => name.replace(/\.nii(\.gz)?$/i, "").replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 100);
