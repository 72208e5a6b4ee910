// `mockforge load` against a server that counts for itself: the counts are the same, and a server that is stopped shows.
// Arguments: the program, the server's address and process id, and what the server is: `ws` and `bun` count by path, `mockforge`
// (with --raw-echo) at /metrics.

import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Checks } from "./checks.mjs";

const [program, url, pid, kind] = process.argv.slice(2);
const checks = new Checks();
const http = url.replace("ws:", "http:");

/** What the server has counted so far. */
async function counted(path) {
  if (kind !== "mockforge") return (await fetch(http + "/counts" + path)).json();
  const lines = (await (await fetch(new URL("/metrics", http))).text()).split("\n");
  const sum = (name) =>
    lines.filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  return {
    connections: sum("mockforge_ws_connections_total"),
    received: sum("mockforge_ws_messages_received_total"),
    sent: sum("mockforge_ws_messages_sent_total"),
    closed: sum('mockforge_ws_connection_duration_seconds_count{status="client_close"}'),
  };
}

/** Runs a load; gives back its exit code, its report, and what the server has counted of it. */
async function load(path, ...flags) {
  const before = await counted(path);
  const { code, stdout, stderr } = await new Promise((resolve) => {
    const target = kind === "mockforge" ? url : url + path;
    execFile(program, ["load", target, "--json", "-", ...flags], { maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
  if (!stdout) throw new Error(`no report: ${stderr}`);
  const report = JSON.parse(stdout);
  const deadline = Date.now() + 10_000;
  for (;;) {
    const after = await counted(path);
    const server = Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));
    // A server may notice the end of a connection after its client has.
    if (server.closed === report.metrics.ws_sessions.count || Date.now() > deadline) return { code, report, server };
    await sleep(20);
  }
}

const count = ({ report }, name) => report.metrics[name].count;
const p = ({ report }, name) => report.metrics.ws_round_trip[name];

{
  const run = await load("/echo?closed", "-c", "200", "-n", "100", "--check", "same", "--fail-if", "lost>0");
  checks.equal("closed model: the server's counts", run.server, {
    connections: 200,
    received: 20_000,
    sent: 20_000,
    closed: 200,
  });
  checks.equal(
    "closed model: sent, received, answered, lost, sessions",
    ["ws_msgs_sent", "ws_msgs_received", "ws_msgs_answered", "ws_msgs_lost", "ws_sessions"].map((n) => count(run, n)),
    [20_000, 20_000, 20_000, 0, 200],
  );
  checks.equal("closed model: checks, close codes, exit code", [
    run.report.metrics.checks.passes,
    run.report.close_codes,
    run.code,
  ], [20_000, { 1000: 200 }, 0]);
}
{
  const run = await load("/echo?large", "-c", "10", "-n", "50", "--size", "100KiB", "--binary", "--check", "same");
  checks.equal("large binary messages: counts, checks", [
    run.server,
    run.report.metrics.checks.passes,
    run.report.metrics.data_received.count,
  ], [{ connections: 10, received: 500, sent: 500, closed: 10 }, 500, 500 * 100 * 1024]);
}
{
  const run = await load("/echo?open", "-c", "100", "--rate", "5000", "-d", "4s");
  const sent = count(run, "ws_msgs_sent");
  checks.equal(
    "open model: all that was due was sent, the server's counts are ours",
    [Math.abs(sent + count(run, "dropped_iterations") - 20_000) <= 10, run.server],
    [true, { connections: 100, received: sent, sent: count(run, "ws_msgs_received"), closed: 100 }],
  );
  checks.equal("open model: all are answered", count(run, "ws_msgs_answered"), sent);
}
{
  const run = await load("/echo?churn", "-c", "20", "-n", "100", "--keep", "10");
  checks.equal("churn: each connection is closed after ten messages", [run.server, count(run, "ws_sessions")], [
    { connections: 200, received: 2_000, sent: 2_000, closed: 200 },
    200,
  ]);
}
// An echo is no room.
if (kind !== "mockforge") {
  const run = await load("/room?broadcast", "-c", "50", "--broadcast", "--rate", "200", "-d", "2s");
  const sent = count(run, "ws_msgs_sent");
  checks.equal(
    "broadcast: all hear each message once",
    [run.server.received, run.server.sent, ...["ws_msgs_answered", "ws_msgs_lost", "ws_msgs_doubled"].map((n) => count(run, n))],
    [sent, sent * 50, sent * 50, 0, 0],
  );
}

/** The same while the server stands still for two seconds. */
async function stalled(path, ...flags) {
  const running = load(path, "-c", "10", "-d", "8s", "--fail-if", "p99.9>1s", ...flags);
  await sleep(3_000);
  process.kill(Number(pid), "SIGSTOP");
  await sleep(2_000);
  process.kill(Number(pid), "SIGCONT");
  return running;
}
// Of one server: it is our clock that is tested.
if (kind === "ws") {
  const run = await stalled("/echo?stalled-open", "--rate", "1000");
  checks.equal("open model: a stall of 2 s is in p99.9, and fails", [p(run, "p(99.9)") > 1_800, run.code], [true, 1]);
  checks.equal("open model: nothing is lost by it", [
    count(run, "ws_msgs_lost"),
    run.server.received,
  ], [0, count(run, "ws_msgs_sent")]);
  const closed = await stalled("/echo?stalled-closed", "--think", "2ms");
  checks.equal("closed model: the same stall is in the maximum only", [
    p(closed, "max") > 1_800,
    p(closed, "p(99)") < 1_000,
  ], [true, true]);
}

checks.finish(`mockforge load against ${kind}`);
