// What scripts see beside the language: built on a few native functions that only this closure holds.
// It is evaluated before a script, so what the script does to globals and prototypes afterwards harms nobody else.
(native) => {
    "use strict";
    const { Array, ArrayBuffer, Error, JSON, Map, Math, Object, Promise, Proxy, RangeError, Reflect, Set, String, TypeError, Uint8Array, WeakMap } =
        globalThis;
    const { parse, stringify } = JSON;
    const call = Function.prototype.call;
    const then = call.bind(Promise.prototype.then);
    const toWellFormed = call.bind(String.prototype.toWellFormed);
    const define = (object, properties) => {
        for (const [name, value] of Object.entries(properties)) {
            Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
        }
    };

    // One for all sends that need not wait.
    const DONE = Object.freeze(Promise.resolve());

    const text = (value, what) => {
        if (typeof value !== "string") throw new TypeError(`${what} is a string, not ${value === null ? "null" : typeof value}`);
        return toWellFormed(value);
    };
    const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
    const bytes = (value) =>
        value instanceof ArrayBuffer
            ? [value, 0, value.byteLength]
            : [value.buffer, value.byteOffset, value.byteLength];
    const json = (value) => {
        const written = stringify(value);
        if (written === undefined) throw new TypeError(`a ${typeof value} cannot be sent: only text, bytes and what JSON can write`);
        return toWellFormed(written);
    };
    const callable = (value, what) => {
        if (typeof value !== "function") throw new TypeError(`${what} wants a function, not ${typeof value}`);
        return value;
    };

    const startTimer = (key, what, callback, delay, args, repeats) => {
        callable(callback, what);
        return native.startTimer(key, args.length === 0 ? callback : () => callback(...args), +delay, repeats);
    };
    const startSleep = (key, delay) => new Promise((resolve) => native.startTimer(key, resolve, +delay, false));

    class Context {
        #key;
        #facts;
        constructor(key) {
            this.#key = key;
        }
        get #known() {
            return (this.#facts ??= parse(native.facts(this.#key)));
        }
        get id() { return this.#known.id; }
        get path() { return this.#known.path; }
        get query() { return this.#known.query; }
        get headers() { return this.#known.headers; }
        get subprotocol() { return this.#known.subprotocol; }
        get peer() { return this.#known.peer; }
        get testId() { return this.#known.testId; }

        send(value) {
            if (typeof value === "string") return native.sendText(this.#key, toWellFormed(value)) ?? DONE;
            return isBytes(value) ? this.sendBinary(value) : this.sendJson(value);
        }
        sendText(value) {
            return native.sendText(this.#key, toWellFormed(`${value}`)) ?? DONE;
        }
        sendBinary(value) {
            if (!isBytes(value)) throw new TypeError("sendBinary wants an ArrayBuffer or a typed array");
            return native.sendBinary(this.#key, ...bytes(value)) ?? DONE;
        }
        sendJson(value) {
            return native.sendText(this.#key, json(value)) ?? DONE;
        }
        close(code = 1000, reason = "") {
            return native.close(this.#key, +code, text(reason, "the reason")) ?? DONE;
        }
        disconnect() { native.disconnect(this.#key); }
        stop() { native.mark(this.#key, "stopped"); }
        markMatched() { native.mark(this.#key, "matched"); }

        joinRoom(room) { return native.join(this.#key, text(room, "a room")); }
        leaveRoom(room) { return native.leave(this.#key, text(room, "a room")); }
        broadcastToRoom(room, value) {
            text(room, "a room");
            if (isBytes(value)) return native.broadcastBinary(this.#key, room, ...bytes(value));
            return native.broadcastText(this.#key, room, typeof value === "string" ? toWellFormed(value) : json(value));
        }
        getRooms() { return native.rooms(this.#key); }
        getRoomMembers(room) { return native.members(this.#key, text(room, "a room")); }
        join(room) { return this.joinRoom(room); }
        leave(room) { return this.leaveRoom(room); }
        broadcast(room, value) { return this.broadcastToRoom(room, value); }
        rooms() { return this.getRooms(); }
        members(room) { return this.getRoomMembers(room); }

        getMetadata(name) {
            return then(native.getMetadata(this.#key, text(name, "a name")), (written) => (written === undefined ? undefined : parse(written)));
        }
        setMetadata(name, value) { return native.setMetadata(this.#key, text(name, "a name"), json(value)); }

        setTimeout(callback, delay = 0, ...args) { return startTimer(this.#key, "setTimeout", callback, delay, args, false); }
        setInterval(callback, delay = 0, ...args) { return startTimer(this.#key, "setInterval", callback, delay, args, true); }
        sleep(delay = 0) { return startSleep(this.#key, delay); }

        get [Symbol.toStringTag]() { return "Context"; }
    }

    class Message {
        #json;
        type;
        constructor(type, payload) {
            this.type = type;
            if (typeof payload === "string") this.text = payload;
            else this.data = payload;
        }
        json() {
            return (this.#json ??= { value: parse(this.toString()) }).value;
        }
        toString() {
            return this.text ?? native.decode(...bytes(this.data), false);
        }
    }

    // What console.log makes of a value.
    const inspect = (value, depth, seen) => {
        switch (typeof value) {
            case "string": return depth === 0 ? value : stringify(value);
            case "function": return `[function ${value.name || "anonymous"}]`;
            case "bigint": return `${value}n`;
            case "object": break;
            default: return String(value);
        }
        if (value === null) return "null";
        if (value instanceof Error) return `${value.name}: ${value.message}\n${value.stack ?? ""}`.trimEnd();
        if (seen.includes(value)) return "[circular]";
        if (depth > 4) return Array.isArray(value) ? "[...]" : "{...}";
        const inner = (item) => inspect(item, depth + 1, [...seen, value]);
        const list = (items) => items.slice(0, 100).map(inner).join(", ") + (items.length > 100 ? `, ... ${items.length - 100} more` : "");
        if (Array.isArray(value)) return `[${list(value)}]`;
        if (value instanceof Map) return `Map {${[...value].slice(0, 100).map(([key, item]) => `${inner(key)} => ${inner(item)}`).join(", ")}}`;
        if (value instanceof Set) return `Set {${list([...value])}}`;
        if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
        if (value instanceof RegExp) return String(value);
        if (value instanceof Promise) return "Promise {}";
        if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
        if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength})`;
        const entries = Object.entries(value);
        const shown = entries.slice(0, 100).map(([name, item]) => `${name}: ${inner(item)}`);
        if (entries.length > 100) shown.push(`... ${entries.length - 100} more`);
        return `{${shown.join(", ")}}`;
    };
    const log = (level) => (...values) => native.log(level, toWellFormed(values.map((value) => inspect(value, 0, [])).join(" ")));

    const clone = (value, seen) => {
        if (typeof value === "function" || typeof value === "symbol") throw new TypeError(`a ${typeof value} cannot be cloned`);
        if (typeof value !== "object" || value === null) return value;
        if (seen.has(value)) return seen.get(value);
        const copy = (made, fill) => {
            seen.set(value, made);
            fill?.(made);
            return made;
        };
        if (value instanceof ArrayBuffer) return copy(value.slice(0));
        if (ArrayBuffer.isView(value)) {
            const buffer = clone(value.buffer, seen);
            return copy(new value.constructor(buffer, value.byteOffset, value.length ?? value.byteLength));
        }
        if (Array.isArray(value)) return copy([], (made) => value.forEach((item, n) => { made[n] = clone(item, seen); }));
        if (value instanceof Map) return copy(new Map(), (made) => value.forEach((item, name) => made.set(clone(name, seen), clone(item, seen))));
        if (value instanceof Set) return copy(new Set(), (made) => value.forEach((item) => made.add(clone(item, seen))));
        if (value instanceof Date) return copy(new Date(value.getTime()));
        if (value instanceof RegExp) return copy(new RegExp(value.source, value.flags));
        if (value instanceof Error) return copy(new Error(value.message), (made) => { made.name = value.name; made.stack = value.stack; });
        return copy({}, (made) => { for (const name of Object.keys(value)) made[name] = clone(value[name], seen); });
    };

    const faker = (path) =>
        new Proxy(function () {}, {
            get: (_, name) => (typeof name === "string" ? faker(`${path}.${name}`) : undefined),
            apply: () => {
                const token = `{{${path}}}`;
                const value = native.template(token);
                if (value === token) throw new TypeError(`${path} is not known`);
                return value;
            },
        });

    const NONE = undefined;
    define(globalThis, {
        setTimeout: (callback, delay = 0, ...args) => startTimer(NONE, "setTimeout", callback, delay, args, false),
        setInterval: (callback, delay = 0, ...args) => startTimer(NONE, "setInterval", callback, delay, args, true),
        clearTimeout: (id) => native.clearTimer(+id),
        clearInterval: (id) => native.clearTimer(+id),
        sleep: (delay = 0) => startSleep(NONE, delay),
        console: Object.freeze({ log: log("info"), info: log("info"), warn: log("warn"), error: log("error"), debug: log("debug") }),
        crypto: Object.freeze({
            randomUUID: () => native.uuid(),
            getRandomValues: (array) => {
                if (!ArrayBuffer.isView(array)) throw new TypeError("getRandomValues wants a typed array");
                if (array.byteLength > 65536) throw new RangeError("getRandomValues fills at most 65536 bytes at a time");
                new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(new Uint8Array(native.randomBytes(array.byteLength)));
                return array;
            },
        }),
        template: (source) => native.template(text(source, "a template")),
        faker: faker("faker"),
        structuredClone: (value) => clone(value, new Map()),
        TextEncoder: class TextEncoder {
            get encoding() { return "utf-8"; }
            encode(source = "") { return new Uint8Array(native.encode(toWellFormed(`${source}`))); }
        },
        TextDecoder: class TextDecoder {
            #fatal;
            constructor(label = "utf-8", { fatal = false } = {}) {
                if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8 only, not ${label}`);
                this.#fatal = !!fatal;
            }
            get encoding() { return "utf-8"; }
            get fatal() { return this.#fatal; }
            decode(data) { return data === undefined ? "" : native.decode(...bytes(data), this.#fatal); }
        },
    });
    define(Math, { random: () => native.random() });
    delete globalThis.SharedArrayBuffer;
    delete globalThis.Atomics;

    const outgoing = (value) => {
        if (typeof value === "string") return toWellFormed(value);
        if (!isBytes(value)) return json(value);
        const [buffer, start, length] = bytes(value);
        return buffer.slice(start, start + length);
    };

    return {
        context: (key) => new Context(key),
        message: (type, payload) => new Message(type, payload),
        outbound: (type, payload, origin) => Object.assign(new Message(type, payload), { origin }),
        close: (code, reason) => ({ code, reason }),
        // `id` is told when the promise is settled.
        watch: (promise, id) => { then(promise, () => native.settled(id, true, undefined), (reason) => native.settled(id, false, reason)); },
        // What onOutbound returned: true to pass, or what goes on instead.
        verdict: (value) => {
            if (value === undefined || value === true) return true;
            if (value === false || value === null) return [];
            if (value instanceof Promise) throw new TypeError("onOutbound decides at once: it cannot be async");
            return Array.isArray(value) ? value.map(outgoing) : [outgoing(value)];
        },
        // What users hung on a context.
        carry: (context) => stringify(context),
        revive: (context, written) => { Object.assign(context, parse(written)); },
    };
};
