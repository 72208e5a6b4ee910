// Says hello, then says everything back. Answers on /ws and nowhere else.
export const path = "/ws";

export function onConnect(ctx) {
    ctx.send("Welcome!");
}

export function onMessage(ctx, msg) {
    if (msg.type === "text") ctx.send(`echo: ${msg.text}`);
    if (msg.type === "binary") ctx.send(msg.data);
}
