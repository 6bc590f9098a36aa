// Watches long work: counts and time left as they are, and the page anew once its state changes. What a screen reader
// is told comes at each quarter, not at each count.
"use strict";

(() => {
  const box = document.getElementById("progress");
  if (!box) {
    // It has ended while somebody watched: what came of it is read from its heading on.
    if (location.hash === "#outcome") document.getElementById("outcome")?.focus();
    return;
  }
  const words = document.getElementById("progress-words");
  const left = document.getElementById("progress-left");
  const bar = document.getElementById("progress-bar");
  const said = document.getElementById("progress-said");
  const EVERY = 1000; // ms
  let quarter = Math.floor((bar.hasAttribute("value") ? bar.value : 0) / 25);

  function show(state) {
    words.textContent = state.words;
    left.textContent = state.left;
    if (state.percent === null) bar.removeAttribute("value");
    else bar.value = state.percent;
    const reached = Math.floor((state.percent ?? 0) / 25);
    if (reached > quarter) said.textContent = `${state.percent} %. ${state.words} ${state.left}`.trim();
    quarter = reached;
  }

  function ended() {
    location.hash = "outcome";
    location.reload();
  }

  async function look() {
    try {
      const response = await fetch(box.dataset.address, { cache: "no-store", credentials: "same-origin" });
      if (response.redirected) { location.reload(); return; }
      if (!response.ok) throw new Error(String(response.status));
      const state = await response.json();
      if (state.state !== box.dataset.state && !(state.is_at_work && box.dataset.state === "waiting")) { ended(); return; }
      box.dataset.state = state.state;
      show(state);
    } catch {
      left.textContent = box.dataset.silent;
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);
})();
