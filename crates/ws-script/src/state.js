// The script's `state`: written and read as JSON, and changed in place as it was changed in another engine.
// It is evaluated before a script, so what the script does to globals afterwards harms nobody else.
() => {
    "use strict";
    const { parse, stringify } = JSON;
    const { assign, create, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, isFrozen, keys } = Object;
    const { defineProperty, deleteProperty, set } = Reflect;
    const { isArray } = Array;
    const slice = Function.prototype.call.bind(Array.prototype.slice);

    // Whether all of a change could be done.
    let isDone = true;
    const expect = (done) => { isDone &&= done; };

    // What JSON does not write as it is, such as a Date or a function, is left to the version that has it.
    const isOwn = (value) =>
        typeof value === "function" || typeof value === "symbol" || typeof value?.toJSON === "function";

    // An assignment to "__proto__" would do something else.
    const put = (live, name, value) =>
        expect(defineProperty(live, name, { value, writable: true, enumerable: true, configurable: true }));

    const changeObject = (live, { gone, now }) => {
        for (let n = 0; n < gone.length; n += 1) expect(deleteProperty(live, gone[n]));
        const names = keys(now);
        for (let n = 0; n < names.length; n += 1) {
            const name = names[n];
            const there = getOwnPropertyDescriptor(live, name);
            if (there !== undefined && !hasOwn(there, "value")) {
                isDone = false;
                continue;
            }
            const next = changed(there?.value, now[name]);
            if (there === undefined || next !== there.value) put(live, name, next);
        }
    };

    const changeArray = (live, { of, from, to, items }) => {
        if (live.length !== of) throw new TypeError("an array in `state` has another length in another version");
        const tail = slice(live, to);
        const isInPlace = to - from === items.length;
        const next = [];
        for (let n = 0; n < items.length; n += 1) {
            const item = items[n];
            if (typeof item === "number") put(next, n, live[item]);
            else put(next, n, isInPlace || !isArray(item) ? changed(live[from + n], item) : item[0]);
        }
        for (let n = 0; n < items.length; n += 1) if (live[from + n] !== next[n]) put(live, from + n, next[n]);
        if (isInPlace) return;
        for (let n = 0; n < tail.length; n += 1) put(live, from + items.length + n, tail[n]);
        expect(set(live, "length", from + items.length + tail.length));
    };

    // What a value becomes by a change as `difference.rs` writes it: itself, if that can be.
    const changed = (live, change) => {
        if (isOwn(live)) {
            isDone = false;
            return live;
        }
        if (isArray(change)) return change[0];
        const inArray = hasOwn(change, "items");
        if (typeof live !== "object" || live === null || isArray(live) !== inArray) {
            throw new TypeError("something in `state` is of another kind in another version");
        }
        const copy = () => (inArray ? slice(live) : assign(create(getPrototypeOf(live)), live));
        const target = isFrozen(live) ? copy() : live;
        if (inArray) changeArray(target, change);
        else changeObject(target, change);
        return target;
    };

    return {
        setState: (written) => { globalThis.state = written === undefined ? {} : parse(written); },
        getState: () => stringify(globalThis.state ?? {}),
        // Whether all of it could be done.
        changeState: (change) => {
            isDone = true;
            const live = globalThis.state ?? {};
            const next = changed(live, parse(change));
            if (next !== globalThis.state) globalThis.state = next;
            return isDone;
        },
    };
};
