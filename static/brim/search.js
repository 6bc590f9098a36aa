// Finding somebody from any page: what is found while typing is a list the arrow keys go through (a combobox). Without
// this script the form opens the page of results.
"use strict";

(() => {
  const input = document.getElementById("find");
  const found = document.getElementById("found");
  if (!input || !found) return;
  const form = input.form;
  let at = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-expanded", "false");

  const options = () => [...found.querySelectorAll("[role=option]")];

  const choose = (place) => {
    const all = options();
    at = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    if (at < 0) {
      input.removeAttribute("aria-activedescendant");
    } else {
      input.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({ block: "nearest" });
    }
  };

  const unchoose = () => {
    at = -1;
    options().forEach((option) => option.setAttribute("aria-selected", "false"));
    input.removeAttribute("aria-activedescendant");
  };

  const open = () => {
    found.hidden = !found.childElementCount;
    const isList = !found.hidden && options().length > 0;
    input.setAttribute("aria-expanded", String(isList));
    if (isList) input.setAttribute("aria-controls", input.dataset.found);
  };

  const close = () => {
    found.hidden = true;
    unchoose();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-controls");
  };

  // What arrives after the keyboard has gone on is not shown: it would lie over what is being done.
  found.addEventListener("htmx:afterSwap", () => {
    unchoose();
    if (form.contains(document.activeElement)) open();
  });

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isOpen = !found.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!isOpen) open();
      if (!options().length) return;
      event.preventDefault();
      choose(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1);
    } else if (event.key === "Enter" && isOpen && at >= 0) {
      event.preventDefault();
      options()[at].click();
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      close();
    }
  });

  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  // The mouse chooses without taking the keyboard away, or the list would be gone before the click.
  found.addEventListener("mousedown", (event) => event.preventDefault());
})();
