// Bring large files when they are asked for. Each comes inside a script, packed and written as
// text, because a page that is opened from a file may load scripts but not fetch files.

const HERE = new URL(".", document.currentScript.src); // _static/starter/
const arrived = new Map();

function loadScript(path) {
  if (!arrived.has(path)) {
    const script = html("script", { src: new URL(path, HERE).href });
    const loaded = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => {
        arrived.delete(path);
        reject(new Error(`${path} is missing from this copy of the book`));
      };
    });
    document.head.append(script);
    arrived.set(path, loaded);
  }
  return arrived.get(path);
}

// The unpacked bytes of a file that a script has brought.
async function fileOf(script, name) {
  await loadScript(script);
  const packed = Uint8Array.from(atob(globalThis.kdlibFiles[name]), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// All that a worker needs: the runtime, the networks, how slices are prepared, and what is doubted.
async function loadParts() {
  const runtime = "../vendor/onnxruntime.js";
  const settings = JSON.parse(new TextDecoder().decode(await fileOf("networks.js", "settings.json")));
  return {
    "ort.mjs": await fileOf(runtime, "ort.mjs"),
    "ort.wasm": await fileOf(runtime, "ort.wasm"),
    "brain.onnx": await fileOf("networks.js", "brain.onnx"),
    "lesion.onnx": await fileOf("networks.js", "lesion.onnx"),
    ...settings, // preparation and bounds
  };
}

// niivue, through require.js where the page has it.
async function loadNiivue() {
  const path = "../vendor/niivue.umd.js";
  if (window.requirejs) {
    const url = new URL(path, HERE).href;
    return new Promise((resolve, reject) => window.requirejs([url], resolve, reject));
  }
  await loadScript(path);
  return window.niivue;
}
