// Says hello, then says everything back. Answers on /ws and nowhere else.
export const path = "/ws";

/** @type {OnConnect} */
export function onConnect(ctx) {
    return ctx.send("Welcome!");
}

/** @type {OnMessage} */
export function onMessage(ctx, msg) {
    // A promise that is returned holds back the next message while the client reads slowly.
    if (msg.type === "text") return ctx.send(`echo: ${msg.text}`);
    if (msg.type === "binary") return ctx.send(msg.data);
}
