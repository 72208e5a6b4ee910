// A session of Chromium. Arguments: the addresses of a server that follows the rules of the survey, of a raw echo, of
// the default server, and of one that says "bye" and closes with 4002 "done". The environment's CHROMIUM is the
// browser's program.
//
// The page runs one plan after the other in the browser and posts what it saw; the checks are made here.

import { Checks } from "./checks.mjs";
import { visit } from "./chromium_page.mjs";

const [surveyUrl, rawUrl, interactiveUrl, closingUrl] = process.argv.slice(2);
const TIMEOUT = 60_000;
const messages = ["grüße", "", [0, 1, 255], "é".repeat(100_000)];

/** What the page does: open, send, wait for as many answers (or `answers`), then close with the code, if it has one. */
const plans = [
  { url: rawUrl, protocols: [], send: messages, code: 4000 },
  { url: interactiveUrl, protocols: [], send: ["hello", [0, 255]], code: 1000 },
  { url: rawUrl, protocols: ["chat.v2", "chat.v1"], send: [], code: 1000 },
  { url: closingUrl, protocols: [], send: [] },
  { url: surveyUrl, protocols: [], send: ["start", "Zoë", "old", "30", "5"], answers: 6, code: 1000 },
];

/** Runs in the page. Resolves, when the socket has closed, to all that was seen of it. */
function carryOut({ url, protocols, send, answers = send.length, code }) {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  const seen = { messages: [] };
  const closeIfDone = () => {
    if (code && seen.messages.length === answers) {
      socket.close(code, "enough");
    }
  };
  socket.onopen = () => {
    seen.protocol = socket.protocol;
    for (const message of send) {
      socket.send(typeof message === "string" ? message : new Uint8Array(message));
    }
    closeIfDone();
  };
  socket.onmessage = ({ data }) => {
    seen.messages.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
    closeIfDone();
  };
  return new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ ...seen, code, reason, wasClean });
  });
}

const page = `<!doctype html><meta charset="utf-8"><title>session</title><script type="module">
${carryOut}
const seen = [];
for (const plan of ${JSON.stringify(plans)}) {
  seen.push(await carryOut(plan));
}
await fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
</script>`;

const seen = await visit(page, TIMEOUT);

const [raw, interactive, offering, closing, survey] = seen;
const checks = new Checks();
checks.equal("text and binary come back as they were", raw.messages, messages);
checks.equal("no subprotocol is chosen when none is offered", raw.protocol, "");
checks.equal("the client's close code comes back", [raw.code, raw.wasClean], [4000, true]);
checks.equal("the default answers `echo: <text>`, and binary as it came", interactive.messages, [
  "echo: hello",
  [0, 255],
]);
checks.equal("the first subprotocol offered is chosen", offering.protocol, "chat.v2");
checks.equal("the server's last words arrive", closing.messages, ["bye"]);
checks.equal(
  "the server's close code and reason arrive",
  [closing.code, closing.reason, closing.wasClean],
  [4002, "done", true],
);
checks.equal("rules ask, and sum up", survey.messages, [
  "What is your name?",
  "Hello, Zoë. How old are you?",
  "Please answer with a number, Zoë.",
  "How do you like it, from 1 to 5?",
  "Thank you.",
  '{"name":"Zoë","age":30,"score":5}',
]);
checks.finish("Chromium");
