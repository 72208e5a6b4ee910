// Runs before the page is painted, so that it does not flash in the other theme. Everything else is in modules.

(() => {
  let chosen = "";
  try {
    chosen = localStorage.getItem("mockforge-theme") ?? "";
  } catch {
    // No storage: the system's theme it is.
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
})();
