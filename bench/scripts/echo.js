// The echo of `src/bin/ours.rs`, as a script.
export const path = "/ws/echo";

export function onMessage(ctx, msg) {
    if (msg.type === "text") ctx.send(msg.text);
    if (msg.type === "binary") ctx.send(msg.data);
}
