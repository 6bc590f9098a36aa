// Forms work without this; with it they show the hourly dose while it is typed, only the rows a mode has, and are sent once.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);

  // What is wrong is read first, and its links are the next to reach.
  document.querySelector("[data-wrong]")?.focus();

  for (const part of document.querySelectorAll("[data-shown-for]")) {
    const choice = byId(part.dataset.shownFor);
    const values = part.dataset.values.split(" ");
    const show = () => { part.hidden = !values.includes(choice.value); };
    choice.addEventListener("change", show);
    show();
  }

  const dose = byId("id_daily_dose_mcg") ?? byId("id_dose-daily_dose_mcg");
  const hourly = byId("hourly");
  if (dose && hourly) {
    const unit = hourly.dataset.unit ?? "mcg/h";
    const tell = () => {
      const text = dose.value.trim();
      const value = /^[1-9]\d{0,2}(,\d{3})+$/.test(text) ? NaN : Number(text.replace(",", "."));
      const perHour = Number((value / 24).toFixed(3));
      hourly.textContent = text && value > 0 ? `= ${perHour} ${unit}` : "";
    };
    dose.addEventListener("input", tell);
    tell();
  }

  for (const list of document.querySelectorAll("[data-rows]")) {
    const prefix = list.dataset.rows;
    const total = byId(`id_${prefix}-TOTAL_FORMS`);
    const rows = list.querySelector(".rows");
    list.querySelector("button[name=more]").addEventListener("click", (event) => {
      event.preventDefault();
      const count = Number(total.value);
      const row = rows.lastElementChild.cloneNode(true);
      row.querySelectorAll(".entry-error").forEach((error) => error.remove());
      for (const part of row.querySelectorAll("input, select, label, output")) {
        for (const name of ["id", "name", "for"]) {
          const value = part.getAttribute(name);
          if (value) part.setAttribute(name, value.replace(`${prefix}-${count - 1}-`, `${prefix}-${count}-`));
        }
        if (part.matches("label")) part.textContent = part.textContent.replace(String(count), String(count + 1));
        else {
          part.value = "";
          part.classList.remove("is-invalid");
          part.removeAttribute("aria-invalid");
          part.removeAttribute("aria-describedby");
        }
      }
      rows.append(row);
      total.value = String(count + 1);
      row.querySelector("input").focus();
    });
  }

  for (const form of document.querySelectorAll("form[data-once]")) {
    let isSent = false;
    form.addEventListener("submit", (event) => {
      if (isSent) event.preventDefault();
      isSent = true;
    });
    // Coming back with the browser's own button finds the form ready again.
    addEventListener("pageshow", () => { isSent = false; });
  }

  document.querySelector(".said-error, .doubts")?.scrollIntoView({ block: "center" });
})();
