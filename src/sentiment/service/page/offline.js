// The service worker: answers from what it has kept, so that the page opens without the server. The
// server puts VERSION and KEPT before this text: the page's files and the digest of them all.

"use strict";

const PREFIX = `${registration.scope} page `; // several services may share an origin
const PAGE = PREFIX + VERSION;
const RUNTIME = `${registration.scope} runtime`;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(activate()));
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const [path] = url.slice(registration.scope.length).split(/[?#]/);
  if (method !== "GET" || !url.startsWith(registration.scope)) return;
  if (KEPT.includes(path || "./")) event.respondWith(page(path || "./"));
  else if (path.startsWith("runtime/")) event.respondWith(runtime(event.request));
});

async function install() {
  const cache = await caches.open(PAGE);
  await cache.addAll(KEPT.map((path) => new Request(path, { cache: "no-cache" })));
  await skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== PAGE) await caches.delete(name);
  }
  await clients.claim();
}

async function page(path) {
  return (await (await caches.open(PAGE)).match(path)) ?? fetch(path);
}

// Files of the runtime have their version in the address: what is kept is right for ever, and what
// is of another version is not wanted any more.
async function runtime(request) {
  const cache = await caches.open(RUNTIME);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) {
    await cache.put(request.url, response.clone()).catch(() => {}); // no room: it works all the same
    const [ours] = /^.*\/runtime\/[^/]*\//.exec(request.url);
    for (const { url } of await cache.keys()) if (!url.startsWith(ours)) await cache.delete(url);
  }
  return response;
}
