// A log-in that is left alone ends. This warns before, and sends no form after: what was typed is never lost.
"use strict";

(() => {
  const { session: address, user, secondsLeft } = document.body.dataset;
  const dialog = document.getElementById("session");
  if (!address || !dialog) return;
  const words = dialog.dataset; // in the page's language
  // What a refill visit keeps on this device goes with its person, and after half a day.
  const clear = (isGone) => {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith("brim-visit:"))) {
      const at = Number(localStorage.getItem(key).match(/"at":(\d+)/)?.[1] ?? 0);
      if (isGone || !key.startsWith(`brim-visit:${user}:`) || Date.now() - at > 12 * 3_600_000) localStorage.removeItem(key);
    }
  };
  try { clear(false); } catch { /* this device keeps nothing */ }
  document.querySelector("form[action$='/logout/']")?.addEventListener("submit", () => { try { clear(true); } catch { /* nothing kept */ } });

  const part = (name) => document.getElementById(`session-${name}`);
  const WARN_BEFORE = 120; // seconds
  const TRUSTED_FOR = 20_000; // ms in which an answer counts as fresh
  let endsAt = Date.now() + Number(secondsLeft) * 1000;
  let askedAt = Date.now();
  let timer = 0;

  const seconds = () => Math.max(Math.round((endsAt - Date.now()) / 1000), 0);

  async function ask(method) {
    const headers = method === "POST" ? { "X-CSRFToken": token() } : {};
    const response = await fetch(address, { method, headers, cache: "no-store", credentials: "same-origin" });
    if (!response.ok) throw new Error(String(response.status));
    const state = await response.json();
    askedAt = Date.now();
    endsAt = askedAt + state.seconds_left * 1000;
    if (state.user === user) {
      for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = state.csrf_token;
    }
    return state;
  }

  // The page's forms carry one; a page without a form has the log-out form.
  const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

  function show(title, text, { stay = false, again = false, close = false, ended = false }) {
    part("title").textContent = title;
    part("text").textContent = text;
    part("stay").hidden = !stay;
    part("again").hidden = !again;
    part("close").hidden = !close;
    dialog.classList.toggle("ended", ended);
    if (!dialog.open) dialog.showModal();
  }

  function tell(state) {
    if (state.user === user && state.seconds_left > WARN_BEFORE) {
      if (dialog.open) dialog.close();
    } else if (state.user === user) {
      show(words.idleTitle, words.idleText.replace("SECONDS", seconds()), { stay: true });
    } else if (state.user) {
      show(words.otherTitle, words.otherText, { close: true, ended: true });
    } else {
      show(words.outTitle, words.outText, { again: true, ended: true });
    }
    plan(state);
  }

  function plan(state) {
    clearTimeout(timer);
    const left = state.user === user ? state.seconds_left : 0;
    const wait = left > WARN_BEFORE ? (left - WARN_BEFORE) * 1000 : left > 0 ? 1000 : 15_000;
    timer = setTimeout(look, Math.min(wait, 3_600_000));
  }

  async function look() {
    // While the warning counts down, the server is asked only every ten seconds and at the end.
    if (dialog.open && !dialog.classList.contains("ended") && seconds() > 0 && Date.now() - askedAt < 10_000) {
      tell({ user, seconds_left: seconds() });
      return;
    }
    try {
      tell(await ask("GET"));
    } catch {
      plan({ user, seconds_left: Math.max(seconds(), WARN_BEFORE + 10) });
    }
  }

  part("stay").addEventListener("click", async () => {
    try {
      tell(await ask("POST"));
    } catch {
      await look();
    }
  });
  part("close").addEventListener("click", () => location.reload());
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - askedAt > TRUSTED_FOR) look(); });
  addEventListener("focus", () => { if (dialog.open) look(); });

  // No form leaves for a server that would only ask to log in.
  const checked = new WeakSet();
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.method !== "post" || checked.delete(form) || Date.now() - askedAt < TRUSTED_FOR) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    try {
      const state = await ask("GET");
      if (state.user === user) {
        checked.add(form);
        form.requestSubmit(button);
      } else {
        tell(state);
      }
    } catch {
      show(words.cutTitle, words.cutText, { stay: true });
    }
  }, true);

  plan({ user, seconds_left: Number(secondsLeft) });
})();
