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

  // The server did not answer, or with an error: say so, and leave the page as it is.
  const unreached = document.getElementById("unreached");
  const tell = (words) => {
    if (!unreached) return;
    unreached.textContent = words;
    unreached.hidden = words === "";
  };
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, () => tell(document.body.dataset.unreached));
  }
  document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful !== false && navigator.onLine) tell(""); });
  addEventListener("offline", () => tell(unreached?.dataset.offline ?? ""));
  addEventListener("online", () => tell(""));
})();
