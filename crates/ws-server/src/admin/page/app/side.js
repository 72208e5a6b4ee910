// The pane beside a list, which is there only while something is chosen. What stands in it is made by others.

/** Opens and closes the pane; `closed` is called when somebody closes it. */
export class Side {
  #split;

  constructor(pane, closed) {
    this.#split = pane.closest(".split");
    pane.querySelector(".close").addEventListener("click", () => {
      this.close();
      closed();
    });
  }

  open() {
    this.#split.classList.add("has-detail");
  }

  close() {
    this.#split.classList.remove("has-detail");
  }
}

/** Closes the pane that is in sight, if there is one. */
export function closePane() {
  const button = [...document.querySelectorAll(".has-detail > .detail > .close")].find((it) => it.checkVisibility());
  button?.click();
  return Boolean(button);
}
