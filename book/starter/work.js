// Segment a scan in a worker, or on the page where there are no workers.

const library = kdlibStarter();
let segmenting; // kept for the next scan, with its networks
let stop = () => {};

// The result of `segment`. `onProgress(words, share)` is told what happens.
async function segmentFile(file, onProgress, isCancelled) {
  if (!segmenting) {
    onProgress("Loading the networks", 0);
    const parts = await loadParts();
    if (isCancelled()) throw new Cancelled();
    segmenting = inWorker(parts) ?? onPage(parts);
  }
  return segmenting(file, onProgress, isCancelled);
}

class Cancelled extends Error {}

function newWorker(parts) {
  try {
    const code = `"use strict";(${kdlibStarter})().serve();`;
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const made = new Worker(url);
    made.addEventListener("message", () => URL.revokeObjectURL(url), { once: true }); // it has started
    made.postMessage({ parts });
    return made;
  } catch {
    return null; // this browser allows none here
  }
}

function inWorker(parts) {
  const worker = newWorker(parts);
  let heard = false; // some browsers make a worker that never runs
  return worker && ((file, onProgress, isCancelled) => new Promise((resolve, reject) => {
    const end = (error) => {
      worker.terminate();
      segmenting = undefined;
      stop = () => {};
      reject(error);
    };
    stop = () => end(new Cancelled());
    worker.onerror = () => {
      if (heard) return end(new Error("the worker stopped"));
      worker.terminate();
      stop = () => {};
      segmenting = onPage(parts);
      return resolve(segmenting(file, onProgress, isCancelled));
    };
    worker.onmessage = ({ data }) => {
      heard = true;
      if (data.words) return onProgress(data.words, data.share);
      stop = () => {};
      return data.error ? reject(new library.InputError(data.error)) : resolve(data.result);
    };
    worker.postMessage({ file });
  }));
}

// The page gets a moment to draw after each step.
function onPage(parts) {
  return (file, onProgress, isCancelled) => library.segment(file, parts, async (words, share) => {
    if (isCancelled()) throw new Cancelled();
    onProgress(words, share);
    await new Promise((resolve) => setTimeout(resolve));
  });
}
