// The browser shows a date in an order of its own: beside it stands which day that is, as everywhere else. Without this, nothing.
"use strict";

(() => {
  const form = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
    weekday: "short", day: "numeric", month: "short", year: "numeric", calendar: "gregory", numberingSystem: "latn",
  });
  const FIRST_YEAR = 1900; // below it a year is still being typed

  // `Wed 19 Aug 2026`: the order is Brim's own, whatever the language's is.
  function dayWords(date) {
    const parts = Object.fromEntries(form.formatToParts(date).map(({ type, value }) => [type, value]));
    return `${parts.weekday} ${parts.day} ${parts.month} ${parts.year}`;
  }

  // Whether a clock of that zone shows another time than this device does at the moment it is set to.
  function isElsewhere(zone, date) {
    try {
      return date.toLocaleString("en-GB", { timeZone: zone }) !== date.toLocaleString("en-GB");
    } catch {
      return true; // a zone that this browser does not know
    }
  }

  // What a date field holds, in words; nothing while it is no day.
  function momentWords(value) {
    const [day, time] = value.split("T");
    const date = new Date(`${day}T${time || "00:00"}`);
    if (!day || Number.isNaN(date.getTime()) || date.getFullYear() < FIRST_YEAR) return "";
    return time ? `${dayWords(date)}, ${time.slice(0, 5)}` : dayWords(date);
  }
  window.brimMomentWords = momentWords; // sheets.js

  function tell(output) {
    const input = document.getElementById(output.htmlFor[0]);
    if (!input) return;
    const moment = momentWords(input.value);
    const { zone } = input.dataset;
    const isZoned = moment && zone && input.value.includes("T") && isElsewhere(zone, new Date(input.value));
    output.value = isZoned ? output.dataset.zoned.replace("{moment}", moment).replace("{zone}", zone) : moment;
  }

  const all = () => document.querySelectorAll("output.day-said").forEach(tell);
  document.addEventListener("input", (event) => {
    if (!event.target.matches("input[type=date], input[type=datetime-local]")) return;
    for (const output of document.querySelectorAll("output.day-said")) {
      if (!output.htmlFor.contains(event.target.id)) continue;
      output.setAttribute("aria-live", "polite"); // read out what was typed, not what the page came with
      tell(output);
    }
  });
  document.addEventListener("htmx:afterSettle", all);
  addEventListener("pageshow", all); // also after Back, where the browser has put in what was typed
  all();
})();
