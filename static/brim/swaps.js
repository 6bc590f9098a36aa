// Parts of a page that are fetched and swapped in: sent with the form's token, announced, and focus follows.
"use strict";

(() => {
  const said = document.getElementById("said");

  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
  });

  // A log-in that has ended answers with another page than was asked for: go there, show it nowhere within this one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const came = xhr.responseURL && new URL(xhr.responseURL);
    if (came && came.pathname !== new URL(requestConfig.path, location.href).pathname && came.pathname.startsWith("/login")) {
      event.detail.shouldSwap = false;
      location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
  });

  // What was swapped in says what is to be read out (data-said) and where the keyboard goes on (data-focus).
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = event.detail.elt;
    const words = part.matches("[data-said]") ? part : part.querySelector("[data-said]");
    if (said && words) {
      said.textContent = "";
      requestAnimationFrame(() => { said.textContent = words.dataset.said || words.textContent.trim(); });
    }
    const next = part.matches("[data-focus]") ? part : part.querySelector("[data-focus]");
    if (next) {
      if (next.tabIndex < 0 && !next.hasAttribute("tabindex")) next.tabIndex = -1;
      next.focus();
    }
  });

  // What appears during a press (an answer to the field that was left for it, a list that has just been fetched) moves
  // what is pressed from under the mouse. It is pressed all the same, unless the mouse is drawn away from where it was.
  const NEAR = 10; // px
  addEventListener("pointerdown", (event) => {
    const pressed = event.target.closest("button, summary, a[hx-get]");
    if (!pressed || event.pointerType === "touch" || event.button !== 0) return;
    pressed.setPointerCapture(event.pointerId);
    const draw = (moved) => {
      const far = Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY);
      if (far > NEAR && pressed.hasPointerCapture(event.pointerId)) pressed.releasePointerCapture(event.pointerId);
    };
    pressed.addEventListener("pointermove", draw);
    pressed.addEventListener("lostpointercapture", () => pressed.removeEventListener("pointermove", draw), { once: true });
  });

  // The server did not answer, or with an error: say so, and leave the page as it is. Of what was sent to be done it may
  // have done all (`unknown`); that stays until the next answer to such a press, or until the page is loaded again.
  const unreached = document.getElementById("unreached");
  let isUnknown = false;
  const tell = (words) => {
    if (!unreached) return;
    unreached.textContent = words;
    unreached.hidden = words === "";
  };
  const tellUnlessUnknown = (words) => { if (!isUnknown) tell(words); };
  const isAsking = ({ requestConfig, elt }) => requestConfig.verb === "get" || Boolean(elt.closest("[data-asks]"));
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail }) => {
      const { status } = detail.xhr;
      const isRefused = status >= 400 && status < 500;
      if (isAsking(detail) || isRefused) return tellUnlessUnknown(document.body.dataset.unreached);
      isUnknown = true;
      tell(document.body.dataset.unknown);
    });
  }
  document.addEventListener("htmx:afterOnLoad", ({ detail }) => {
    if (detail.successful === false || !navigator.onLine) return;
    if (!isAsking(detail)) isUnknown = false;
    tellUnlessUnknown("");
  });
  addEventListener("offline", () => tellUnlessUnknown(unreached?.dataset.offline ?? ""));
  addEventListener("online", () => tellUnlessUnknown(""));
})();
