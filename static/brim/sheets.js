// A visit that was written down without a connection (offline.js) is offered to the page of the pump it names.
"use strict";

(() => {
  const form = document.getElementById("visit-form");
  const note = document.getElementById("visit-sheet");
  if (!form || !note) return;
  const LIVES = 12 * 3600 * 1000; // ms that what was typed stays on this device
  const end = form.dataset.serialEnd.toUpperCase();

  // The newest sheet that names this pump; what others name is nothing to this page.
  function found() {
    try {
      return Object.keys(localStorage)
        .filter((key) => key.startsWith(`brim-visit:${form.dataset.user}:sheet:`))
        .map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }))
        .filter((sheet) => Date.now() - sheet.at < LIVES && sheet.end?.toUpperCase() === end && sheet.typed?.length)
        .sort((one, other) => other.at - one.at)[0];
    } catch {
      return undefined;
    }
  }

  const fieldOf = (name) => {
    const field = form.elements[name];
    return field instanceof HTMLElement ? field : undefined;
  };
  const labelOf = (name) => fieldOf(name)?.labels[0]?.firstChild.textContent.trim() ?? name;
  const unitOf = (name) => fieldOf(name)?.closest(".input-group")?.querySelector(".input-group-text")?.textContent ?? "";
  const said = (name, value) => (value.includes("T") && window.brimMomentWords?.(value)) || `${value} ${unitOf(name)}`.trim();

  function offer() {
    const sheet = found();
    note.hidden = !sheet;
    if (!sheet) return;
    note.querySelector("ul").replaceChildren(...sheet.typed.map(([name, value]) => {
      const item = document.createElement("li");
      item.textContent = `${labelOf(name)}: ${said(name, value)}`;
      return item;
    }));
    note.querySelector("[data-when]").textContent = new Date(sheet.at).toTimeString().slice(0, 5);
  }

  function put(name, value) {
    const field = fieldOf(name);
    if (!field) return false;
    field.value = value;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
    return true;
  }

  // What was put in is taken off the sheet once the visit is kept, on the server or on this device (visit.js says so).
  function leave(sheet, left) {
    form.addEventListener("kept", () => {
      if (left.length) localStorage.setItem(sheet.key, JSON.stringify({ at: sheet.at, end: sheet.end, typed: left }));
      else localStorage.removeItem(sheet.key);
      offer();
    }, { once: true });
  }

  note.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-sheet]")?.dataset.sheet;
    const sheet = choice && found();
    if (!sheet) return;
    if (choice === "put") {
      if (sheet.typed.some(([name]) => name === "dose-daily_dose_mcg")) form.querySelector("[name=program][value=changed]")?.click();
      // Where there is no such field at this pump, it stays written down.
      const left = sheet.typed.filter(([name, value]) => !put(name, value));
      leave(sheet, left);
      if (left.length) return;
      note.hidden = true;
    } else {
      localStorage.removeItem(sheet.key);
      offer();
    }
    form.querySelector(".step:not([hidden]) h2").focus();
  });
  offer();
})();
