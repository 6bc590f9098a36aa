// Without a connection: what is kept on this device, a sheet to write a visit down on, and trying again. Nobody's name is here.
"use strict";

(() => {
  const page = document.getElementById("offline");
  const byId = (id) => document.getElementById(id);
  const words = (name, values = {}) =>
    Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), page.dataset[name]);
  const clock = (at) => new Date(at).toTimeString().slice(0, 5);
  const LIVES = 12 * 3600 * 1000; // ms that what was typed stays on this device
  const SOON = 1000, LATEST = 15_000; // ms until the next try: at first, and after many
  const AGAIN = 60_000; // ms within which a page is not tried again by itself

  // --- what is kept here: visit.js and this page write it, session.js throws it away ------------------------------

  function read(pattern) {
    const found = [];
    try {
      const person = localStorage.getItem("brim-person");
      for (const key of Object.keys(localStorage)) {
        const [, whose, what] = key.match(pattern) ?? [];
        const kept = whose && whose === person ? JSON.parse(localStorage.getItem(key)) : null;
        if (kept && Date.now() - kept.at < LIVES) found.push({ key, what, ...kept });
      }
    } catch {
      // This device keeps nothing, or nothing that can be read.
    }
    return found.sort((one, other) => other.at - one.at);
  }

  let isBack = false; // Brim answers again

  const drafts = () => read(/^brim-visit:(\d+):(\d+)$/);
  const sheets = () => read(/^brim-visit:(\d+):sheet:(\d+)$/);

  function line(template, text) {
    const item = byId(template).content.firstElementChild.cloneNode(true);
    item.firstElementChild.textContent = text;
    for (const part of item.querySelectorAll(".visually-hidden")) part.textContent = `: ${text}`;
    return item;
  }

  function list() {
    const items = drafts().map((draft) => {
      const item = line("draft-line", words("draft", { time: clock(draft.at) }));
      const link = item.querySelector("a");
      link.href = `/pumps/${draft.what}/guided/`;
      link.hidden = !isBack; // without a connection it leads to this page again
      return item;
    });
    for (const sheet of sheets().filter((one) => one.key !== key)) {
      const item = line("sheet-line", words("sheet", { time: clock(sheet.at), end: sheet.end || "?" }));
      item.querySelector("[data-do=open]").addEventListener("click", () => { open(sheet); form.elements.end.focus(); });
      item.querySelector("[data-do=drop]").addEventListener("click", () => {
        localStorage.removeItem(sheet.key);
        list();
        byId("drafts-title").focus();
      });
      items.push(item);
    }
    byId("drafts").hidden = items.length === 0;
    byId("drafts").querySelector("ul").replaceChildren(...items);
  }

  // --- the sheet ---------------------------------------------------------------------------------------------------

  const form = byId("offline-sheet");
  let key = "";

  function open(sheet) {
    form.reset();
    key = sheet?.key ?? "";
    try { sessionStorage.setItem("brim-sheet", key); } catch { /* this device keeps nothing */ }
    form.elements.end.value = sheet?.end ?? "";
    for (const [name, value] of sheet?.typed ?? []) if (form.elements[name]) form.elements[name].value = value;
    byId("sheet-kept").textContent = sheet ? words("kept", { time: clock(sheet.at) }) : "";
    list();
  }

  // The sheet that was being written in this window on this page: any other is another visit's, and stands in the list.
  function own() {
    try {
      const isAgain = sessionStorage.getItem("brim-sheet-page") === location.pathname;
      sessionStorage.setItem("brim-sheet-page", location.pathname);
      return (isAgain && sheets().find((sheet) => sheet.key === sessionStorage.getItem("brim-sheet"))) || null;
    } catch {
      return null;
    }
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const at = Date.now();
    const all = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
    const typed = all.filter(([name, value]) => name !== "end" && value);
    try {
      const person = localStorage.getItem("brim-person");
      if (!person) throw new Error("logged out meanwhile");
      key ||= `brim-visit:${person}:sheet:${at}`;
      sessionStorage.setItem("brim-sheet", key);
      localStorage.setItem(key, JSON.stringify({ at, end: form.elements.end.value.trim(), typed }));
      byId("sheet-kept").textContent = words("kept", { time: clock(at) });
    } catch {
      byId("sheet-kept").textContent = words("unkept");
    }
  });
  byId("sheet-next").addEventListener("click", () => {
    open(null);
    form.elements.end.focus();
  });

  // --- a connection again ------------------------------------------------------------------------------------------

  const isItself = location.pathname === page.dataset.here; // asked for by its own address, not in the place of another
  const isWriting = () => form.contains(document.activeElement);

  let wait = SOON;
  let timer = 0;

  async function answers() {
    try {
      return navigator.onLine && (await fetch(page.dataset.alive, { cache: "no-store" })).ok;
    } catch {
      return false;
    }
  }

  const trying = byId("offline-state").textContent;
  async function look() {
    const isAnswering = await answers();
    if (isAnswering !== isBack) {
      isBack = isAnswering;
      for (const link of byId("drafts").querySelectorAll("a")) link.hidden = !isBack;
    }
    if (!isAnswering) {
      if (byId("offline-state").textContent !== trying) byId("offline-state").textContent = trying;
      plan(Math.min(wait * 2, LATEST));
    } else if (!isItself && !isWriting() && !hasTried()) {
      location.reload();
    } else {
      const other = isWriting() ? "back" : "other";
      byId("offline-state").textContent = words(isItself ? "answers" : other);
      byId("offline-home").hidden = !isItself && isWriting();
      plan(LATEST);
    }
  }

  // Whether this page was tried by itself just now, and it is this page alone that does not come.
  function hasTried() {
    try {
      const [path, at] = JSON.parse(sessionStorage.getItem("brim-tried") ?? "[]");
      if (path === location.pathname && Date.now() - at < AGAIN) return true;
      sessionStorage.setItem("brim-tried", JSON.stringify([location.pathname, Date.now()]));
      return false;
    } catch {
      return false;
    }
  }

  function plan(next) {
    wait = next;
    clearTimeout(timer);
    timer = setTimeout(look, wait);
  }

  addEventListener("online", () => plan(SOON));
  byId("offline-again").addEventListener("click", () => location.reload());

  // --- begin -------------------------------------------------------------------------------------------------------

  byId("drafts-title").tabIndex = -1;
  try { form.hidden = !localStorage.getItem("brim-person"); } catch { /* nothing can be kept: no sheet */ }
  open(own());
  plan(SOON);
})();
