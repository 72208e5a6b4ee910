// What a handler script of MockForge WS sees. Put this file beside the scripts; editors find it by themselves.
//
// A script exports any of:
//     path           "/ws/chat", "/ws/users/*", "/ws/**", or an array of them; "/ws/**" if it is left out
//     subprotocols   the first one that a client offers and that is among them is chosen
//     onConnect      called once, before any message
//     onMessage      called for each message, one after the other
//     onDisconnect   called once, whatever ended the connection
//     onOutbound     asked about each message on its way to the client, whoever wrote it

/** What `send` and `broadcast` take: text, bytes, or anything that JSON can write. */
type Sendable = string | ArrayBuffer | ArrayBufferView | number | boolean | null | object;

/** A connection: the same object for all its calls. Hang your own properties on it. */
interface Context {
    /** Unique, and the same for the connection's whole life. */
    readonly id: string;
    /** The path that was asked for, decoded. */
    readonly path: string;
    /** The query, decoded; an array where a name comes more than once. */
    readonly query: Record<string, string | string[]>;
    /** Headers of the handshake, by lower-case names. */
    readonly headers: Record<string, string>;
    readonly subprotocol: string | null;
    /** Address and port of the client, where there are any. */
    readonly peer: string | null;

    /** Sends text or bytes as they are, and all else as JSON. Awaiting it waits for clients that read slowly. */
    send(value: Sendable): Promise<void>;
    sendText(text: string): Promise<void>;
    sendBinary(data: ArrayBuffer | ArrayBufferView): Promise<void>;
    sendJson(value: Sendable): Promise<void>;
    /** Closes the connection after what was sent before. */
    close(code?: number, reason?: string): Promise<void>;
    /** Ends the connection without a Close frame: the client sees code 1006. */
    disconnect(): void;
    /** The handlers behind this one do not get this message. */
    stop(): void;
    /** Says that this message is what the script expects. */
    markMatched(): void;

    join(room: string): Promise<void>;
    leave(room: string): Promise<void>;
    /** Sends to all members of a room, also to this connection if it is one. */
    broadcast(room: string, value: Sendable): Promise<void>;
    /** The rooms that this connection is in. */
    rooms(): Promise<string[]>;
    /** The ids of the connections that are in a room. */
    members(room: string): Promise<string[]>;
    joinRoom(room: string): Promise<void>;
    leaveRoom(room: string): Promise<void>;
    broadcastToRoom(room: string, value: Sendable): Promise<void>;
    getRooms(): Promise<string[]>;
    getRoomMembers(room: string): Promise<string[]>;

    /** A value that is kept for this connection; Rust handlers see the same. */
    getMetadata(name: string): Promise<any>;
    setMetadata(name: string, value: any): Promise<void>;

    /** As the global ones, but always of this connection: for code that another connection wakes. */
    setTimeout(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
    setInterval(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
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
    /** The message as text. */
    toString(): string;
}

/** A message on its way to the client. */
interface OutboundMessage extends Message {
    /** Who wrote it. */
    readonly origin: "client" | "handler" | "room" | "replay" | "rule" | "proxy" | "ai" | "script" | "admin" | "session";
}

/** How a connection was closed. */
interface Close {
    readonly code: number;
    readonly reason: string;
}

/** What `onOutbound` returns: nothing or true to pass it on, false or null to drop it, or what goes on instead. */
type Verdict = void | boolean | null | Sendable | Sendable[];

type OnConnect = (ctx: Context) => void | Promise<void>;
type OnMessage = (ctx: Context, msg: Message) => void | Promise<void>;
type OnDisconnect = (ctx: Context, close: Close | null) => void | Promise<void>;
type OnOutbound = (ctx: Context, msg: OutboundMessage) => Verdict;

/** Kept while the script runs, and through reloads as JSON. All connections share it. */
declare var state: any;

/** Timers belong to the connection whose turn it is, and end with it. At the top level they belong to the script. */
declare function setTimeout(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
declare function setInterval(callback: (...args: any[]) => void, delay?: number, ...args: any[]): number;
declare function clearTimeout(id?: number): void;
declare function clearInterval(id?: number): void;
/** Waits for so many milliseconds. */
declare function sleep(delay?: number): Promise<void>;
declare function queueMicrotask(callback: () => void): void;

/** Expands `{{...}}` as replay files do. */
declare function template(text: string): string;
/** `faker.email()` is `template("{{faker.email}}")`. */
declare var faker: any;

/** Writes to the server's log. */
declare var console: Record<"log" | "info" | "warn" | "error" | "debug", (...values: any[]) => void>;
declare var crypto: {
    randomUUID(): string;
    getRandomValues<T extends ArrayBufferView>(array: T): T;
};

declare function structuredClone<T>(value: T): T;
declare function btoa(text: string): string;
declare function atob(text: string): string;
declare class TextEncoder {
    readonly encoding: "utf-8";
    encode(text?: string): Uint8Array;
}
declare class TextDecoder {
    constructor(label?: "utf-8" | "utf8", options?: { fatal?: boolean });
    readonly encoding: "utf-8";
    readonly fatal: boolean;
    decode(data?: ArrayBuffer | ArrayBufferView): string;
}
