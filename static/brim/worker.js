// A page of somebody who is logged in keeps one page for when there is no connection (sw.js); the log-in page lets go of it.
"use strict";

(() => {
  const { user, worker, offline } = document.body.dataset;
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;

  if (!worker) {
    try { localStorage.removeItem("brim-person"); } catch { /* this device keeps nothing */ }
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("brim-")).map((name) => caches.delete(name))))
      .catch(() => { /* nothing was kept */ });
    return;
  }

  // Whose device it is, so that what is written without a connection goes to nobody else.
  try { localStorage.setItem("brim-person", user); } catch { /* then nothing can be written without a connection */ }
  const ask = () => navigator.serviceWorker.ready.then(({ active }) => active.postMessage({ keep: offline }));
  navigator.serviceWorker.addEventListener("controllerchange", ask);
  // Once the page itself is there: what is kept for later waits its turn.
  addEventListener("load", () => navigator.serviceWorker.register(worker).then(ask).catch(() => { /* all else works without */ }));
})();
