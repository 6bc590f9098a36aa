// Watches an import: counts and time left as they are, and the page anew once its state changes.
"use strict";

(() => {
  const box = document.getElementById("progress");
  if (!box) return;
  const words = document.getElementById("progress-words");
  const left = document.getElementById("progress-left");
  const bar = document.getElementById("progress-bar");
  const EVERY = 1000; // ms

  async function look() {
    try {
      const response = await fetch(box.dataset.address, { cache: "no-store", credentials: "same-origin" });
      if (response.redirected) { location.reload(); return; }
      const state = await response.json();
      if (state.state !== box.dataset.state) { location.reload(); return; }
      words.textContent = state.words;
      left.textContent = state.left;
      if (state.percent === null) bar.removeAttribute("value");
      else bar.value = state.percent;
    } catch {
      left.textContent = box.dataset.unreached;
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
})();
