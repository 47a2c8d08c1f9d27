// Network first for every page, and never a kept page in place of a present one: without a network there is a page
// that says so. KEPT stands before this file (web/installable.py): version, files, noNetwork, noAnswer, orders.
const CACHE = "loa-" + KEPT.version;
const SHELLS = [KEPT.noNetwork, KEPT.noAnswer];
const GATEWAY_DOWN = [502, 504];  // a proxy before the station answers in its place

async function fetchShells() {
  const cache = await caches.open(CACHE);
  return cache.addAll(SHELLS.map((address) => new Request(address, { cache: "reload" })));
}

// One after another: the last asked for must be the last kept.
let keeping = Promise.resolve();
function keepShells() {
  keeping = keeping.catch(() => { /* told to whoever asked then */ }).then(fetchShells);
  return keeping;
}

self.addEventListener("install", (event) => {
  const files = caches.open(CACHE).then((cache) => cache.addAll(KEPT.files));
  event.waitUntil(Promise.all([files, keepShells()]).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("loa-") && name !== CACHE).map((name) => caches.delete(name)));
    if (self.registration.navigationPreload) await self.registration.navigationPreload.enable();
    await self.clients.claim();
  })());
});

// The reader chose another language or look: the kept pages follow.
self.addEventListener("message", (event) => {
  if (event.data === "renew") event.waitUntil(keepShells().catch(() => { /* without a network the old ones stay */ }));
});

async function answerOf(event) {
  const early = event.request.method === "GET" ? await event.preloadResponse : null;
  const answer = early || await fetch(event.request);
  if (GATEWAY_DOWN.includes(answer.status)) throw new Error("nobody behind the proxy");
  return answer;
}

async function page(event, shell) {
  try {
    return await answerOf(event);
  } catch {
    return (await caches.match(shell)) || Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event, address = new URL(request.url);
  if (address.origin !== self.location.origin) return;
  const isOrder = request.method === "POST" && address.pathname.startsWith(KEPT.orders);
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(page(event, KEPT.noNetwork));
  else if (request.mode === "navigate" && isOrder) event.respondWith(page(event, KEPT.noAnswer));
  else if (request.method === "GET" && KEPT.files.includes(address.pathname + address.search)) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  }
});
