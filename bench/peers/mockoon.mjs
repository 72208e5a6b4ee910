// Peer: the server of Mockoon, as its command line runs it. Each path returns each message; told a file, it sends that file's
// texts to every connection instead, over and over, as often as Mockoon sends anything.
// Arguments: the folder whose node_modules holds `@mockoon/commons-server`; the file.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";

const [folder, file] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { MockoonServer } = require("@mockoon/commons-server");
const { BuildEnvironment, BuildHTTPRoute, BuildRouteResponse } = require("@mockoon/commons");

// It cannot say which port it was given.
const port = await new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});

const response = (body, disableTemplating) => ({ ...BuildRouteResponse(), body, disableTemplating });
const echo = { streamingMode: null, responses: [{ ...response("{{body}}", false), default: true }] };
const replay = () => {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return {
    streamingMode: "UNICAST",
    streamingInterval: 0,
    responseMode: "SEQUENTIAL",
    responses: lines.map((line) => response(JSON.parse(line).text, true)),
  };
};

const route = {
  ...BuildHTTPRoute(false),
  type: "ws",
  method: "",
  endpoint: "ws/:path",
  ...(file ? replay() : echo),
};
const environment = {
  ...BuildEnvironment({ hasDefaultHeader: false, hasDefaultRoute: false }),
  hostname: "127.0.0.1",
  port,
  routes: [route],
  rootChildren: [{ type: "route", uuid: route.uuid }],
};

const server = new MockoonServer(environment, { envVarsPrefix: "MOCKOON_" });
server.on("error", (code, error) => {
  console.error(code, error);
  process.exit(1);
});
server.on("started", () => console.log(`listening on ws://127.0.0.1:${port}/`));
server.start();
