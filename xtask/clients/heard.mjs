// Everything that a socket of npm's `ws` hears, kept from the first moment: nothing can come before anybody listens.

const TIMEOUT = 10_000;

/** Text as a string, binary as a list of bytes. */
const readable = (data, isBinary) => (isBinary ? [...data] : data.toString());

const KINDS = {
  open: () => true,
  message: readable,
  ping: (data) => data.toString(),
  pong: (data) => data.toString(),
  close: (code, reason) => [code, reason.toString()],
  error: (error) => error.code ?? error.message,
};

export class Heard {
  #waiting = [];

  constructor(socket) {
    this.socket = socket;
    for (const [kind, read] of Object.entries(KINDS)) {
      this[kind] = [];
      socket.on(kind, (...values) => {
        this[kind].push(read(...values));
        this.#waiting.forEach((look) => look());
      });
    }
  }

  /** The `count`th event of this kind, counted from 1; an error if it does not come in time. */
  async nth(kind, count = 1) {
    const list = this[kind];
    if (list.length < count) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const { message, close, error } = this;
          reject(new Error(`no ${kind} within ${TIMEOUT} ms, but ${JSON.stringify({ message, close, error })}`));
        }, TIMEOUT);
        const look = () => {
          if (list.length >= count) {
            clearTimeout(timer);
            this.#waiting = this.#waiting.filter((it) => it !== look);
            resolve();
          }
        };
        this.#waiting.push(look);
      });
    }
    return list[count - 1];
  }
}
