// Sets the colour scheme before the first paint, so that a dark page does not
// flash white. A file of its own because the content security policy may
// refuse inline scripts.
(function () {
  var kept = null;
  try {
    kept = localStorage.getItem("mantine-color-scheme-value");
  } catch (_) {
    /* storage may be blocked; the system's choice is used */
  }
  var dark = kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
