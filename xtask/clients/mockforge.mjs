// Starts `mockforge` for scripts that are its upstream as well as its client, or that it judges.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts `program serve` with these arguments, and returns `ws://HOST:PORT/ws`, its process, and how to end it. */
export async function serve(program, ...serveArguments) {
  const { server, url } = await start(program, serveArguments, "inherit");
  return {
    url,
    pid: server.pid,
    /** Ends it as an operator does, and returns its exit code. */
    async stop() {
      const exit = once(server, "exit");
      server.kill("SIGTERM");
      const [code] = await exit;
      return code;
    },
  };
}

/**
 * Starts `program serve --exit-on-complete` with these arguments, and returns `ws://HOST:PORT/ws` and what comes of it:
 * its exit code, and what it says on stderr.
 */
export async function judge(program, ...serveArguments) {
  const { server, url } = await start(program, [...serveArguments, "--exit-on-complete"], "pipe");
  const said = server.stderr.setEncoding("utf8").toArray();
  const ended = once(server, "exit").then(async ([code]) => ({ code, said: (await said).join("") }));
  return { url, ended };
}

async function start(program, serveArguments, stderr) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MOCKFORGE_"));
  const server = spawn(program, ["serve", "--ws-port", "0", "--log", "error", ...serveArguments], {
    env: Object.fromEntries(own),
    stdio: ["ignore", "pipe", stderr],
  });
  const [line] = await Promise.race([
    once(createInterface(server.stdout), "line"),
    once(server, "exit").then(([code]) => {
      throw new Error(`mockforge ended with ${code} instead of listening`);
    }),
  ]);
  return { server, url: line.replace("listening on ", "") };
}
