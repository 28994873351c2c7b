// The two networks, run by ONNX Runtime (WebAssembly, one thread).

let opened; // once for all scans

// {brain, lesion}: functions as `findBrain` and `answerTo` want them. `parts` holds the files.
function openNetworks(parts) {
  opened ??= open(parts).catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function open(parts) {
  const url = URL.createObjectURL(new Blob([parts["ort.mjs"]], { type: "text/javascript" }));
  const ort = await import(url);
  URL.revokeObjectURL(url);
  ort.env.wasm.numThreads = 1; // more need a server that isolates the page
  ort.env.wasm.wasmBinary = parts["ort.wasm"];
  const session = (name) => ort.InferenceSession.create(parts[name], { executionProviders: ["wasm"] });
  const [brain, lesion] = [await session("brain.onnx"), await session("lesion.onnx")];
  const ask = async (network, shape, values) => {
    const answer = await network.run({ images: new ort.Tensor("float32", values, shape) });
    return answer.probability.data;
  };
  return {
    brain: (image) => ask(brain, [1, 1, ...WINDOW], image),
    lesion: (slices, count, x, y) => ask(lesion, [count, 1, x, y], slices.slice()),
  };
}
