// Files that come when they are asked for: from beside the page where a book was built, else from
// the kernel. A page that is opened from a file may load scripts but not fetch files, so there a
// file is text inside a script.

const pageUrl = (path) => {
  const root = document.documentElement.dataset.content_root;
  return root === undefined ? null : new URL(`${root}${path}`, document.baseURI).href;
};

function fromKernel(model, name) {
  return new Promise((resolve, reject) => {
    const answered = (message, buffers) => {
      if (message.file !== name) return;
      model.off("msg:custom", answered);
      if (buffers.length) resolve(buffers[0]);
      else reject(new Error(message.reason));
    };
    model.on("msg:custom", answered);
    model.send({ file: name });
  });
}

function loadScript(url) {
  const script = html("script", { src: url });
  const ran = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error("a file is missing from this copy of the book"));
  });
  document.head.append(script);
  return ran;
}

async function fromPage(url, name) {
  if (!globalThis.kdlibFiles?.[name]) await loadScript(url);
  return Uint8Array.from(atob(globalThis.kdlibFiles[name]), (letter) => letter.charCodeAt(0));
}

const KEPT = 2; // unpacked scans: each takes much more memory than its file

// Brings the model's scans: the arrays of each by name, as `unpacked` gives them.
function scanLoader(model) {
  const known = new Map(); // from the one that was asked for longest ago
  const bring = ({ file, contents }) => {
    const url = pageUrl(`_static/scans/${file}.js`);
    const packed = url ? fromPage(url, file) : fromKernel(model, file);
    const coming = packed.then((bytes) => unpacked(bytes, contents));
    coming.catch(() => known.delete(file));
    return coming;
  };
  return (scan) => {
    const coming = known.get(scan.file) ?? bring(scan);
    known.delete(scan.file);
    known.set(scan.file, coming);
    if (known.size > KEPT) known.delete(known.keys().next().value);
    return coming;
  };
}
