// A chat with rooms, by lines for people and by JSON for programs. Answers on /ws/chat and below it.
export const path = "/ws/chat/**";

const FIRST_ROOM = "general";
const REQUESTS = ["join", "leave", "rooms", "message"];
const HELP = "Commands: /join ROOM, /leave ROOM, /rooms, /msg TEXT. Other lines are said in all your rooms.";

/** @type {OnConnect} */
export async function onConnect(ctx) {
    await ctx.join(FIRST_ROOM);
    await ctx.send({ type: "system", message: `Welcome to chat! You're in room: ${FIRST_ROOM}` });
}

/** @type {OnMessage} */
export async function onMessage(ctx, msg) {
    if (msg.type !== "text") return;
    const isJson = msg.text.trimStart().startsWith("{");
    let type = "system";
    let message;
    try {
        message = await obey(ctx, isJson ? readJson(msg) : readLine(msg.text), msg.text, isJson);
    } catch (error) {
        // What is wrong is for the client to know, and no reason to fail here.
        type = "error";
        message = error.message;
    }
    if (message === undefined) return;
    await ctx.send(isJson ? { type, message, rooms: await ctx.rooms() } : message);
}

// What JSON asks for: {"type":"join","room":"lobby"}. What is said without a room is for all rooms of who speaks.
function readJson(msg) {
    const { type, room } = msg.json();
    if (type === undefined) throw new Error("missing field `type`");
    if (!REQUESTS.includes(type)) {
        throw new Error(`unknown variant \`${type}\`, expected one of ${REQUESTS.map((name) => `\`${name}\``).join(", ")}`);
    }
    if (type === "rooms" || (type === "message" && (room ?? null) === null)) return { type };
    if (room === undefined) throw new Error("missing field `room`");
    if (typeof room !== "string") throw new Error("`room` is a string");
    return { type, room };
}

// What a line asks for.
function readLine(text) {
    const [command, ...words] = text.split(" ");
    const rest = words.join(" ");
    const room = rest.trim();
    if (command === "/join" && room) return { type: "join", room };
    if (command === "/leave" && room) return { type: "leave", room };
    if (command === "/rooms") return { type: "rooms" };
    if (command.startsWith("/") && !(command === "/msg" && rest)) throw new Error(HELP);
    return { type: "message" };
}

// Does what is asked; gives back what to tell who asked, if anything.
async function obey(ctx, request, text, isJson) {
    const { room } = request;
    switch (request.type) {
        case "join":
            await ctx.join(room);
            return `Joined room: ${room}`;
        case "leave":
            if (!(await ctx.rooms()).includes(room)) return `You are not in room: ${room}`;
            await ctx.leave(room);
            return `Left room: ${room}`;
        case "rooms":
            return `Current rooms: ${(await ctx.rooms()).join(", ")}`;
        default: {
            const rooms = room === undefined ? await ctx.rooms() : [room];
            const line = text.startsWith("/msg ") ? text.slice("/msg ".length) : text;
            for (const name of rooms) await ctx.broadcast(name, isJson ? text : `[${name}] ${line}`);
            return rooms.length === 0 ? "You are in no room: nobody hears you." : undefined;
        }
    }
}
