// Segment a scan in a worker, or on the page where there are no workers.

const library = kdlibStarter();
let worker; // kept for the next scan, with its networks
let stop = () => {};

// The result of `segment`. `onProgress(words, share)` is told what happens.
async function segmentFile(file, onProgress, isCancelled) {
  onProgress("Loading the networks", 0);
  const parts = await loadParts();
  if (isCancelled()) throw new Cancelled();
  worker ??= newWorker(parts);
  return worker ? inWorker(file, onProgress) : onPage(file, parts, onProgress, isCancelled);
}

class Cancelled extends Error {}

function newWorker(parts) {
  try {
    const code = `"use strict";(${kdlibStarter})().serve();`;
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const made = new Worker(url);
    made.postMessage({ parts });
    return made;
  } catch {
    return null; // this browser allows none here
  }
}

function inWorker(file, onProgress) {
  return new Promise((resolve, reject) => {
    stop = () => {
      worker.terminate();
      worker = undefined;
      stop = () => {};
      reject(new Cancelled());
    };
    worker.onerror = () => reject(new Error("the worker stopped"));
    worker.onmessage = ({ data }) => {
      if (data.words) return onProgress(data.words, data.share);
      stop = () => {};
      return data.error ? reject(new library.InputError(data.error)) : resolve(data.result);
    };
    worker.postMessage({ file });
  });
}

// The page gets a moment to draw after each step.
function onPage(file, parts, onProgress, isCancelled) {
  return library.segment(file, parts, async (words, share) => {
    if (isCancelled()) throw new Cancelled();
    onProgress(words, share);
    await new Promise((resolve) => setTimeout(resolve));
  });
}
