// Values of a picture: pointer and arrow keys move over its moments; what is there is shown beneath, and spoken.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

  function begin(figure) {
    const frame = figure.querySelector("[data-frame]");
    const source = figure.querySelector("script[type='application/json']");
    if (!frame || !source || figure.dataset.begun) return;
    const data = JSON.parse(source.textContent);
    if (!data.moments.length) return;
    figure.dataset.begun = "yes";
    const panel = figure.querySelector("[data-values]");
    const hint = figure.querySelector("[data-hint]");
    const cursor = frame.querySelector(".pic-svg").appendChild(document.createElementNS(SVG, "line"));
    const moments = data.moments;
    let place = -1;

    function words([, , values, note]) {
      const said = data.series.map((name, number) => values[number] && (name + " " + values[number]).trim()).filter(Boolean);
      return note ? [...said, note] : said;
    }

    function show(next) {
      next = Math.max(0, Math.min(moments.length - 1, next));
      if (next === place) return;
      place = next;
      const moment = moments[place];
      const said = words(moment);
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, moment[0] / 10 + "%");
      const title = document.createElement("strong");
      title.textContent = moment[1];
      panel.replaceChildren(title, ...said.map((part) => {
        const piece = document.createElement("span");
        piece.textContent = part;
        return piece;
      }));
      frame.setAttribute("aria-valuenow", place);
      frame.setAttribute("aria-valuetext", [moment[1], ...said].join("; "));
    }

    function nearest(event) {
      const box = frame.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * 1000;
      let best = 0;
      moments.forEach((moment, number) => {
        if (Math.abs(moment[0] - x) < Math.abs(moments[best][0] - x)) best = number;
      });
      show(best);
    }

    cursor.setAttribute("class", "pic-cursor");
    cursor.setAttribute("y1", "0");
    cursor.setAttribute("y2", "100%");
    const svg = frame.querySelector(".pic-svg");
    // What the picture says is said by the slider's own name from now on.
    frame.setAttribute("aria-label", svg.getAttribute("aria-label"));
    svg.setAttribute("aria-hidden", "true");
    frame.setAttribute("role", "slider");
    frame.setAttribute("tabindex", "0");
    frame.setAttribute("aria-valuemin", "0");
    frame.setAttribute("aria-valuemax", String(moments.length - 1));
    frame.setAttribute("aria-describedby", hint.id);
    panel.hidden = hint.hidden = false;
    frame.addEventListener("pointermove", nearest);
    frame.addEventListener("pointerdown", nearest);
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const ends = { Home: 0, End: moments.length - 1 };
      if (event.key in STEPS) show(place + STEPS[event.key]);
      else if (event.key in ends) show(ends[event.key]);
      else return;
      event.preventDefault();
    });
    show(data.start);
  }

  const all = (root) => root.querySelectorAll("[data-picture]").forEach(begin);
  all(document);
  document.addEventListener("htmx:afterSwap", () => all(document));
})();
