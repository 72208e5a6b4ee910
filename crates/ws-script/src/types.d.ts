// What a handler script of MockForge WS sees. This file stands beside the scripts, where editors find it by themselves.
// A script is told about a callback's arguments by a comment:
//
//     /** @type {OnMessage} */
//     export function onMessage(ctx, msg) { ctx.send(`echo: ${msg.text}`); }

/** What a script may export: at least one of the callbacks. */
interface Script {
    /**
     * Where it answers: `"/ws/chat"`, `"/ws/users/*"` (one segment), `"/ws/chat/**"` (this and all below), or an array of
     * them. If left out: `"/ws/**"`.
     */
    path?: string | string[];
    /**
     * What it speaks. The first subprotocol that a client offers and that is among them is chosen; a client that offers
     * none of them gets HTTP 400, and one that offers nothing comes in without.
     */
    subprotocols?: string | string[];
    /** Called once, before any message. An error closes the connection with code 1011. */
    onConnect?: OnConnect;
    /** Called for each text, binary, ping and pong, one after the other. An error is logged, and the connection lives. */
    onMessage?: OnMessage;
    /** Called once, whatever ended the connection. Nothing can be sent any more. */
    onDisconnect?: OnDisconnect;
    /** Asked about each message on its way to the client, whoever wrote it, but not about Close frames. It decides at once. */
    onOutbound?: OnOutbound;
}

type OnConnect = (ctx: Context) => void | Promise<void>;
type OnMessage = (ctx: Context, msg: Message) => void | Promise<void>;
type OnDisconnect = (ctx: Context, close: Close | null) => void | Promise<void>;
type OnOutbound = (ctx: Context, msg: OutboundMessage) => Verdict;

/** What `send` and `broadcast` take: text, bytes, or anything that JSON can write. */
type Sendable = string | ArrayBuffer | ArrayBufferView | number | boolean | null | object;

/** What `onOutbound` returns: nothing or `true` to pass the message on, `false` or `null` to drop it, or what goes on instead. */
type Verdict = void | boolean | null | Sendable | Sendable[];

/** A connection: the same object for all its calls. Hang your own properties on it; a reload keeps them as JSON. */
interface Context {
    /** Unique, and the same for the connection's whole life. */
    readonly id: string;
    /** The path that was asked for, decoded. */
    readonly path: string;
    /** The query, decoded; an array where a name comes more than once. */
    readonly query: Record<string, string | string[]>;
    /** Headers of the handshake, by lower-case names; values of one name are joined by `, `. */
    readonly headers: Record<string, string>;
    /** The subprotocol that was agreed on. */
    readonly subprotocol: string | null;
    /** Address and port of the client, where there are any. */
    readonly peer: string | null;
    /** The test that the connection belongs to, if it belongs to one. `state` is the same for all tests. */
    readonly testId: string | null;

    /** Sends text or bytes as they are, and all else as JSON. Awaiting it waits for a client that reads slowly. */
    send(value: Sendable): Promise<void>;
    /** Sends as text whatever it is given. */
    sendText(text: string): Promise<void>;
    /** Sends bytes. */
    sendBinary(data: ArrayBuffer | ArrayBufferView): Promise<void>;
    /** Sends a value as JSON, a string in quotes. */
    sendJson(value: Sendable): Promise<void>;
    /** Closes the connection after what was sent before. The code is 1000 if left out; a reason has 123 bytes at most. */
    close(code?: number, reason?: string): Promise<void>;
    /** Ends the connection without a Close frame: the client sees code 1006. */
    disconnect(): void;
    /** The handlers behind this one do not get this message. */
    stop(): void;
    /** Says that this message is what was expected: what counts messages that nobody expected leaves it out. */
    markMatched(): void;

    /** Enters a room. All paths share the rooms, and a connection leaves its rooms by itself when it ends. */
    join(room: string): Promise<void>;
    /** Leaves a room. */
    leave(room: string): Promise<void>;
    /** Sends to all members of a room, also to this connection if it is one. */
    broadcast(room: string, value: Sendable): Promise<void>;
    /** The rooms that this connection is in. */
    rooms(): Promise<string[]>;
    /** The ids of the connections that are in a room. */
    members(room: string): Promise<string[]>;
    /** `join`, as Rust handlers call it. */
    joinRoom(room: string): Promise<void>;
    /** `leave`, as Rust handlers call it. */
    leaveRoom(room: string): Promise<void>;
    /** `broadcast`, as Rust handlers call it. */
    broadcastToRoom(room: string, value: Sendable): Promise<void>;
    /** `rooms`, as Rust handlers call it. */
    getRooms(): Promise<string[]>;
    /** `members`, as Rust handlers call it. */
    getRoomMembers(room: string): Promise<string[]>;

    /** What is kept for this connection by that name, or `undefined`. Rules, other scripts and Rust handlers see the same. */
    getMetadata(name: string): Promise<any>;
    /** Keeps a value, as JSON, for this connection. */
    setMetadata(name: string, value: any): Promise<void>;

    /** As the global one, but always of this connection: for code that another connection wakes. */
    setTimeout(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
    /** As the global one, but always of this connection. */
    setInterval(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
    /** As the global one, but always of this connection. */
    sleep(delay?: number): Promise<void>;

    [own: string]: any;
}

/** A message from the client. */
interface Message {
    readonly type: "text" | "binary" | "ping" | "pong";
    /** Of a text message. */
    readonly text?: string;
    /** Of all others. */
    readonly data?: ArrayBuffer;
    /** The message as JSON, parsed once. Throws a SyntaxError if it is none. */
    json(): any;
    /** The message as text; bytes are read as UTF-8. */
    toString(): string;
}

/** A message on its way to the client. */
interface OutboundMessage extends Message {
    /** Who wrote it. */
    readonly origin: "client" | "handler" | "room" | "replay" | "rule" | "proxy" | "ai" | "script" | "admin" | "session";
}

/** How the side that closed first did it; `null` if there was no Close frame. */
interface Close {
    readonly code: number;
    readonly reason: string;
}

/** Shared by all connections and all versions of the script: a reload keeps it, as JSON. It begins as `{}`. */
declare var state: any;

/**
 * Calls a function after so many milliseconds, at least 1. A timer belongs to the connection whose turn it is, and ends with
 * it; at the top level of a script it belongs to the script.
 */
declare function setTimeout(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
/** Calls a function again and again. */
declare function setInterval(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
/** Ends a timer; one that is over or unknown is no error. */
declare function clearTimeout(id?: number): void;
/** Ends a timer; the same as `clearTimeout`. */
declare function clearInterval(id?: number): void;
/** Waits for so many milliseconds. */
declare function sleep(delay?: number): Promise<void>;
/** Calls a function when the present one has come to its end. */
declare function queueMicrotask(callback: () => void): void;

/** Expands the tokens `{{...}}` that replay files know. */
declare function template(text: string): string;
/** Made-up data: `faker.email()` is `template("{{faker.email}}")`. */
declare var faker: any;

/** Writes to the server's log: lines of 8 KiB at most, 1,000 of them in a second. */
declare var console: {
    /** At the level info. */
    log(...values: any[]): void;
    /** The same as `log`. */
    info(...values: any[]): void;
    /** At the level warn. */
    warn(...values: any[]): void;
    /** At the level error. */
    error(...values: any[]): void;
    /** At the level debug, which is not shown unless it is asked for. */
    debug(...values: any[]): void;
};

/** Chance. With the server's `--seed` it repeats. */
declare var crypto: {
    /** A random UUID, version 4. */
    randomUUID(): string;
    /** Fills an array, of 65,536 bytes at most, and gives it back. */
    getRandomValues<T extends ArrayBufferView>(array: T): T;
};

/** A deep copy. Functions and symbols cannot be copied. */
declare function structuredClone<T>(value: T): T;
/** Base64 of a text whose characters are bytes. */
declare function btoa(text: string): string;
/** The text of which base64 was made. */
declare function atob(text: string): string;

/** Makes bytes of text. */
declare class TextEncoder {
    readonly encoding: "utf-8";
    encode(text?: string): Uint8Array;
}

/** Makes text of bytes; it knows UTF-8 alone, and leaves out a byte order mark. */
declare class TextDecoder {
    /** With `fatal`, bytes that are no UTF-8 are a TypeError; else they become U+FFFD. */
    constructor(label?: "utf-8" | "utf8", options?: { fatal?: boolean });
    readonly encoding: "utf-8";
    readonly fatal: boolean;
    decode(data?: ArrayBuffer | ArrayBufferView): string;
}
