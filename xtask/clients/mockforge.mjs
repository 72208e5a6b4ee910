// Starts `mockforge` for scripts that are its upstream as well as its client.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Starts `program serve` with these arguments, and returns `ws://HOST:PORT/ws` and how to end it. */
export async function serve(program, ...serveArguments) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MOCKFORGE_"));
  const server = spawn(program, ["serve", "--ws-port", "0", "--log", "error", ...serveArguments], {
    env: Object.fromEntries(own),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await Promise.race([
    once(createInterface(server.stdout), "line"),
    once(server, "exit").then(([code]) => {
      throw new Error(`mockforge ended with ${code} instead of listening`);
    }),
  ]);
  return {
    url: line.replace("listening on ", ""),
    /** Ends it as an operator does, and returns its exit code. */
    async stop() {
      const exit = once(server, "exit");
      server.kill("SIGTERM");
      const [code] = await exit;
      return code;
    },
  };
}
