/** How a Chromium is started that nobody looks at. */
export const FLAGS = [
  "--headless=new",
  // It may run as root, and shared memory is small in containers.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  // It asks nobody else for anything.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
