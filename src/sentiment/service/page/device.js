// The model on this device: a worker that runs it, and what the page asks it.

import { Failure } from "./api.js";

const MOST_THREADS = 4; // a phone's fast cores; more are slowed by the slow ones

export class Device {
  // Loads the model of a card; `content` is an ArrayBuffer. The first way to run it that answers
  // rightly is kept: with threads, without, and without new instructions of the processor.
  async load(card, content) {
    const started = performance.now();
    const { runtime, jpeg, expected } = card.device;
    const folder = new URL(`runtime/${runtime}/`, document.baseURI).href;
    const decoder = `${folder}jpeg-turbo-${jpeg}.wasm`;
    const cores = navigator.hardwareConcurrency ?? 1;
    const threads = crossOriginIsolated ? Math.min(MOST_THREADS, cores) : 1;
    const ways = [...(threads > 1 ? [{ threads }] : []), { threads: 1 }, { threads: 1, compatible: true }];
    const faults = [];
    for (const way of ways) {
      this.start();
      try {
        const { backend, files } = await this.ask("load", { folder, decoder, content, expected, ...way });
        this.files = files; // addresses of what it is made of
        this.classNames = card.class_names;
        this.about = {
          backend: way.compatible ? "wasm without relaxed SIMD" : backend,
          threads: way.threads,
          runtime: `LiteRT.js ${runtime}`,
          load_ms: performance.now() - started,
        };
        return;
      } catch (error) {
        faults.push(error.message);
        this.worker.terminate();
      }
    }
    throw new Failure(faults.at(-1));
  }

  start() {
    this.waiting = new Map();
    this.worker = new Worker("page/device_worker.js");
    this.worker.onmessage = ({ data: { id, part, value, error, name } }) => {
      const { resolve, reject, progress } = this.waiting.get(id);
      if (part !== undefined) return progress?.(part);
      this.waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(Object.assign(new Error(error), { name: name ?? "Error" }));
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "no worker"));
      this.waiting.clear();
    };
  }

  // Asks the worker; `transfer` are parts of the words that it takes over.
  ask(task, words, transfer = [], progress = undefined) {
    return new Promise((resolve, reject) => {
      const id = crypto.getRandomValues(new Uint32Array(1))[0];
      this.waiting.set(id, { resolve, reject, progress });
      this.worker.postMessage({ id, task, ...words }, transfer);
    });
  }

  // Looks at a camera's frame, an ImageBitmap.
  async look(picture) {
    const seen = await this.ask("look", { picture }, [picture]);
    if (this.about.backend === "webgpu") this.about.backend = seen.backend; // a GPU may be lost
    return seen;
  }

  // The regions of a camera's frame that drove the decision.
  async explainFrame(picture, progress) {
    const { label, importance } = await this.ask("explain", { picture }, [picture], progress);
    return { label: this.classNames[label], importance };
  }

  // What the server answers of a photo's file, without the server.
  async predict(file, { signal, started }) {
    started();
    const seen = await this.askOfFile("look", file, signal);
    const pairs = this.classNames.map((name, place) => [name, seen.probabilities[place]]);
    const [label] = pairs.reduce((best, pair) => (pair[1] > best[1] ? pair : best));
    const { width, height, squish_ms: decode_ms, inference_ms } = seen;
    return { label, probabilities: Object.fromEntries(pairs), width, height, decode_ms, inference_ms };
  }

  async explain(file, { signal, progress }) {
    return (await this.askOfFile("explain", file, signal, progress)).importance;
  }

  async askOfFile(task, picture, signal, progress) {
    try {
      const answer = await this.ask(task, { picture }, [], progress);
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!picture.size) throw new Failure("This file is empty.");
      if (["InvalidStateError", "EncodingError"].includes(error.name)) {
        throw new Failure("Not an image that this browser can read, or a damaged one.");
      }
      if (error.name === "NotReadableError" || error.name === "NotFoundError") {
        throw new Failure("This file cannot be read. Was it moved, or is it a folder? Choose photos, not folders.");
      }
      throw new Failure(`This device could not look at the photo: ${error.message}`);
    }
  }
}
