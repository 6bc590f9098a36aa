// What a person needs to know when a passkey cannot work here, or did not.
"use strict";

(() => {
  const note = document.getElementById("needs-a-name");
  if (note && /^[\d.]+$|:/.test(location.hostname)) {
    note.hidden = false;
    const link = note.querySelector("a");
    link.href = location.href.replace(location.hostname, "localhost");
  }

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
    told.textContent = reason === "NotAllowedError"
      ? "No passkey was used: you cancelled, or there is none for Brim on this device. Try again, or go on without it."
      : "The passkey does not work here. Go on without it.";
  });
})();
