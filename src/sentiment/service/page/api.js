// Asks the server; every way in which that can fail becomes a Failure with clear words.

const ATTEMPTS = 6;
const AT_A_TIME = 4;
const PATIENCE_MS = 60_000;

const megabytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

export class Failure extends Error {
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

let key = "";
let formats = ""; // that the server reads, once it has told them
let underWay = 0;
const waiting = [];

// The server as one who looks at photos; the device is another (device.js).
export const server = {
  mostBytes: Infinity,

  async predict(file, handlers) {
    if (file.size > server.mostBytes) {
      throw new Failure(
        `Too large: ${megabytes(file.size)}. This server takes at most ${megabytes(server.mostBytes)} a photo.`,
      );
    }
    return (await send("v1/predict", file, handlers)).photos[0];
  },

  async explain(file, handlers) {
    return (await send("v1/explain", file, handlers)).importance;
  },
};

export function useKey(given) {
  key = given;
}

export async function model() {
  const card = await ask("v1/model", {});
  server.mostBytes = card.limits.max_bytes;
  const spelled = { WEBP: "WebP", HEIF: "HEIC" };
  const names = card.formats.map((name) => spelled[name] ?? name);
  formats = new Intl.ListFormat("en-GB").format(names);
  return { ...card, formats };
}

// The model's file, for this device; `progress` is told the part that has arrived.
export async function modelFile({ device }, progress) {
  const response = await fetch("v1/model.tflite", { headers: authorization() }).catch(() => null);
  if (!response?.ok) throw new Failure("The model could not be loaded from the server.");
  const content = new Uint8Array(device.bytes);
  let place = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done || place + value.length > device.bytes) break;
    content.set(value, place);
    place += value.length;
    progress(place / device.bytes);
  }
  if (place < device.bytes) throw new Failure("The connection broke while the model was loaded.");
  return content.buffer;
}

// Sends how fast this device is.
export function sendMeasurement(measurement) {
  const headers = { "Content-Type": "application/json" };
  return ask("v1/measurements", { method: "POST", body: JSON.stringify(measurement), headers });
}

// Sends a photo; a busy server is asked again when it said so, and `busy` told the seconds.
async function send(path, file, { signal, started, busy }) {
  await turn();
  try {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      started();
      try {
        // The bytes decide what a photo is; a file's own type may be any.
        const headers = { "Content-Type": "application/octet-stream" };
        return await ask(path, { method: "POST", body: file, headers, signal });
      } catch (failure) {
        if (failure.status !== 503 || attempt === ATTEMPTS) throw failure;
        // A little later than said, each tab at its own time.
        const seconds = Math.max(1, failure.seconds) + Math.random();
        busy(Math.ceil(seconds));
        await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      }
    }
  } finally {
    underWay--;
    waiting.shift()?.();
  }
}

async function turn() {
  if (underWay >= AT_A_TIME) await new Promise((resolve) => waiting.push(resolve));
  underWay++;
}

async function ask(path, options) {
  const headers = { ...options.headers, ...authorization() };
  const limit = AbortSignal.timeout(PATIENCE_MS);
  // Safari has `any` from 17.4 on; before, a photo is waited for without a limit.
  const signal = options.signal ? (AbortSignal.any?.([options.signal, limit]) ?? options.signal) : limit;
  let response;
  let answer;
  try {
    response = await fetch(path, { ...options, headers, signal });
    answer = response.status === 204 ? null : await response.json();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (limit.aborted) throw new Failure("The server did not answer in time.");
    if (response) throw new Failure(words(response.status, {}), response.status); // a proxy's page
    if (options.body instanceof Blob && !(await readable(options.body))) {
      throw new Failure("This file cannot be read. Was it moved, or is it a folder? Choose photos, not folders.");
    }
    throw new Failure("No connection to the server. Is it running, and are you online?");
  }
  if (response.ok) return answer;
  const failure = new Failure(words(response.status, answer), response.status);
  failure.seconds = Number(response.headers.get("Retry-After"));
  throw failure;
}

const authorization = () => (key ? { Authorization: `Bearer ${key}` } : {});

// Whether the browser can read a file that it could not send.
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function words(status, problem) {
  if (status === 503) return "The server is busy. Try again in a moment.";
  if (status === 413) return `Too large for this server. ${problem.detail ?? ""}`.trim();
  if (status === 408) return "The photo did not arrive in time: the connection is too slow for it.";
  if (status === 422 && problem.photos) return unreadable(problem.photos[0]);
  if (status === 401) return "The server wants an API key, or another one.";
  if (status === 507) return problem.detail;
  if (status === 504) return "The server took too long to answer.";
  if (status >= 500) return "The server has a fault and could not answer.";
  return problem.detail ?? "The server's answer could not be read.";
}

function unreadable({ code, detail }) {
  if (code === "not-an-image") return `Not an image that can be read. ${formats} can.`;
  if (code === "damaged") return "This image is damaged and cannot be read.";
  if (code === "empty") return "This file is empty.";
  return `This image is beyond the server's limits: ${detail}.`;
}
