// The ping of `src/bin/ours.rs`, as a script.
export const path = "/ws/json";

export function onMessage(ctx, msg) {
    const { type, n } = msg.json();
    if (type === "ping") ctx.send({ type: "pong", n });
}
