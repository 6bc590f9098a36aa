// Keeps the static files, and one page that says there is no connection. No page with people on it is ever kept.
// KEPT, FILES, PAGE and PATIENCE are written above it by frame/offline.py.
"use strict";

// Of patients and programs, log-ins, and files to take away: left to the browser as if this were not here.
const NOT_OURS = /^\/(v|c|api|health|callbacks|static|login|logout|password|invitations)\/|^\/calendar\/[^/]+\/visits\.ics$|\/(pdf|download|file|export|print)\/$|\/events\/\d+\/report\/$/;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("brim-") && name !== KEPT).map((name) => caches.delete(name)));
  await clients.claim();
}

// A page of somebody who is logged in asks for it (worker.js), in its own language and look; the log-in page lets go of it.
addEventListener("message", (event) => {
  const page = event.data?.keep;
  if (typeof page === "string" && page.startsWith(PAGE)) event.waitUntil(keep(page).catch(() => {})); // asked again by the next page
});

let keeping = Promise.resolve();

// One after the other, and the old page goes once the new one is there: at no moment is there none.
function keep(page) {
  keeping = keeping.catch(() => {}).then(() => renew(page));
  return keeping;
}

async function renew(page) {
  const cache = await caches.open(KEPT);
  if (await cache.match(page, { ignoreVary: true })) return;
  await cache.addAll(FILES);
  const answer = await fetch(page, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  await cache.put(page, answer);
  const others = (await cache.keys(PAGE, { ignoreSearch: true, ignoreVary: true })).filter((one) => !one.url.endsWith(page));
  await Promise.all(others.map((one) => cache.delete(one, { ignoreVary: true })));
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (FILES.includes(pathname)) event.respondWith(fromHere(request));
  else if (request.mode === "navigate" && !NOT_OURS.test(pathname)) event.respondWith(fromThere(request));
});

async function fromHere(request) {
  return (await caches.match(request, { cacheName: KEPT, ignoreVary: true })) ?? fetch(request);
}

async function fromThere(request) {
  try {
    return await Promise.race([fetch(request), tired()]);
  } catch (error) {
    const page = await caches.match(PAGE, { cacheName: KEPT, ignoreSearch: true, ignoreVary: true });
    if (!page) throw error;
    return page;
  }
}

// A server that hangs answers no more than one that is not there.
function tired() {
  return new Promise((_, fail) => setTimeout(() => fail(new Error("no answer")), PATIENCE));
}
