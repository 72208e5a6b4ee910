// A page in Chromium, headless, from a loopback origin. The environment's CHROMIUM is the browser's program.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FLAGS } from "./chromium_flags.mjs";

/**
 * Opens `page` in a browser of its own and resolves to the JSON that it posts to `/seen`. `onNews` is called with the JSON of
 * every other post.
 */
export async function visit(page, timeout, onNews = () => {}) {
  const [url, reported] = await serve(page, onNews);
  const profile = mkdtempSync(join(tmpdir(), "session-"));
  const browser = spawn(process.env.CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, url], { stdio: "ignore" });
  return Promise.race([
    reported,
    once(browser, "exit").then(([code]) => {
      throw new Error(`Chromium ended with ${code} before the page was done`);
    }),
    new Promise((_, reject) => {
      setTimeout(() => reject(new Error(`the page was not done within ${timeout} ms`)), timeout);
    }),
  ]).finally(async () => {
    if (browser.exitCode === null && browser.kill("SIGKILL")) {
      await once(browser, "exit");
    }
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // Its own children may still write there: what is left is in the system's folder for such things.
    }
  });
}

/** Serves the page on a free port and resolves to what it posts to `/seen`. */
async function serve(page, onNews) {
  let report;
  const reported = new Promise((resolve) => (report = resolve));
  const site = createServer(async (request, response) => {
    if (request.method === "POST") {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) {
        body += chunk;
      }
      (request.url === "/seen" ? report : onNews)(JSON.parse(body));
    }
    response.setHeader("content-type", "text/html");
    response.end(page);
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  return [`http://127.0.0.1:${site.address().port}/`, reported];
}
