// What a person needs to know when a passkey cannot work here, or did not.
"use strict";

(() => {
  const note = document.getElementById("needs-a-name");
  if (note && /^[\d.]+$|:/.test(location.hostname)) {
    note.hidden = false;
    const link = note.querySelector("a");
    link.href = location.href.replace(location.hostname, "localhost");
  }

  const words = document.currentScript.dataset; // in the page's language
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const door = document.querySelector(".door");
    let told = document.getElementById("passkey-told");
    if (!told) {
      told = document.createElement("p");
      told.id = "passkey-told";
      told.className = "said said-error";
      told.setAttribute("role", "alert");
      door.prepend(told);
    }
    const reason = event.detail.exception?.name;
    told.textContent = reason === "NotAllowedError" ? words.unused : words.broken;
  });
})();
