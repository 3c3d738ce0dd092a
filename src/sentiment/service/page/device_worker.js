// Runs the model, beside the page so that the page stays quick. It is no module, because LiteRT.js
// loads its glue by importScripts, which modules lack.

"use strict";

const WRONG = 0.02; // of probability: an answer farther from the server's is no answer
const WARM_UP = 2;
const TIMED = 5;
const LONG_MS = 1000; // after which a slow device is timed no more

let litert;
let model;
let accelerator;
let squish;
let reduction;
let importance;
let side;

const tasks = {
  // Loads LiteRT.js and the model, which runs on the CPU or on the GPU: on the faster of those
  // that answer rightly.
  async load({ runtime, threads, compatible, content, expected }) {
    const modules = [`${runtime}core/dist/index.js`, "./squish.js", "./occlusion.js"];
    const [library, squishing, occlusion] = await Promise.all(modules.map((module) => import(module)));
    litert = library;
    ({ squish, reduction, SIDE: side } = squishing);
    ({ importance } = occlusion);
    await loadRuntime(`${runtime}core/wasm/`, threads, compatible);
    const bytes = new Uint8Array(content);
    const found = [];
    const faults = [];
    for (const kind of ["wasm", ...((await hasGpu()) ? ["webgpu"] : [])]) {
      try {
        found.push(await tried(kind, bytes, threads, expected));
      } catch (error) {
        faults.push(`${kind}: ${error?.message ?? error}`);
      }
    }
    if (!found.length) throw new Error(faults.join("; "));
    found.sort((a, b) => a.milliseconds - b.milliseconds);
    ({ model, kind: accelerator } = found[0]);
    for (const slower of found.slice(1)) slower.model.delete();
    return { backend: accelerator };
  },

  async look({ picture }) {
    const { pixels, width, height, squish_ms } = await squished(picture);
    const started = performance.now();
    const probabilities = await answer(model, accelerator, pixels);
    return { probabilities, width, height, squish_ms, inference_ms: performance.now() - started };
  },

  async explain({ picture }, progress) {
    const { pixels } = await squished(picture);
    const probabilities = await answer(model, accelerator, pixels);
    const label = probabilities.indexOf(Math.max(...probabilities));
    const ofLabel = async (covered) => (await answer(model, accelerator, covered))[label];
    return { label, importance: await importance(pixels, side, ofLabel, progress) };
  },
};

self.onmessage = async ({ data: { id, task, ...words } }) => {
  try {
    const value = await tasks[task](words, (part) => postMessage({ id, part }));
    postMessage({ id, value });
  } catch (error) {
    postMessage({ id, error: String(error?.message ?? error), name: error?.name });
  }
};

async function loadRuntime(folder, threads, compatible) {
  // In a worker the glue looks for its files beside the worker's own.
  self.Module = {
    locateFile: (name) => folder + name,
    mainScriptUrlOrBlob: `${folder}litert_wasm_threaded_internal.js`,
    print() {},
    printErr() {},
  };
  if (compatible) await litert.loadLiteRt(`${folder}litert_wasm_compat_internal.js`);
  else await litert.loadLiteRt(folder, { threads: threads > 1 });
}

async function hasGpu() {
  const adapter = await navigator.gpu?.requestAdapter();
  return adapter && !adapter.info?.isFallbackAdapter; // that is the CPU in disguise
}

// The model on an accelerator, and the time of a photo. An accelerator may compute wrongly without
// a word, so that it is first asked what the answer is known to.
async function tried(kind, bytes, threads, expected) {
  const options = { accelerator: kind, cpuOptions: { numThreads: threads } };
  const compiled = await litert.loadAndCompile(bytes, options);
  const picture = testPicture();
  const times = [];
  const begun = performance.now();
  for (let i = 0; i < WARM_UP + TIMED && (!i || performance.now() - begun < LONG_MS); i++) {
    const started = performance.now();
    const given = await answer(compiled, kind, picture);
    times.push(performance.now() - started);
    const right = given.length === expected.length
      && given.every((value, place) => Math.abs(value - expected[place]) <= WRONG); // NaN is not
    if (!right) {
      compiled.delete();
      throw new Error(`wrong answers, ${given.slice(0, 3)} for ${expected.slice(0, 3)}`);
    }
  }
  return { model: compiled, kind, milliseconds: Math.min(...times) };
}

// The picture whose probabilities the server tells.
function testPicture() {
  const pixels = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) pixels.set([x, y, x ^ y], 3 * (y * side + x));
  }
  return pixels;
}

async function answer(compiled, kind, pixels) {
  const given = new litert.Tensor(pixels, [1, side, side, 3]);
  const [result] = await compiled.run(given);
  const read = kind === "wasm" ? result : await result.moveTo("wasm");
  const probabilities = [...read.toTypedArray()];
  read.delete();
  given.delete();
  return probabilities;
}

// A photo's file or a camera's frame, as the network sees it.
async function squished(picture) {
  const started = performance.now();
  const { image, width, height, part } = picture instanceof Blob ? await decoded(picture) : { image: picture };
  const [across, down] = [image.displayWidth ?? image.width, image.displayHeight ?? image.height];
  const pixels = squish(across, down, (context, y) => context.drawImage(image, 0, -y), part);
  image.close();
  return { pixels, width: width ?? across, height: height ?? down, squish_ms: performance.now() - started };
}

// A photo's file as a picture, its size, and how far it is still to be reduced.
async function decoded(file) {
  const isJpeg = await startsLikeJpeg(file);
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const image = await createImageBitmap(file, options);
  const { width, height } = image;
  const part = isJpeg ? reduction(width, height) : 1;
  const small = part > 1 && (await decodedSmall(file, Math.ceil(width / part), Math.ceil(height / part)));
  if (!small) return { image, width, height, part };
  image.close();
  return { image: small, width, height, part: 1 };
}

// A JPEG file reduced while it is decoded, as in training; null where the browser cannot.
async function decodedSmall(file, width, height) {
  if (!("ImageDecoder" in self)) return null;
  const decoder = new ImageDecoder({
    type: "image/jpeg",
    data: await file.arrayBuffer(),
    desiredWidth: width,
    desiredHeight: height,
    colorSpaceConversion: "none",
  });
  try {
    const { image } = await decoder.decode();
    if (image.displayWidth === width && image.displayHeight === height) return image;
    image.close();
    return null;
  } catch {
    return null;
  } finally {
    decoder.close();
  }
}

async function startsLikeJpeg(file) {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return first === 0xff && second === 0xd8;
}
