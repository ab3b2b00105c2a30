/* Omni Console site chat: the form for writing, and what was written and is not acknowledged yet. MIT License, see LICENSE. */
"use strict";
// It is kept until the server has it, sent in order, and never twice: the server knows its `client_id` again.
const omniWriting = ({ config, words, chat, store, link, history, notice, event }) => {
  const $ = (id) => document.getElementById(id);
  const pending = new Map(); // client_id -> {item, node, acked}

  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  // Lone surrogates and NUL would be refused by the server for ever.
  const clean = (text) =>
    text
      .replace(/\0/g, "")
      .replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (found) => (found.length === 2 ? found : "\ufffd"));

  const keep = (item) => {
    if (!item.files) store.set(`out:${item.client_id}`, JSON.stringify(item));
  };
  const forget = (client_id) => {
    pending.delete(client_id);
    store.remove(`out:${client_id}`);
  };

  const status = (entry, name, detail) => {
    entry.node.classList.toggle("sending", name === "sending");
    entry.node.classList.toggle("failed", name === "failed");
    const line = history.meta(entry.node);
    line.textContent = name === "failed" ? `${detail || words.failed} ` : words[name];
    if (name !== "failed") return;
    const choice = (text, act) => {
      const button = history.element("button", "", text);
      button.type = "button";
      button.addEventListener("click", act);
      line.append(button, " ");
    };
    if (!detail) {
      choice(words.again, () => {
        entry.item.failed = false;
        keep(entry.item);
        status(entry, "sending");
        flush();
      });
    }
    choice(words.drop, () => {
      forget(entry.item.client_id);
      entry.node.remove();
      $("text").focus();
    });
  };

  const add = (item) => {
    const files = (item.files || []).map((file) => ({ name: file.name, size: file.size, content_type: file.type }));
    const node = history.append({ mine: true, text: item.text, files });
    const entry = { item, node, acked: false };
    pending.set(item.client_id, entry);
    status(entry, item.failed ? "failed" : "sending");
    return entry;
  };
  const addAll = (items) => {
    for (const item of items) if (!pending.has(item.client_id)) add(item);
  };

  const submit = (text, files) => {
    const { page, visitor } = chat;
    const item = { client_id: newId(), text: clean(text), at: Date.now(), page, visitor, failed: false };
    if (files) item.files = files;
    keep(item);
    const entry = add(item);
    if (!chat.blocked && navigator.onLine) notice("");
    entry.node.classList.add("new");
    history.toEnd();
    flush();
  };

  const restore = () => {
    // What was written and not acknowledged before a reload, by this visitor and no other.
    const items = [];
    for (const key of store.keys("out:")) {
      try {
        const item = JSON.parse(store.get(key));
        if (!item.visitor || item.visitor === chat.visitor) items.push(item);
      } catch {
        store.remove(key);
      }
    }
    addAll(items.sort((one, other) => one.at - other.at));
  };

  // The session is lost: it belongs to whoever the next one says we are, and is added again by the answer.
  const disown = () => {
    const unsent = [...pending.values()].map((entry) => entry.item);
    for (const item of unsent) {
      item.visitor = "";
      keep(item);
    }
    return () => addAll(unsent);
  };

  // The server tells it: what stood for it until now, or null.
  const arrived = (client_id) => {
    const entry = client_id && pending.get(client_id);
    if (!entry) return null;
    forget(client_id);
    return entry.node;
  };
  const first = () => {
    for (const { node } of pending.values()) if (node.parentNode) return node;
    return null;
  };

  // --- sending -----------------------------------------------------------------------------------

  const request = (item) => {
    const body = { client_id: item.client_id, text: item.text, page: item.page, locale: navigator.language };
    if (!item.files) return link.call("POST", "messages", body);
    const form = new FormData();
    form.append("message", new Blob([JSON.stringify(body)], { type: "application/json" }));
    for (const file of item.files) form.append("file", file, file.name);
    return link.call("POST", "upload", form);
  };

  const refused = (entry, code) => {
    entry.item.failed = true;
    keep(entry.item);
    const reasons = {
      file_type: words.type,
      too_large: words.big(history.bytesText(config.file_bytes_max)),
      too_long: words.long(config.text_max),
    };
    status(entry, "failed", reasons[code]);
  };

  let flushing = false;
  const flush = async () => {
    if (flushing || chat.blocked) return;
    flushing = true;
    let failures = 0;
    try {
      for (;;) {
        const entry = [...pending.values()].find((one) => !one.acked && !one.item.failed);
        if (!entry || chat.blocked) break;
        let pause = 0;
        try {
          if (!chat.token && !(await link.ensure())) break;
          link.start();
          const answer = await request(entry.item);
          if (answer.ok) {
            failures = 0;
            await answer.json();
            entry.acked = true;
            store.remove(`out:${entry.item.client_id}`);
            if (pending.has(entry.item.client_id)) status(entry, "sent");
            if (link.connected && !chat.blocked) notice("");
            event("sent", { client_id: entry.item.client_id });
            continue;
          }
          const code = await link.codeOf(answer);
          if (answer.status === 401) {
            if (!(await link.lost())) break;
            continue;
          }
          if ([408, 425, 429].includes(answer.status) || answer.status >= 500) {
            pause = Number(answer.headers.get("Retry-After")) * 1000 || 0;
            if (answer.status === 429) failures = 0;
          } else {
            refused(entry, code);
            continue;
          }
        } catch { /* no network */ }
        failures += 1;
        if (failures > 1 || !navigator.onLine) notice(words.offline);
        const longest = pause || Math.min(30_000, 1000 * 1.8 ** failures);
        await link.pause(longest * (1 + Math.random() * 0.3));
      }
    } finally {
      flushing = false;
    }
  };

  // --- the form ----------------------------------------------------------------------------------

  const grow = () => {
    const box = $("text");
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
    box.style.overflowY = box.scrollHeight > 120 ? "auto" : "hidden";
    $("send").disabled = !box.value.trim();
    store.set("draft", box.value);
  };
  const sendFiles = (files) => {
    const chosen = [...files].slice(0, config.files_max);
    if (!chosen.length) return;
    if (chosen.some((file) => file.size > config.file_bytes_max)) {
      notice(words.big(history.bytesText(config.file_bytes_max)), true);
      return;
    }
    notice("");
    submit($("text").value.trim(), chosen);
    $("text").value = "";
    grow();
  };

  const sendText = () => {
    const text = $("text").value.trim();
    if (!text || chat.blocked) return;
    if (text.length > config.text_max) {
      notice(words.long(config.text_max), true);
      return;
    }
    $("text").value = "";
    grow();
    submit(text);
  };

  const restoreDraft = () => {
    $("text").value = store.get("draft") || "";
    grow();
  };

  $("text").addEventListener("input", grow);
  $("text").addEventListener("keydown", (key) => {
    if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
      key.preventDefault();
      sendText();
    }
  });
  $("text").addEventListener("paste", (paste) => {
    if (paste.clipboardData?.files.length) {
      paste.preventDefault();
      sendFiles(paste.clipboardData.files);
    }
  });
  $("composer").addEventListener("submit", (sending) => {
    sending.preventDefault();
    sendText();
    $("text").focus();
  });
  $("attach").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    sendFiles($("file").files);
    $("file").value = "";
    $("text").focus();
  });

  return {
    arrived, disown, first, flush, restore, restoreDraft,
    clear: () => pending.clear(),
    get size() { return pending.size; },
  };
};
