// Asks again and again while somebody looks: never two at once, never for a view that is not shown.

/** Calls `ask` now and each `interval` ms until `stop()`; a hidden tab asks nothing. */
export function polling(interval, ask) {
  let timer;
  let stopped = false;
  const turn = async () => {
    if (!document.hidden) {
      try {
        await ask();
      } catch {
        // Who asks says so where it is seen; the next turn may go better.
      }
    }
    if (!stopped) timer = setTimeout(turn, interval);
  };
  turn();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
