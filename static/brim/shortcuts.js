// Keys: all of them stand in the dialog #keys, which "?" opens. One is pressed, or two one after the other.
// They can be switched off there, and never act while somebody types.
"use strict";

(() => {
  const dialog = document.getElementById("keys");
  const on = document.getElementById("keys-on");
  if (!dialog || !on) return;
  const STORED = "brim-keys-off";
  const PATIENCE = 1500; // ms between two keys
  let first = "";
  let timer = 0;

  const remembered = () => { try { return localStorage.getItem(STORED) === "yes"; } catch { return false; } };
  on.checked = !remembered();
  on.addEventListener("change", () => {
    try {
      if (on.checked) localStorage.removeItem(STORED);
      else localStorage.setItem(STORED, "yes");
    } catch { /* a browser that keeps nothing: until the page is left */ }
  });

  for (const opener of document.querySelectorAll("[data-opens=keys]")) {
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      open(opener.closest("details")?.querySelector("summary") ?? opener);
    });
  }
  function open(from) {
    from?.closest("details")?.removeAttribute("open");
    dialog.showModal();
    dialog.addEventListener("close", () => from?.focus(), { once: true });
  }

  // What a page offers to do with a pump, by where it leads.
  const ON_A_PUMP = { r: 'a[href$="/guided/"], a[href$="/refill/"]', d: 'a[href$="/dose/"]' };
  for (const [key, links] of Object.entries(ON_A_PUMP)) {
    const link = document.querySelector(".who .actions")?.querySelector(links);
    link?.setAttribute("aria-keyshortcuts", key);
  }

  const isTyping = (part) => part.isContentEditable || (part.matches("input, select, textarea") && !part.matches("[type=checkbox], [type=radio], [type=button], [type=submit]"));

  function row(step) {
    const rows = [...document.querySelectorAll("main table.worklist tbody .whole, main [data-row]")].filter((part) => part.offsetParent);
    if (!rows.length) return false;
    const line = document.activeElement?.closest("tr, li");
    let at = rows.findIndex((part) => part === document.activeElement || (line && line.contains(part)));
    at = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].focus();
    rows[at].scrollIntoView({ block: "nearest" });
    return true;
  }

  function go(keys) {
    const link = document.querySelector(`main [aria-keyshortcuts="${keys}"]`) ?? document.querySelector(`a[data-keys="${keys}"]`);
    if (!link) return false;
    link.click();
    return true;
  }

  function act(key) {
    if (key === "?") {
      open(document.activeElement);
      return true;
    }
    if (key === "/") {
      const find = document.getElementById("find");
      find?.focus();
      find?.select();
      return Boolean(find);
    }
    if (key === "j") return row(1);
    if (key === "k") return row(-1);
    return go(key);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) {
        menu.removeAttribute("open");
        menu.querySelector("summary").focus();
      }
      return;
    }
    if (!on.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "g") return;
    if (event.key.length !== 1 || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const keys = first ? `${first} ${event.key}` : event.key;
    clearTimeout(timer);
    first = "";
    if (keys === "g") {
      first = "g";
      timer = setTimeout(() => { first = ""; }, PATIENCE);
      return;
    }
    if (/["\\\]]/.test(keys)) return;
    const done = keys.length > 1 ? go(keys) : act(keys);
    if (done) event.preventDefault();
  });

  // What lies folded in the hand opens below its own line.
  document.addEventListener("click", (event) => {
    const fold = event.target.closest("[data-folds]");
    fold?.setAttribute("aria-expanded", String(fold.getAttribute("aria-expanded") !== "true"));
  });

  // A press beside the menu closes it.
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (menu && !menu.contains(event.target)) menu.removeAttribute("open");
  });
})();
