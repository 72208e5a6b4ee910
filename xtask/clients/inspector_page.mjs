// Clients of a server, and what the inspector shows of them: used by the scripts that look at the inspector page.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Clients are sockets in a page of their own; what they heard is kept by their names. The page is one of the server that has
 * no policy: browsers ask people before a page from elsewhere comes to this machine.
 */
export class Clients {
  #page;

  static async open(browser, server) {
    const clients = new Clients();
    clients.#page = await browser.open(`${site(server)}health/live`);
    await clients.#page.evaluate(() => (globalThis.clients = {}));
    return clients;
  }

  connect(name, url) {
    return this.#page.evaluate(
      (name, url) => {
        const socket = new WebSocket(url);
        socket.binaryType = "arraybuffer";
        const client = (globalThis.clients[name] = { socket, heard: [], closed: null });
        socket.onmessage = ({ data }) => client.heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
        socket.onclose = ({ code, reason }) => (client.closed = [code, reason]);
        return new Promise((resolve, reject) => {
          socket.onopen = () => resolve(true);
          socket.onerror = () => reject(new Error(`${name} cannot connect`));
        });
      },
      name,
      url,
    );
  }

  say(name, text) {
    return this.#page.evaluate((name, text) => globalThis.clients[name].socket.send(text), name, text);
  }

  /** Says all of `texts` at once. */
  sayAll(name, texts) {
    return this.#page.evaluate((name, texts) => texts.forEach((text) => globalThis.clients[name].socket.send(text)), name, texts);
  }

  /** Waits until the client has heard this. */
  hears(name, message) {
    const wanted = JSON.stringify(message);
    return this.#page.until(
      `${name} hears ${wanted}`,
      (name, wanted) => globalThis.clients[name].heard.some((it) => JSON.stringify(it) === wanted),
      name,
      wanted,
    );
  }

  /** Waits until the client's connection is closed, and resolves to code and reason. */
  closed(name) {
    return this.#page.until(`${name} is closed`, (name) => globalThis.clients[name].closed, name);
  }
}

/** Where the page of a server is. */
export const site = (server) => server.url.replace(/^ws/, "http").replace(/ws$/, "__admin/");
/** The text of an element. */
export const shown = (page, selector) => page.evaluate((selector) => document.querySelector(selector).textContent, selector);

/** Waits for a text in an element that can be seen. */
export const sees = (page, selector, text) =>
  page.until(
    `${selector} says "${text}"`,
    (selector, text) => [...document.querySelectorAll(selector)].some((it) => it.checkVisibility() && it.textContent.includes(text)),
    selector,
    text,
  );

/** Waits until the page hears what happens. */
export const isLive = (page) => sees(page, "#stream-state", "Live");

/** Screenshots in both themes, for people to look at. */
export async function screenshots(page, folder, name) {
  for (const theme of ["light", "dark"]) {
    await page.prefer(theme);
    await sleep(200);
    await page.screenshot(join(folder, `${name}-${theme}.png`));
  }
}
