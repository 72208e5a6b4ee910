// The numbers of a server that keeps no journal, and so has no stream to tell them: taken from its list of connections.

import { read } from "./api.js";

const MOST_LISTED = 10_000;
const nothing = () => ({ frames: 0, bytes: 0 });

/** Numbers of the shape in which the stream tells them. */
export class Pulse {
  #before = new Map();
  #received = nothing();
  #sent = nothing();

  /** What is true now. Traffic is counted from the first time on, for connections that are open when it is asked. */
  async now() {
    const { connections, total } = await read("connections", { limit: MOST_LISTED }, "*");
    const seen = new Map();
    for (const { id, received, sent } of connections) {
      const before = this.#before.get(id) ?? { received: nothing(), sent: nothing() };
      addTo(this.#received, received, before.received);
      addTo(this.#sent, sent, before.sent);
      seen.set(id, { received, sent });
    }
    this.#before = seen;
    return {
      at: new Date().toISOString(),
      connections: total,
      received: { ...this.#received },
      sent: { ...this.#sent },
      handled_us: null,
      evicted: 0,
      reload: await read("reload"),
    };
  }
}

function addTo(sum, now, before) {
  sum.frames += now.frames - before.frames;
  sum.bytes += now.bytes - before.bytes;
}
