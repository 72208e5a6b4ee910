// Where a message is written: text, JSON or bytes. It checks what was typed, and leaves sending to who made it.

import { fromTemplate, setText } from "./dom.js";

/** A form; `send` gets the body of the request as JSON text, and its promise says when it is done. */
export function composer(send, verb = "Send") {
  const form = fromTemplate("composer-template");
  const content = form.elements.namedItem("content");
  const button = form.querySelector("button");
  const problem = form.querySelector('[data-role="problem"]');
  const named = crypto.randomUUID?.() ?? String(Math.random());
  for (const radio of form.querySelectorAll("input[type=radio]")) radio.name = `kind-${named}`;
  setText(button, verb);
  const kind = () => form.querySelector("input[type=radio]:checked").value;
  const hints = { text: "", json: '{"type": "hello"}', binary: "00 ff 10" };
  form.addEventListener("change", () => (content.placeholder = hints[kind()]));
  content.addEventListener("input", () => setText(problem, ""));
  content.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { body, mistake } = written(kind(), content.value);
    setText(problem, mistake ?? "");
    content.setAttribute("aria-invalid", String(Boolean(mistake)));
    if (mistake) return content.focus();
    button.disabled = true;
    try {
      await send(body);
    } finally {
      button.disabled = false;
    }
  });
  return form;
}

/** The body of a request that sends this, or what is wrong with it. */
export function written(kind, text) {
  switch (kind) {
    case "text":
      return { body: JSON.stringify({ text }) };
    case "json":
      try {
        JSON.parse(text);
        // As it was typed: large numbers would not survive a double.
        return { body: `{"json":${text}}` };
      } catch (error) {
        return { mistake: `No JSON: ${error.message}` };
      }
    default: {
      const hex = text.replace(/0x|[\s,:]/gi, "");
      if (!/^([0-9a-f]{2})*$/i.test(hex)) return { mistake: "Bytes are pairs of 0-9 and a-f." };
      const bytes = hex.match(/../g) ?? [];
      return { body: JSON.stringify({ base64: btoa(bytes.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join("")) }) };
    }
  }
}
