// What this device keeps, so that the page works without the server: the page's files and the
// runtime by the service worker, the model here.

const PATIENCE_MS = 3000;
const NAME = `${new URL("./", document.baseURI)} model`; // several services may share an origin

// Lets the service worker keep the page; done when it does, or cannot.
export async function keepPage(mayReload) {
  const worker = navigator.serviceWorker; // not there without https, or in some private windows
  if (!worker) return;
  if (worker.controller) {
    // A newer page has taken the place of the one that is shown.
    worker.addEventListener("controllerchange", () => mayReload() && location.reload());
  }
  try {
    await worker.register("worker.js");
    if (worker.controller) return;
    await Promise.race([
      new Promise((resolve) => worker.addEventListener("controllerchange", resolve, { once: true })),
      new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
    ]);
  } catch {
    // The page works all the same, with the server.
  }
}

// The model that was kept: its card, and its bytes; null: none was.
export async function keptModel() {
  try {
    const cache = await caches.open(NAME);
    const card = await (await cache.match("v1/model"))?.json();
    const response = card && (await cache.match(place(card)));
    return response ? { card, content: await response.arrayBuffer() } : null;
  } catch {
    return null;
  }
}

// Keeps a model in the place of older ones; false: the browser does not let it, or has no room.
export async function keepModel(card, content) {
  try {
    const cache = await caches.open(NAME);
    await put(cache, place(card), content).catch(async () => {
      await clear(cache, []); // the older one may have had the room
      await put(cache, place(card), content);
    });
    await put(cache, "v1/model", JSON.stringify(card));
    await clear(cache, [place(card), "v1/model"]);
    return true;
  } catch {
    return false;
  }
}

// Whether all of these addresses have been kept: there may have been no room for one.
export async function areKept(addresses) {
  try {
    return (await Promise.all(addresses.map((address) => caches.match(address)))).every(Boolean);
  } catch {
    return false;
  }
}

const place = (card) => `v1/model.tflite?${card.model.version}`;

const put = (cache, path, content) => cache.put(path, new Response(content));

async function clear(cache, but) {
  const kept = but.map((path) => new URL(path, document.baseURI).href);
  for (const { url } of await cache.keys()) if (!kept.includes(url)) await cache.delete(url);
}
