// The page: a scan comes in, the answer is shown. Text from files enters as text, never as HTML.

const PRIVATE = "The scan stays on this machine: nothing is sent, and the page works without a network.";
const NOT_A_DEVICE = "Not a medical device; for research only.";

function build(root) {
  if (MISSING) {
    root.textContent = MISSING;
    root.dataset.state = "missing";
    return;
  }
  const status = html("p", { class: "kdlib-status", role: "status" });
  const bar = html("progress", { max: 1, value: 0, "aria-label": "Progress" });
  const cancel = button("Cancel", giveUp);
  const working = html("div", { class: "kdlib-working", hidden: "" }, bar, cancel);
  const shown = html("div", { hidden: "" });
  const chosen = html("input", { type: "file", accept: ".nii,.gz" });
  const drop = html("label", { class: "kdlib-drop" },
    html("span", {}, "Drop a FLAIR here (.nii or .nii.gz), or choose one:"), chosen);
  const example = button("Take a simulated scan", () => take(exampleFile()));
  root.replaceChildren(
    html("p", {}, html("strong", {}, NOT_A_DEVICE), " ", PRIVATE), drop, example, status, working, shown,
  );
  const answer = answerPanel(shown, status);

  let current = 0; // what an older scan still says does not count

  async function start(coming) {
    stop();
    const mine = (current += 1);
    let file;
    const tell = (words, share) => {
      if (mine !== current) return;
      const said = file ? `${words}: ${file.name}` : words;
      if (status.textContent !== said) status.textContent = said; // each change may be read aloud
      bar.value = share;
    };
    shown.hidden = true; // the last scan's mask is not this one's
    working.hidden = false;
    root.dataset.state = "working";
    try {
      file = await coming;
      if (mine !== current) return; // another scan came first
      const began = performance.now();
      const result = await segmentFile(file, tell, () => mine !== current);
      if (mine !== current) return;
      shown.hidden = false;
      const picture = answer.show(file.name, result, (performance.now() - began) / 1000);
      working.hidden = true; // all but the picture is there
      await picture;
    } catch (error) {
      if (mine === current) end("failed", whatWentWrong(file, error));
      return;
    }
    if (mine === current) end("shown", status.textContent);
  }

  function giveUp() {
    current += 1;
    stop();
    end("cancelled", "Cancelled.");
    chosen.focus(); // the button that had the focus is gone
  }

  // A scan that was not chosen in the list of files: no other one's name stays there.
  function take(coming) {
    chosen.value = "";
    start(coming);
  }

  function end(state, words) {
    status.textContent = words;
    working.hidden = true;
    shown.hidden = state !== "shown";
    root.dataset.state = state;
  }

  chosen.addEventListener("click", () => { chosen.value = ""; }); // the same file may be chosen again
  chosen.addEventListener("change", () => chosen.files.length && start(chosen.files[0]));
  acceptDrops(drop, take);
  root.dataset.state = "ready";
}

const button = (words, onClick) => {
  const made = html("button", { type: "button" }, words);
  made.addEventListener("click", onClick);
  return made;
};

function whatWentWrong(file, error) {
  const words = error instanceof library.InputError ? error.message : library.wordsOf(error);
  return file ? `${file.name}: ${words}` : words;
}

const tooMany = (count) => new library.InputError(`These are ${count} files. Drop one scan at a time.`);

async function exampleFile() {
  return new File([await fileOf("example.js", "example.nii")], "simulated.nii");
}

function acceptDrops(drop, take) {
  // Beside the box a browser would open the file in the place of this page.
  for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  const mark = (on) => (event) => {
    event.preventDefault();
    drop.classList.toggle("kdlib-over", on);
  };
  drop.addEventListener("dragover", mark(true));
  drop.addEventListener("dragleave", mark(false));
  drop.addEventListener("drop", (event) => {
    mark(false)(event);
    const { files } = event.dataTransfer;
    if (files.length) take(files.length === 1 ? files[0] : Promise.reject(tooMany(files.length)));
  });
}

for (const root of document.querySelectorAll(".kdlib-try")) build(root);
