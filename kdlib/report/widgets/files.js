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

function fromPage(url, name) {
  const script = html("script", { src: url });
  const come = new Promise((resolve, reject) => {
    script.onload = () => {
      const text = atob(globalThis.kdlibFiles[name]);
      resolve(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
    };
    script.onerror = () => reject(new Error("a file is missing from this copy of the book"));
  });
  document.head.append(script);
  return come;
}

// Brings each of the model's scans once: its arrays by name, as `unpacked` gives them.
function scanLoader(model) {
  const known = new Map();
  return ({ file, contents }) => {
    if (!known.has(file)) {
      const url = pageUrl(`_static/scans/${file}.js`);
      const packed = url ? fromPage(url, file) : fromKernel(model, file);
      const coming = packed.then((bytes) => unpacked(bytes, contents));
      coming.catch(() => known.delete(file));
      known.set(file, coming);
    }
    return known.get(file);
  };
}
