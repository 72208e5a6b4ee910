// Drives Chromium, headless, by its DevTools protocol over a pipe. The environment's CHROMIUM is the browser's program.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { FLAGS } from "./chromium_flags.mjs";

/** How long something may take to come true, in milliseconds. */
const PATIENCE = 30_000;

/** A browser of its own. */
export class Browser {
  #process;
  #profile = mkdtempSync(join(tmpdir(), "driven-"));
  #pipe;
  #next = 1;
  #waiting = new Map();
  #pages = new Map();

  constructor() {
    this.#process = spawn(
      process.env.CHROMIUM,
      [...FLAGS, "--remote-debugging-pipe", `--user-data-dir=${this.#profile}`, "about:blank"],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    const [, , , to, from] = this.#process.stdio;
    this.#pipe = to;
    let rest = "";
    from.setEncoding("utf8").on("data", (text) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop();
      for (const message of messages) this.#take(JSON.parse(message));
    });
    this.#process.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`Chromium ended with ${code}`));
    });
  }

  /** Opens `url` in a window of this size. The page that was opened last is seen; the others draw nothing. */
  async open(url, { width = 1400, height = 900 } = {}) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page((method, params) => this.send(method, params, sessionId));
    this.#pages.set(sessionId, page);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await page.send(`${domain}.enable`);
    await page.resize(width, height);
    await page.goTo(url);
    return page;
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    this.#pipe.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
  }

  async close() {
    if (this.#process.exitCode === null && this.#process.kill("SIGKILL")) {
      await once(this.#process, "exit");
    }
    try {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // Its own children may still write there: what is left is in the system's folder for such things.
    }
  }

  #take({ id, result, error, sessionId, method, params }) {
    const call = this.#waiting.get(id);
    if (call) {
      this.#waiting.delete(id);
      if (error) call.reject(new Error(`${call.method}: ${error.message}`));
      else call.resolve(result);
    } else if (sessionId) {
      this.#pages.get(sessionId)?.hear(method, params);
    }
  }
}

/** A page, and what went wrong in it. */
export class Page {
  /** Errors and warnings of the console, uncaught exceptions, and what the browser itself complains of. */
  problems = [];
  #loaded = () => {};

  constructor(send) {
    this.send = send;
  }

  hear(method, params) {
    if (method === "Page.loadEventFired") this.#loaded();
    if (method === "Runtime.exceptionThrown") {
      const { exceptionDetails } = params;
      this.problems.push(`exception: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    }
    if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) {
      this.problems.push(`console: ${params.args.map((it) => it.value ?? it.description).join(" ")}`);
    }
    if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level)) {
      this.problems.push(`${params.entry.source}: ${params.entry.text} ${params.entry.url ?? ""}`.trim());
    }
  }

  async goTo(url) {
    const loaded = new Promise((resolve) => (this.#loaded = resolve));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  /** Calls a function in the page with these arguments, and resolves to what it returns. */
  async evaluate(run, ...given) {
    const expression = `(${run})(...${JSON.stringify(given)})`;
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until the function returns something true in the page, and resolves to that. */
  async until(what, run, ...given) {
    const until = Date.now() + PATIENCE;
    for (;;) {
      const value = await this.evaluate(run, ...given);
      if (value) return value;
      if (Date.now() > until) throw new Error(`it did not come true within ${PATIENCE} ms: ${what}`);
      // Timers of pages that nobody sees are slow: it is waited here.
      await sleep(50);
    }
  }

  /** Waits for the element that `selector` finds, with this text in it, and clicks in its middle. */
  async click(selector, text = "") {
    const place = await this.until(
      `${selector} "${text}" can be clicked`,
      (selector, text) => {
        const element = [...document.querySelectorAll(selector)].find((it) => it.checkVisibility() && it.textContent.includes(text));
        if (!element || element.matches(":disabled")) return null;
        element.scrollIntoView({ block: "nearest" });
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      },
      selector,
      text,
    );
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, ...place, button: "left", clickCount: 1 });
    }
  }

  /** Types into what has the focus. */
  async type(text) {
    await this.send("Input.insertText", { text });
  }

  /** Presses a key, such as `Enter`, `ArrowDown` or `p`. */
  async press(key) {
    const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
    const windowsVirtualKeyCode = { Enter: 13, Tab: 9, Escape: 27, End: 35, Home: 36, ArrowUp: 38, ArrowDown: 40 }[key];
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, text, windowsVirtualKeyCode });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode });
  }

  /** Exchanges the text of a field. */
  async fill(selector, text) {
    await this.click(selector);
    await this.evaluate((selector) => [...document.querySelectorAll(selector)].find((it) => it.checkVisibility()).select(), selector);
    await this.type(text);
  }

  async resize(width, height) {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** The system's theme: `dark` or `light`. */
  async prefer(theme) {
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: theme }] });
  }

  /** Where files go that the page offers. */
  async downloadTo(folder) {
    await this.send("Page.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  }

  async screenshot(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    writeFileSync(file, Buffer.from(data, "base64"));
  }
}
