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
let toCpu; // has the CPU run the model in a GPU's place
let replaced; // a promise, once it does
let side; // width and height of the pictures that it takes
let squishing;
let jpeg;
let jpegDecoder;
let colours;
let importance;

const tasks = {
  // Loads LiteRT.js and the model, which runs on the CPU or on the GPU: on the faster of those
  // that answer rightly.
  async load({ folder, decoder, threads, compatible, content, expected }) {
    const own = ["squish", "jpeg", "colour_profile", "occlusion"].map((name) => `./${name}.js`);
    const modules = [`${folder}core/dist/index.js`, ...own].map((module) => import(module));
    [litert, squishing, jpeg, colours, { importance }] = await Promise.all(modules);
    jpegDecoder = await WebAssembly.compileStreaming(fetch(decoder));
    await loadRuntime(`${folder}core/wasm/`, threads, compatible);
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
    toCpu = async () => ({ model, kind: accelerator } = await tried("wasm", bytes, threads, expected));
    return { backend: accelerator, files: performance.getEntriesByType("resource").map(({ name }) => name) };
  },

  async look({ picture }) {
    const { pixels, width, height, squish_ms } = await squished(picture);
    const started = performance.now();
    const probabilities = await answered(pixels);
    const inference_ms = performance.now() - started;
    return { probabilities, width, height, squish_ms, inference_ms, backend: accelerator };
  },

  async explain({ picture }, progress) {
    const { pixels } = await squished(picture);
    const probabilities = await answered(pixels);
    const label = probabilities.indexOf(Math.max(...probabilities));
    const ofLabel = async (covered) => (await answered(covered))[label];
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
  [, side] = compiled.getInputDetails()[0].shape;
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

// A GPU may be taken away, such as from a page that was put aside; the CPU then goes on.
async function answered(pixels) {
  const kind = accelerator;
  try {
    return await answer(model, kind, pixels);
  } catch (error) {
    if (kind === "wasm") throw error;
    await (replaced ??= toCpu());
    return answer(model, accelerator, pixels);
  }
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
  const isFile = picture instanceof Blob;
  const seen = (isFile && (await squishedJpeg(picture))) || (await squishedOther(picture, isFile));
  return { ...seen, squish_ms: performance.now() - started };
}

// Null: the file is no JPEG file, or one that the browser is to decode.
async function squishedJpeg(file) {
  const photo = await jpeg.decoded(jpegDecoder, new Uint8Array(await file.arrayBuffer()), side);
  if (!photo || (photo.profile && !(await colours.isOfRgb(photo.profile)))) return null;
  const { width, height, columns, rows, data, profile } = photo;
  if (profile) {
    const image = await colours.converted(columns, rows, data, profile);
    return { width, height, pixels: squishedImage(image) };
  }
  const strip = (y, count) => data.subarray(4 * columns * y, 4 * columns * (y + count));
  return { width, height, pixels: squishing.squish(side, columns, rows, strip) };
}

async function squishedOther(picture, isFile) {
  const image = isFile ? await createImageBitmap(picture) : picture;
  const { width, height } = image;
  return { width, height, pixels: squishedImage(image) };
}

function squishedImage(image) {
  const { width, height } = image;
  const pixels = squishing.squish(side, width, height, squishing.drawn(image, width));
  image.close();
  return pixels;
}
