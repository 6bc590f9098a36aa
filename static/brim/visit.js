// The guided refill visit: one step at a time, and nothing that was typed is lost. The page works without this.
"use strict";

(() => {
  const form = document.getElementById("visit-form");
  if (!form) return;
  const { user, pump, keep, isDraft, askAgain } = form.dataset;
  const byId = (id) => document.getElementById(id);
  const KEY = `brim-visit:${user}:${pump}`;
  const LIVES = 12 * 3600 * 1000; // ms that what was typed stays on this device
  const WAIT = 700; // ms after the last letter before it is sent
  const STALE = 30 * 60 * 1000; // ms after which `askAgain` has to be answered again
  // What the page carries beside what was typed: never kept.
  const BESIDE = /^(csrfmiddlewaretoken|step|confirm|seen|visit|counter|reviewed|more|bridge-.*)$/;
  let counter = Number(form.dataset.counter);
  let base = counter; // what this window is built on: the last that the server has confirmed
  let newest = counter; // the last that the server is known to have
  const unanswered = new Set(); // counters that were sent, and may have arrived
  let timer = 0;
  let isDone = false;
  let isBehind = false; // something newer is on the server, and the person has not chosen yet
  let held = null; // typed here earlier, and not decided about: nothing on this device is written over it

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

  // Whether it is kept here. On a device without room or without leave to keep anything, the server's copy has to do.
  function note() {
    if (held || isDone || counter === base) return false;
    const sent = [...unanswered];
    try {
      localStorage.setItem(KEY, JSON.stringify({ token: token(), counter, base, sent, at: Date.now(), typed: typed() }));
    } catch {
      return false;
    }
    tellKept();
    return true;
  }

  // All that was typed so far is kept, here or on the server: sheets.js waits for it.
  const tellKept = () => form.dispatchEvent(new CustomEvent("kept"));

  function forget() {
    try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
  }

  // What is said where the server has not taken it: that it is kept here, or truly why it is not.
  const saidOf = (name) => (note() ? words(name, { time: clock() }) : form.dataset[held ? "undecided" : "unkept"]);

  const tell = (text) => { if (byId("visit-kept").textContent !== text) byId("visit-kept").textContent = text; };

  // --- kept on the server ----------------------------------------------------------------------------------------

  // One after the other: what is sent next is built on the answer to what was sent before.
  let line = Promise.resolve();
  const inTurn = (job) => { line = line.then(job, job); return line; };

  async function send(pairs, mine, number, on) {
    const body = new URLSearchParams(pairs);
    body.set("visit", mine);
    body.set("counter", String(number));
    body.set("base", String(on));
    body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    const response = await fetch(keep, { method: "POST", body, credentials: "same-origin", keepalive: true });
    if (response.redirected || response.status === 403) return { state: "out" };
    if (!response.ok && response.status !== 400) throw new Error(String(response.status));
    return response.json();
  }

  function save() {
    clearTimeout(timer);
    timer = 0;
    return inTurn(sendChanges);
  }

  async function sendChanges() {
    if (isDone || isBehind || counter === base) return;
    const number = counter;
    unanswered.add(number);
    try {
      const answer = await send(typed(), token(), number, base);
      if (answer.state === "newer" && unanswered.has(answer.counter)) {
        // It is this window's own: it arrived, and the answer did not.
        base = answer.counter;
        counter = Math.max(counter, base + 1);
        await sendChanges();
      } else {
        if (answer.state !== "kept") unanswered.delete(number);
        take(answer);
      }
    } catch {
      if (!isDone) tell(saidOf("onDevice"));
    }
  }

  function take(answer) {
    if (answer.state === "kept") {
      tell(answer.said);
      base = answer.counter;
      newest = base;
      unanswered.clear();
      if (counter === base) {
        if (!held) forget();
        tellKept();
      } else note();
      compareAgain();
    } else if (answer.state === "newer") {
      isBehind = true;
      newest = answer.counter;
      byId("visit-newer").hidden = false;
    } else if (answer.state === "stored") {
      stored(answer.address);
    } else if (answer.state === "out") {
      tell(saidOf("loggedOut"));
    } else {
      tell(answer.said);
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
    counter += 1 + Math.floor(Math.random() * 1000); // by chance, so that no two windows count alike
    note();
    clearTimeout(timer);
    timer = setTimeout(save, WAIT);
  }

  // What was true of the patient and the needle half an hour ago is asked again.
  function stillTrue(found) {
    if (Date.now() - found.at < STALE) return found.typed;
    return found.typed.filter(([name]) => !askAgain.split(" ").includes(name));
  }

  // What was typed where there was no connection goes to the server first; the page is then made of it anew.
  function takeFromDevice(found) {
    held = found;
    byId("visit-older").hidden = true;
    return inTurn(() => sendFound(found));
  }

  async function sendFound(found) {
    if (isDone) return;
    try {
      const answer = await send(stillTrue(found), found.token, Math.max(found.counter, newest + 1), newest);
      if (answer.state === "kept") {
        forget();
        isDone = true;
        location.reload();
      } else if (answer.state === "stored" && found.token === token()) {
        stored(answer.address);
      } else if (answer.state === "stored") {
        drop(); // of a visit that is stored: this one is another
      } else {
        if (answer.state === "newer") newest = answer.counter;
        else tell(answer.state === "out" ? words("loggedOut", { time: clock(found.at) }) : answer.said);
        byId("visit-older").hidden = false;
      }
    } catch {
      tell(words("onDevice", { time: clock(found.at) }));
      byId("visit-older").hidden = false;
    }
  }

  function drop() {
    held = null;
    byId("visit-older").hidden = true;
    forget();
    note();
  }

  function comeBack() {
    const found = onDevice();
    if (!found) return;
    const isSame = found.token === token();
    const isBuiltOnThis = isSame && [found.base, ...(found.sent ?? [])].includes(counter);
    if (isSame && found.counter === counter) {
      forget();
    } else if (isBuiltOnThis || !isDraft) {
      takeFromDevice(found);
    } else {
      held = found;
      byId("visit-older").hidden = false;
    }
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-take]");
    const choice = pressed?.dataset.take;
    if (choice === "device" && held) takeFromDevice(held);
    if (choice === "server" && pressed.closest("#visit-older")) drop();
    else if (choice === "server") {
      if (!held) forget();
      isDone = true;
      location.reload();
    }
    if (choice === "mine") {
      base = counter = newest;
      isBehind = false;
      byId("visit-newer").hidden = true;
      change();
    }
  });
  byId("visit-discard")?.addEventListener("submit", () => { isDone = true; forget(); });
  form.addEventListener("input", (event) => { if (!BESIDE.test(event.target.name)) change(); });
  addEventListener("online", () => { save(); compareAgain(); });
  addEventListener("visibilitychange", () => { if (document.hidden && timer) save(); });

  // --- one step at a time ----------------------------------------------------------------------------------------

  const steps = () => [...form.querySelectorAll(".step")];
  const links = [...document.querySelectorAll(".visit-steps a")];
  const button = (name) => form.querySelector(`.visit-actions [data-go=${name}]`);
  let place = 0;
  let furthest = 0; // where a visit that is opened again goes on

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
    furthest = Math.max(furthest, place);
    form.elements.place.value = all[furthest].id;
    if (focus) {
      scrollTo({ top: 0 });
      all[place].querySelector("h2").focus({ preventScroll: true });
    }
  }

  // The first thing in a step that is still missing, or null.
  const missing = (step) => [...step.querySelectorAll("input, select")].find((input) => !input.checkValidity());

  function choices() {
    for (const part of form.querySelectorAll("[data-for-choice]")) {
      const { forChoice, choice } = part.dataset;
      part.hidden = form.elements[forChoice]?.value !== choice;
    }
  }
  form.addEventListener("change", choices);

  const isOdd = () => form.elements.fill.value === "odd";
  let isOddSeen = false; // whether somebody was led to what an odd filling asks for

  form.addEventListener("change", ({ target }) => {
    if (target.name === "fill") isOddSeen = false;
    if (target.type !== "radio") return;
    // What a choice warns of is in sight at once.
    for (const stop of target.closest(".step").querySelectorAll(".stop:not([hidden])")) stop.scrollIntoView({ block: "nearest" });
  });

  function lead(part) {
    part.focus({ preventScroll: true });
    part.scrollIntoView({ block: "center" });
  }

  // What is missing is said beside its field: a browser's own bubble covers what it speaks of on a small screen.
  function ask(input) {
    const stop = input.closest(".step").querySelector(".stop:not([hidden])");
    if (stop && input.name === "needle") return lead(stop);
    unmark(input);
    say(input, (input.validity.valueMissing && input.dataset.missing) || input.validationMessage);
    lead(input);
  }

  // Goes on from here to a later step: over nothing that is missing, and over no finding that nobody has looked at.
  async function go(next) {
    const first = steps().slice(place, next).findIndex(missing);
    if (first >= 0) {
      if (first > 0) show(place + first);
      ask(missing(steps()[place]));
      return;
    }
    const at = steps().findIndex((step) => step.contains(emptied));
    if (place < next && at < next && (place <= at || isPassed)) {
      if (isWaiting) return;
      const from = place;
      const isFree = await isLookedAt();
      if (place !== from) return; // gone elsewhere meanwhile
      if (!isFree) {
        point(at);
        return;
      }
    }
    const filling = steps().findIndex((step) => step.id === "step-fill");
    if (place <= filling && filling < next && isOdd() && !isOddSeen) {
      isOddSeen = true;
      if (place !== filling) show(filling, { focus: false });
      lead(byId("fill-stop"));
      return;
    }
    const isFurther = next > furthest;
    show(next);
    if (isFurther) change();
    else note();
  }

  // --- what came out: held against what was expected before anything goes in ---------------------------------------

  const emptied = byId("emptied");
  const PATIENCE = 8000; // ms that Next waits for the answer; without one it goes on, and the review asks
  let asked = null; // what the server is being asked about
  let answered = null; // what the finding on the page is about
  let lookedAt = null; // what somebody has looked at
  let isWaiting = false;
  let isUncompared = false; // the last question about it was not answered
  let isPassed = false; // Next went on without an answer: one that comes later is still looked at
  const taken = () => ["emptying", "aspirated_ml", "refilled_at"].map((name) => form.elements[name]?.value.trim()).join(" ");

  emptied.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== emptied) return;
    if (answered === taken()) event.preventDefault();
    else asked = taken();
  });
  emptied.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== emptied) return;
    if (event.detail.successful) answered = asked;
    isUncompared = !event.detail.successful;
    asked = null;
    sayWaiting();
  });

  // What could not be compared is said to be so, and is compared once the server answers again.
  const isToCompare = () => {
    const { emptying, aspirated_ml: volume } = form.elements;
    const isEmptied = !emptying || emptying.value === "emptied";
    return isEmptied && Boolean(volume.value.trim()) && volume.checkValidity() && answered !== taken();
  };

  function sayWaiting() {
    const isWaitedFor = isUncompared && isToCompare();
    byId("emptied-waits").hidden = !isWaitedFor;
    if (isWaitedFor) emptied.replaceChildren(); // what stands there is of another volume
  }

  function compareAgain() {
    if (isUncompared && isToCompare() && asked !== taken()) htmx.trigger(emptied, "compare");
  }
  for (const kind of ["input", "change"]) form.addEventListener(kind, sayWaiting);

  // Whether the next answer came and was one.
  const nextAnswer = (ms) => new Promise((done) => {
    emptied.addEventListener("htmx:afterRequest", ({ detail }) => done(detail.successful), { once: true });
    setTimeout(() => done(false), ms);
  });

  // Until the finding on the page is about what is typed, which may change while the server is being asked.
  async function isAnswered() {
    const end = Date.now() + PATIENCE;
    while (answered !== taken() && navigator.onLine && Date.now() < end) {
      if (asked !== taken()) htmx.trigger(emptied, "compare");
      const about = asked;
      const isAnswer = await nextAnswer(end - Date.now());
      if (!isAnswer && about === taken()) break;
    }
    return answered === taken();
  }

  // Whether Next may go on: there is nothing to look at, it was looked at, or nobody can be asked.
  async function isLookedAt() {
    if (!form.elements.aspirated_ml.value.trim() || lookedAt === taken()) return true;
    isWaiting = true;
    const isFound = await isAnswered();
    isWaiting = false;
    isPassed = !isFound;
    if (!isFound || !emptied.querySelector("[data-look]")) return true;
    lookedAt = taken();
    return false;
  }

  function point(at) {
    if (place !== at) show(at, { focus: false });
    const finding = emptied.querySelector("[data-look]");
    if (finding) lead(finding);
  }

  function open(target) {
    const at = steps().findIndex((step) => step.contains(target));
    if (at >= 0 && at !== place) show(at, { focus: false });
    // What a choice has hidden is shown where something in it is to be mended.
    for (let part = target.closest("[hidden]"); part; part = part.parentElement.closest("[hidden]")) part.hidden = false;
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
      go(at);
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

  // What cannot be is held where it is typed: a needle that is not certain, a volume that does not fit or is not there.
  function hold() {
    for (const input of form.querySelectorAll("[name=needle][value=unsure]")) {
      input.setCustomValidity(input.checked ? byId("needle-stop").textContent.trim() : "");
    }
    for (const input of form.querySelectorAll("[data-most]")) {
      const text = input.value.trim();
      const value = Number(text.replace(",", "."));
      const { most, tooMuch, noNumber, needed } = input.dataset;
      if (!text) input.setCustomValidity(needed && form.elements.emptying.value === "emptied" ? needed : "");
      else if (value > Number(most)) input.setCustomValidity(tooMuch);
      else input.setCustomValidity(value >= 0 ? "" : noNumber);
    }
  }
  for (const kind of ["input", "change"]) form.addEventListener(kind, hold);

  // Allergies are written down on the patient's page, in another tab: coming back shows them.
  let isAway = false;
  byId("write-allergies").addEventListener("click", () => { isAway = true; });
  addEventListener("focus", () => {
    if (isAway) htmx.trigger(byId("visit-allergies"), "came-back");
    isAway = false;
  });
  byId("visit-discard")?.querySelector("details").addEventListener("toggle", (event) => event.target.scrollIntoView({ block: "center" }));

  // What is wrong is written beside its field too, as the server does it on a page without a script (parts/field.html).
  function mark() {
    for (const input of form.querySelectorAll("[data-marked]")) unmark(input);
    for (const { dataset } of form.querySelectorAll(".problems-list [data-field]")) {
      const input = byId(dataset.field);
      if (input?.closest(".entry, .row-pair")) say(input, dataset.wrong);
    }
  }

  function say(input, words) {
    input.classList.add("is-invalid");
    input.setAttribute("aria-invalid", "true");
    input.dataset.marked = "yes";
    const line = document.createElement("p");
    line.textContent = words;
    beside(input).append(line);
  }

  // A list of choices is described as a whole.
  const described = (input) => (input.type === "radio" ? input.closest("fieldset") : input);
  const besideId = (input) => `${input.type === "radio" ? input.id.replace(/_\d+$/, "") : input.id}_error`;
  const descriptions = (part) => (part.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);

  function beside(input) {
    const there = byId(besideId(input));
    if (there) return there;
    const box = document.createElement("div");
    box.className = "entry-error";
    box.id = besideId(input);
    const entry = input.closest(".entry, .row-pair");
    entry.insertBefore(box, entry.querySelector(":scope > .form-text"));
    const part = described(input);
    part.setAttribute("aria-describedby", [box.id, ...descriptions(part)].join(" "));
    return box;
  }

  function unmark(input) {
    input.classList.remove("is-invalid");
    input.removeAttribute("aria-invalid");
    delete input.dataset.marked;
    byId(besideId(input))?.remove();
    const part = described(input);
    const left = descriptions(part).filter((id) => id !== besideId(input));
    if (left.length) part.setAttribute("aria-describedby", left.join(" "));
    else part.removeAttribute("aria-describedby");
  }

  // Once it is answered otherwise, what was wrong with it is no longer so; the next check says what is.
  // Already while it is typed: a line that went away under a press of Next would move the button from it.
  function answer({ target }) {
    const isRadio = target.type === "radio";
    const all = isRadio ? target.closest("fieldset").querySelectorAll("[data-marked]") : [target];
    for (const input of all) if (input.dataset.marked) unmark(input);
    // What came out is asked for by how the pump was emptied.
    const { aspirated_ml: volume } = form.elements;
    if (target.name === "emptying" && volume.dataset.marked && volume.checkValidity()) unmark(volume);
  }
  for (const kind of ["input", "change"]) form.addEventListener(kind, answer);

  // --- sent ------------------------------------------------------------------------------------------------------

  const trouble = (text) => {
    byId("visit-trouble").hidden = !text;
    byId("visit-trouble").textContent = text;
  };
  // The page itself (swaps.js) says less: a visit may be sent as often as one likes.
  const failed = (event, text) => {
    if (event.target !== form) return;
    event.stopPropagation();
    trouble(text);
  };
  form.addEventListener("htmx:beforeRequest", (event) => { if (event.target === form) trouble(""); });
  for (const name of ["sendError", "timeout"]) form.addEventListener(`htmx:${name}`, (event) => failed(event, form.dataset.unsent));
  form.addEventListener("htmx:responseError", (event) => failed(event, form.dataset.failed));
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
  hold();
  const begun = steps().findIndex((step) => step.id === form.elements.place.value);
  furthest = Math.min(Math.max(begun, 0), steps().length - 2);
  // Of what was gone over, the first step in which something is missing since.
  const lacking = steps().slice(0, furthest).findIndex(missing);
  const isLooked = Boolean(byId("review").dataset.state);
  show(isLooked ? steps().length - 1 : lacking < 0 ? furthest : lacking, { focus: false });
  comeBack();
})();
