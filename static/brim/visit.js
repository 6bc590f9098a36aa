// The guided refill visit: one step at a time, and nothing that was typed is lost. The page works without this.
"use strict";

(() => {
  const form = document.getElementById("visit-form");
  if (!form) return;
  const { user, pump, keep, isDraft } = form.dataset;
  const byId = (id) => document.getElementById(id);
  const KEY = `brim-visit:${user}:${pump}`;
  const LIVES = 12 * 3600 * 1000; // ms that what was typed stays on this device
  const WAIT = 700; // ms after the last letter before it is sent
  // What the page carries beside what was typed: never kept.
  const BESIDE = /^(csrfmiddlewaretoken|step|confirm|seen|visit|counter|reviewed|more|bridge-.*)$/;
  let counter = Number(form.dataset.counter);
  let timer = 0;
  let isDone = false;

  const words = (name, values = {}) =>
    Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), form.dataset[name]);
  const clock = (at = Date.now()) => new Date(at).toTimeString().slice(0, 5);
  const token = () => form.elements.visit.value;

  // --- kept on this device ---------------------------------------------------------------------------------------

  function typed() {
    const pairs = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !BESIDE.test(name));
    return pairs;
  }

  function onDevice() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      if (!found || Date.now() - found.at > LIVES) throw new Error("none, or too old");
      return found;
    } catch {
      forget();
      return null;
    }
  }

  function note() {
    try {
      localStorage.setItem(KEY, JSON.stringify({ token: token(), counter, at: Date.now(), typed: typed() }));
    } catch {
      // A device without room or without leave to keep anything: the server's copy has to do.
    }
  }

  function forget() {
    try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
  }

  const tell = (text) => { if (byId("visit-kept").textContent !== text) byId("visit-kept").textContent = text; };

  // --- kept on the server ----------------------------------------------------------------------------------------

  async function send(pairs = typed(), mine = token()) {
    const body = new URLSearchParams(pairs);
    body.set("visit", mine);
    body.set("counter", String(counter));
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    const response = await fetch(keep, { method: "POST", body, credentials: "same-origin", keepalive: true });
    if (response.redirected || response.status === 403) return { state: "out" };
    if (!response.ok && response.status !== 400) throw new Error(String(response.status));
    return response.json();
  }

  async function save() {
    clearTimeout(timer);
    if (isDone) return;
    try {
      const answer = await send();
      if (answer.state === "kept") {
        tell(answer.said);
        if (answer.counter === counter) forget();
      } else if (answer.state === "newer") {
        byId("visit-newer").hidden = false;
        form.dataset.newest = answer.counter;
      } else if (answer.state === "stored") {
        stored(answer.address);
      } else if (answer.state === "out") {
        tell(words("loggedOut", { time: clock() }));
      } else {
        tell(answer.said);
      }
    } catch {
      tell(words("onDevice", { time: clock() }));
    }
  }

  function stored(address) {
    forget();
    isDone = true;
    const line = byId("visit-kept");
    const link = document.createElement("a");
    link.href = address;
    link.textContent = form.dataset.stored;
    line.replaceChildren(link);
  }

  function change() {
    if (isDone) return;
    counter += 1;
    note();
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  }

  // What was typed where there was no connection goes to the server first; the page is then made of it anew.
  async function takeFromDevice(found) {
    counter = Math.max(found.counter, counter + 1);
    try {
      const answer = await send(found.typed, found.token);
      if (answer.state === "stored") stored(answer.address);
      else if (answer.state === "kept") { forget(); isDone = true; location.reload(); }
    } catch {
      tell(words("onDevice", { time: clock(found.at) }));
    }
  }

  function comeBack() {
    const found = onDevice();
    if (!found) return;
    const isSame = found.token === token();
    if (isSame && found.counter <= counter) forget();
    else if (isSame || !isDraft) takeFromDevice(found);
    else byId("visit-older").hidden = false;
  }

  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-take]")?.dataset.take;
    if (choice === "device") takeFromDevice(onDevice());
    if (choice === "server") { forget(); isDone = true; location.reload(); }
    if (choice === "mine") {
      counter = Number(form.dataset.newest);
      byId("visit-newer").hidden = true;
      change();
    }
  });
  byId("visit-discard")?.addEventListener("submit", () => { isDone = true; forget(); });
  form.addEventListener("input", (event) => { if (!BESIDE.test(event.target.name)) change(); });
  addEventListener("online", save);
  addEventListener("visibilitychange", () => { if (document.hidden && timer) save(); });

  // --- one step at a time ----------------------------------------------------------------------------------------

  const steps = () => [...form.querySelectorAll(".step")];
  const links = [...document.querySelectorAll(".visit-steps a")];
  const button = (name) => form.querySelector(`.visit-actions [data-go=${name}]`);
  let place = 0;

  function show(next, { focus = true } = {}) {
    const all = steps();
    place = Math.min(Math.max(next, 0), all.length - 1);
    all.forEach((step, at) => { step.hidden = at !== place; });
    links.forEach((link, at) => {
      link.toggleAttribute("data-done", at < place);
      if (at === place) link.setAttribute("aria-current", "step");
      else link.removeAttribute("aria-current");
    });
    const isLast = place === all.length - 1;
    button("back").hidden = place === 0;
    button("next").hidden = place >= all.length - 2;
    button("review").hidden = place < all.length - 2 || (isLast && all[place].dataset.state === "ready");
    form.elements.place.value = all[place].id;
    if (focus) {
      scrollTo({ top: 0 });
      all[place].querySelector("h2").focus({ preventScroll: true });
    }
  }

  // The first thing in a step that is still missing, or null.
  const missing = (step) => [...step.querySelectorAll("input, select")].find((input) => !input.checkValidity());

  function go(next) {
    const at = missing(steps()[place]);
    if (next > place && at) {
      at.reportValidity();
      return;
    }
    show(next);
    note();
  }

  function open(target) {
    const at = steps().findIndex((step) => step.contains(target));
    if (at >= 0 && at !== place) show(at, { focus: false });
    target.focus();
  }

  form.addEventListener("click", (event) => {
    const name = event.target.closest("[data-go]")?.dataset.go;
    if (name === "back") go(place - 1);
    if (name === "next") go(place + 1);
    const problem = event.target.closest(".problems-list a");
    if (problem) {
      event.preventDefault();
      open(byId(problem.hash.slice(1)));
    }
  });
  for (const [at, link] of links.entries()) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const first = steps().slice(place, at).findIndex(missing);
      if (at > place && first >= 0) { show(place + first); missing(steps()[place]).reportValidity(); } else show(at);
    });
  }
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input") || place >= steps().length - 2) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
    go(place + 1);
  });

  // What was looked at is what is stored: once something else is typed, it has to be looked at again.
  form.addEventListener("input", (event) => {
    const review = byId("review");
    if (!review.contains(event.target) && review.dataset.state) {
      delete review.dataset.state;
      review.querySelector("[data-go=save]")?.setAttribute("hidden", "");
    }
  });

  function choices() {
    for (const part of form.querySelectorAll("[data-for-choice]")) {
      const { forChoice, choice } = part.dataset;
      part.hidden = form.elements[forChoice]?.value !== choice;
    }
  }
  form.addEventListener("change", choices);

  function mark() {
    for (const input of form.querySelectorAll("[data-marked]")) {
      input.classList.remove("is-invalid");
      input.removeAttribute("aria-invalid");
      delete input.dataset.marked;
    }
    for (const line of form.querySelectorAll(".problems-list [data-field]")) {
      const input = byId(line.dataset.field);
      input?.classList.add("is-invalid");
      input?.setAttribute("aria-invalid", "true");
      if (input) input.dataset.marked = "yes";
    }
  }

  // --- sent ------------------------------------------------------------------------------------------------------

  const trouble = (text) => {
    byId("visit-trouble").hidden = !text;
    byId("visit-trouble").textContent = text;
  };
  form.addEventListener("htmx:beforeRequest", (event) => { if (event.target === form) trouble(""); });
  form.addEventListener("htmx:sendError", (event) => { if (event.target === form) trouble(form.dataset.unsent); });
  form.addEventListener("htmx:timeout", (event) => { if (event.target === form) trouble(form.dataset.unsent); });
  form.addEventListener("htmx:responseError", (event) => { if (event.target === form) trouble(form.dataset.failed); });
  form.addEventListener("htmx:beforeOnLoad", (event) => {
    // Stored: the next page follows, and nothing of this one is kept.
    if (event.detail.xhr.getResponseHeader("HX-Redirect")) { isDone = true; forget(); }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "review") return;
    show(steps().length - 1, { focus: false });
    mark();
  });

  // Focus is in it by now; the steps above it are in sight too, and not behind the page's head.
  document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.elt.id === "review") scrollTo({ top: 0 }); });

  // --- begin -----------------------------------------------------------------------------------------------------

  document.body.classList.add("by-script");
  for (const part of form.querySelectorAll(".no-script")) part.hidden = true;
  choices();
  const begun = steps().findIndex((step) => step.id === form.elements.place.value);
  const isLooked = Boolean(byId("review").dataset.state);
  show(isLooked ? steps().length - 1 : Math.min(Math.max(begun, 0), steps().length - 2), { focus: false });
  comeBack();
})();
