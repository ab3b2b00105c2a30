/* Omni Console site chat: the panel. MIT License, see LICENSE.
   Speaks version 1 of the chat protocol. What people wrote is only ever set as text, never as HTML. */
(() => {
  "use strict";
  const PROTOCOL = 1;
  const SILENCE_MS = 40_000; // the server says something every 15 s
  const HIDDEN_MS = 300_000; // after this long in the background the stream is let go
  const root = document.documentElement;
  const config = JSON.parse(root.dataset.config);
  const base = location.pathname.replace(/frame$/, "");
  const language = /^ru/i.test(navigator.language) ? "ru" : "en";
  const $ = (id) => document.getElementById(id);

  const words = OMNI_WORDS[language]; // words.js

  // --- small tools -------------------------------------------------------------------------------

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  // Lone surrogates and NUL would be refused by the server for ever.
  const clean = (text) =>
    text
      .replace(/\0/g, "")
      .replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (found) => (found.length === 2 ? found : "\ufffd"));
  const bytesText = (size) => {
    const [b, kb, mb] = words.units;
    if (size < 1000) return `${size} ${b}`;
    return size < 1_000_000 ? `${Math.round(size / 1000)} ${kb}` : `${(size / 1_000_000).toFixed(1)} ${mb}`;
  };
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // A browser that gives a foreign frame no storage leaves it to the page around us to remember.
  const prefix = `omni:${base}`;
  let local = null;
  try {
    localStorage.setItem(`${prefix}probe`, "1");
    localStorage.removeItem(`${prefix}probe`);
    local = localStorage;
  } catch { /* kept in memory and by the page */ }
  const memory = new Map();
  const store = {
    get: (key) => (local ? local.getItem(prefix + key) : memory.get(key) ?? null),
    set(key, value) {
      if (store.get(key) === value) return;
      if (local) local.setItem(prefix + key, value);
      else {
        memory.set(key, value);
        tell({ type: "keep", key, value });
      }
    },
    remove(key) {
      if (store.get(key) === null) return;
      if (local) local.removeItem(prefix + key);
      else {
        memory.delete(key);
        tell({ type: "keep", key, value: null });
      }
    },
    keys(start) {
      if (!local) return [...memory.keys()].filter((key) => key.startsWith(start));
      return Object.keys(local).filter((key) => key.startsWith(prefix + start)).map((key) => key.slice(prefix.length));
    },
  };

  // --- the page around us ------------------------------------------------------------------------

  let parentOrigin = null;
  let page = {};
  const tell = (message) => {
    if (parentOrigin) parent.postMessage({ omni: 1, ...message }, parentOrigin);
  };
  const event = (name, data) => tell({ type: "event", name, data });

  const ink = (colour) => {
    const channel = (at) => {
      const value = parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    const light = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    return light > 0.179 ? "#000" : "#fff"; // whichever contrasts more: at least 4.5 : 1
  };

  // --- state -------------------------------------------------------------------------------------

  let opened = false;
  let token = null;
  let visitor = "";
  let identity = null;
  let presented = null; // the identity that the server has judged
  let blocked = ""; // why nothing can be written
  let lastSeq = 0;
  let ourSeq = 0; // newest message of an operator
  let readSeq = 0;
  let unread = new Set();
  let emailKnown = false;
  let operator = "";
  let state = "";
  let opensAt = null; // nobody is there until then
  let asked = false; // where an answer can reach him meanwhile
  let lastDay = "";
  let lastAuthor = null;
  let replayed = false; // the history is there; what comes now is new
  const pending = new Map(); // client_id -> {item, node, files}

  // --- what is shown -----------------------------------------------------------------------------

  const log = $("log");
  const scroll = $("scroll");
  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const toEnd = () => {
    scroll.scrollTop = scroll.scrollHeight;
    $("newer").hidden = true;
  };

  const notice = (text, bad) => {
    const line = $("notice");
    if (line.textContent !== (text || "")) line.textContent = text || "";
    line.hidden = !text;
    line.classList.toggle("bad", Boolean(bad));
  };

  const LINK = /https?:\/\/[^\s<>"'`\u0000-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
  const fill = (node, text) => {
    let from = 0;
    for (const found of text.matchAll(LINK)) {
      const address = found[0].replace(/[.,;:!?)\]}»”’]+$/u, "");
      let url;
      try { url = new URL(address); } catch { continue; }
      if (url.protocol !== "https:" && url.protocol !== "http:") continue;
      node.append(text.slice(from, found.index));
      const link = element("a", "", address);
      link.href = url.href;
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow";
      node.append(link);
      from = found.index + address.length;
    }
    node.append(text.slice(from));
  };

  const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const dayText = (at) => {
    const day = new Date(at);
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
    if (days === 0) return words.today;
    if (days === 1) return words.yesterday;
    return day.toLocaleDateString([], { day: "numeric", month: "long", year: days > 300 ? "numeric" : undefined });
  };

  const whenText = (at) => {
    const day = new Date(at);
    const today = day.toDateString() === new Date().toDateString();
    return today ? clock(at) : `${day.toLocaleDateString(language, { weekday: "short", day: "numeric", month: "short" })}, ${clock(at)}`;
  };

  const SVG = "http://www.w3.org/2000/svg";
  const paperIcon = () => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("width", "22");
    svg.setAttribute("height", "22");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries({
      d: "M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5zM13.5 3.5v5h5",
      fill: "none", stroke: "currentColor", "stroke-width": "1.6", "stroke-linejoin": "round",
    })) line.setAttribute(name, value);
    svg.append(line);
    return svg;
  };

  const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

  const save = (blob, name) => {
    const link = element("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const fetchFile = async (id) => {
    const answer = await call("GET", `files/${id}`);
    return answer.ok ? answer.blob() : null;
  };
  const fileNode = (file, local) => {
    const box = element(local ? "div" : "button", "file");
    const label = element("span");
    label.append(element("span", "name", file.name), element("span", "size", bytesText(file.size)));
    box.append(paperIcon(), label);
    if (local) return box;
    box.type = "button";
    box.title = words.download;
    box.addEventListener("click", async () => {
      const blob = await fetchFile(file.id).catch(() => null);
      if (blob) save(blob, file.name);
    });
    if (PICTURES.has(file.content_type) && file.size < 8_000_000) {
      fetchFile(file.id).then((blob) => {
        if (!blob || !PICTURES.has(blob.type)) return;
        const stay = atEnd();
        const picture = element("button", "picture");
        picture.type = "button";
        picture.title = `${words.download}: ${file.name}`;
        const image = element("img");
        image.alt = file.name || words.picture;
        image.src = URL.createObjectURL(blob);
        image.addEventListener("load", () => stay && toEnd());
        picture.append(image);
        picture.addEventListener("click", () => save(blob, file.name));
        box.replaceWith(picture);
      }, () => { /* the plain row stays */ });
    }
    return box;
  };

  const messageNode = (message, local) => {
    const node = element("li", `message${message.mine ? " mine" : ""}`);
    const author = message.mine ? words.you : message.author || config.title;
    if (author !== lastAuthor) {
      node.classList.add("first");
      if (!message.mine) node.append(element("span", "author", author));
    }
    lastAuthor = author;
    if (message.mine) node.append(element("span", "unseen", `${words.you}: `));
    if (message.text) {
      const bubble = element("p", "bubble");
      bubble.dir = "auto";
      fill(bubble, message.text);
      node.append(bubble);
    }
    for (const file of message.files || []) node.append(fileNode(file, local));
    node.append(element("span", "meta"));
    return node;
  };
  const meta = (node) => node.querySelector(".meta");

  const day = (at) => {
    const text = dayText(at);
    if (text === lastDay) return;
    lastDay = text;
    lastAuthor = null;
    log.insertBefore(element("li", "day", text), firstPending());
  };
  const firstPending = () => {
    for (const { node } of pending.values()) if (node.parentNode) return node;
    return null;
  };

  let lastTimed = null;
  const timed = (node, mine, at) => {
    // The time stands only under the last of several messages of one side.
    if (lastTimed && lastTimed.mine === mine && at - lastTimed.at < 300_000) meta(lastTimed.node).textContent = "";
    meta(node).textContent = clock(at);
    lastTimed = { node, mine, at };
  };

  const showMessage = (message, live) => {
    if (message.seq <= lastSeq) return;
    lastSeq = message.seq;
    if (!message.text && !message.files.length) return;
    $("greeting")?.remove();
    const stay = atEnd() || message.mine;
    const mine = message.client_id && pending.get(message.client_id);
    const first = mine && mine.node.classList.contains("first");
    if (mine) {
      pending.delete(message.client_id);
      store.remove(`out:${message.client_id}`);
      mine.node.remove();
    }
    day(message.at);
    const node = messageNode(message, false);
    if (first) node.classList.add("first");
    if (live && !mine) node.classList.add("new");
    log.insertBefore(node, firstPending());
    timed(node, message.mine, message.at);
    if (!message.mine) {
      ourSeq = message.seq;
      if (message.seq > readSeq) unread.add(message.seq);
      if (live) event("message", { author: message.author });
      seen();
    }
    if (stay) toEnd();
    else $("newer").hidden = false;
  };

  const header = () => {
    const name = operator.split(" ")[0];
    $("title").textContent = config.title;
    $("face").textContent = (name || config.title || "?").trim().charAt(0).toUpperCase();
    const open = config.hours ? words.hours(config.hours) : words.nobody;
    const hours = opensAt ? words.away(whenText(opensAt)) : open;
    $("state").textContent = state === "closed" ? words.closed : name && !opensAt ? words.someone(name) : hours;
    $("state").title = $("state").textContent;
  };

  // He may be gone before anybody comes: he is asked once where the answer shall go.
  const askWhere = () => {
    $("mail-label").textContent = opensAt ? words.awaylabel(whenText(opensAt)) : words.leavelabel;
    if (!opensAt || asked || emailKnown || !lastSeq || !token) return;
    asked = true;
    const stay = atEnd();
    $("mail").hidden = false;
    if (stay) toEnd();
  };

  const greeting = () => {
    if (log.children.length) return;
    const text = config.greetings[language] || config.greeting || words.greeting;
    const node = messageNode({ mine: false, author: "", text, files: [] }, false);
    node.id = "greeting";
    lastAuthor = null;
    log.append(node);
  };

  const clear = () => {
    log.textContent = "";
    pending.clear();
    lastSeq = ourSeq = 0;
    unread = new Set();
    lastDay = "";
    lastAuthor = lastTimed = null;
    replayed = false;
    log.setAttribute("aria-live", "off");
    operator = state = "";
    header();
    greeting();
  };

  const footer = () => {
    const line = $("more");
    line.textContent = "";
    if (config.links.length) line.append(element("span", "", words.more));
    for (const { title, url } of config.links) {
      const link = element("a", "", title);
      link.href = url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      line.append(link);
    }
    if (token && !emailKnown && lastSeq) {
      const leave = element("button", "", words.leave);
      leave.type = "button";
      leave.id = "leave";
      leave.addEventListener("click", () => {
        $("mail").hidden = false;
        $("address").focus();
      });
      line.append(leave);
    }
    if (config.privacy_url) {
      const link = element("a", "", words.privacy);
      link.href = config.privacy_url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      line.append(link);
    }
  };

  // --- the server --------------------------------------------------------------------------------

  const call = (method, path, body, signal) => {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    return fetch(base + path, { method, headers, body, signal, cache: "no-store", credentials: "omit" });
  };
  const codeOf = async (answer) => {
    try { return (await answer.json()).error.code || ""; } catch { return ""; }
  };

  const take = (answer) => {
    const other = visitor && answer.visitor !== visitor;
    if (other) stopStream();
    if (answer.token) {
      token = answer.token;
      store.set("token", token);
    }
    visitor = answer.visitor;
    store.set("visitor", visitor);
    if (other) {
      readSeq = 0;
      clear();
      restore();
      setTimeout(startStream);
    }
    readSeq = Math.max(readSeq, answer.read_seq);
    emailKnown = answer.email_known || answer.phone_known;
    block("");
    footer();
    seen();
    return true;
  };

  const block = (why) => {
    blocked = why;
    $("text").disabled = Boolean(why);
    $("attach").disabled = Boolean(why);
    $("composer").classList.toggle("off", Boolean(why));
    if (why) notice(why, true);
    else if ($("notice").classList.contains("bad")) notice("");
  };

  // True once there is a session. Throws when the network does not answer.
  const openSession = async () => {
    for (let round = 0; round < 3; round++) {
      const sent = identity;
      presented = sent;
      const answer = await call("POST", "session", { protocol: PROTOCOL, identity: sent || undefined, page });
      if (answer.ok) {
        if (sent) event("identity", { ok: true });
        return take(await answer.json());
      }
      const code = await codeOf(answer);
      if (answer.status === 401 && sent) {
        event("identity", { ok: false, code });
        if (identity === sent) identity = null;
        if (config.anonymous || token) continue;
        block(words.signinagain);
        return false;
      }
      if (answer.status === 403 && code === "identity_required") {
        block(words.signin);
        return false;
      }
      throw new Error(`session ${answer.status}`);
    }
    return false;
  };

  // One tab at a time, so that two new tabs do not become two visitors.
  const locks = navigator.locks ? navigator.locks.query().then(() => true, () => false) : Promise.resolve(false);
  const locked = async (work) => ((await locks) ? navigator.locks.request(`${prefix}session`, work) : work());
  let opening = null;
  const ensureSession = () => {
    opening ??= locked(() => {
      token = store.get("token");
      return openSession();
    }).finally(() => { opening = null; });
    return opening;
  };

  const lost = async () => {
    // The server does not know the token any more: unless another tab has a newer one, begin anew.
    if (store.get("token") === token) {
      store.remove("token");
      store.remove("visitor");
    }
    token = store.get("token");
    const unsent = [...pending.values()].map((entry) => entry.item);
    for (const item of unsent) {
      item.visitor = "";
      keep(item);
    }
    const there = await ensureSession();
    for (const item of unsent) if (!pending.has(item.client_id)) addPending(item);
    return there;
  };

  // --- the stream --------------------------------------------------------------------------------

  let streaming = null;
  let connected = false;
  const stopStream = () => {
    streaming?.abort();
    streaming = null;
    connected = false;
  };
  const startStream = () => {
    if (streaming || !token) return;
    const control = new AbortController();
    streaming = control;
    follow(control).finally(() => {
      if (streaming === control) streaming = null;
    });
  };

  const follow = async (control) => {
    let pause = 3000;
    let failures = 0;
    while (!control.signal.aborted && token) {
      try {
        if (await readStream(control, (ms) => { pause = ms; failures = 0; }) === 401 && !control.signal.aborted) {
          if (!(await lost())) return;
        }
      } catch { /* below: try again */ }
      connected = false;
      if (control.signal.aborted) return;
      failures += 1;
      if (failures > 1) notice(pending.size ? words.offline : words.broken);
      const longest = Math.min(30_000, pause * 1.6 ** Math.min(failures - 1, 6));
      await Promise.race([wait(longest * (0.7 + Math.random() * 0.6)), woken()]);
    }
  };
  const waiters = new Set();
  const wake = () => {
    for (const resolve of waiters) resolve();
    waiters.clear();
  };
  const woken = () => new Promise((resolve) => waiters.add(resolve));

  const readStream = async (control, alive) => {
    const own = new AbortController();
    const end = () => own.abort();
    control.signal.addEventListener("abort", end);
    let guard = setTimeout(end, SILENCE_MS);
    try {
      const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
      if (lastSeq) headers["Last-Event-ID"] = String(lastSeq);
      const answer = await fetch(`${base}events`, { headers, signal: own.signal, cache: "no-store", credentials: "omit" });
      if (!answer.ok) return answer.status;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return 0;
        clearTimeout(guard);
        guard = setTimeout(end, SILENCE_MS);
        if (!connected) {
          connected = true;
          if (!blocked) notice("");
          flush();
        }
        rest += value;
        let cut;
        while ((cut = rest.indexOf("\n\n")) >= 0) {
          handle(rest.slice(0, cut), alive);
          rest = rest.slice(cut + 2);
        }
      }
    } finally {
      clearTimeout(guard);
      control.signal.removeEventListener("abort", end);
      own.abort();
    }
  };

  const handle = (block_, alive) => {
    let name = "message";
    let data = "";
    for (const line of block_.split("\n")) {
      if (line.startsWith("retry: ")) alive(Number(line.slice(7)) || 3000);
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!data) return;
    const body = JSON.parse(data);
    if (name === "message") showMessage(body, replayed);
    else if (name === "state") {
      ({ operator, state } = body);
      opensAt = body.opens_at || null;
      header();
      askWhere();
      greeting();
      footer();
      replayed = true;
      log.setAttribute("aria-live", "polite");
      event("state", { state, operator });
    }
  };

  // --- reading -----------------------------------------------------------------------------------

  let reading = 0;
  const seen = () => {
    const looking = opened && document.visibilityState === "visible";
    if (looking && ourSeq > readSeq) {
      clearTimeout(reading);
      reading = setTimeout(async () => {
        const seq = ourSeq;
        try {
          if ((await call("POST", "read", { seq })).ok) store.set("read", String(seq));
        } catch { /* told with the next message, or at the next visit */ }
      }, 400);
      readSeq = ourSeq;
    }
    for (const seq of unread) if (seq <= readSeq) unread.delete(seq);
    tell({ type: "unread", count: unread.size });
  };

  // --- writing -----------------------------------------------------------------------------------

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
    const line = meta(entry.node);
    line.textContent = name === "failed" ? `${detail || words.failed} ` : words[name];
    if (name !== "failed") return;
    const choice = (text, act) => {
      const button = element("button", "", text);
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

  const addPending = (item, detail) => {
    $("greeting")?.remove();
    const files = (item.files || []).map((file) => ({ name: file.name, size: file.size, content_type: file.type }));
    const node = messageNode({ mine: true, text: item.text, files }, true);
    const entry = { item, node, acked: false };
    pending.set(item.client_id, entry);
    log.append(node);
    status(entry, item.failed ? "failed" : "sending", detail);
    return entry;
  };

  const submit = (text, files) => {
    const item = { client_id: newId(), text: clean(text), at: Date.now(), page, visitor, failed: false };
    if (files) item.files = files;
    keep(item);
    const entry = addPending(item);
    if (!blocked && navigator.onLine) notice("");
    entry.node.classList.add("new");
    toEnd();
    flush();
  };

  const restore = () => {
    // What was written and not acknowledged before a reload, by this visitor and no other.
    const items = [];
    for (const key of store.keys("out:")) {
      try {
        const item = JSON.parse(store.get(key));
        if (!item.visitor || item.visitor === visitor) items.push(item);
      } catch {
        store.remove(key);
      }
    }
    items.sort((one, other) => one.at - other.at);
    for (const item of items) if (!pending.has(item.client_id)) addPending(item);
  };

  const request = (item) => {
    const body = { client_id: item.client_id, text: item.text, page: item.page, locale: navigator.language };
    if (!item.files) return call("POST", "messages", body);
    const form = new FormData();
    form.append("message", new Blob([JSON.stringify(body)], { type: "application/json" }));
    for (const file of item.files) form.append("file", file, file.name);
    return call("POST", "upload", form);
  };

  let flushing = false;
  const flush = async () => {
    if (flushing || blocked) return;
    flushing = true;
    let failures = 0;
    try {
      for (;;) {
        const entry = [...pending.values()].find((one) => !one.acked && !one.item.failed);
        if (!entry || blocked) break;
        let pause = 0;
        try {
          if (!token && !(await ensureSession())) break;
          startStream();
          const answer = await request(entry.item);
          if (answer.ok) {
            failures = 0;
            await answer.json();
            entry.acked = true;
            store.remove(`out:${entry.item.client_id}`);
            if (pending.has(entry.item.client_id)) status(entry, "sent");
            if (connected && !blocked) notice("");
            event("sent", { client_id: entry.item.client_id });
            continue;
          }
          const code = await codeOf(answer);
          if (answer.status === 401) {
            if (!(await lost())) break;
            continue;
          }
          if ([408, 425, 429].includes(answer.status) || answer.status >= 500) {
            pause = Number(answer.headers.get("Retry-After")) * 1000 || 0;
            if (answer.status === 429) failures = 0;
          } else {
            entry.item.failed = true;
            keep(entry.item);
            const reasons = { file_type: words.type, too_large: words.big(bytesText(config.file_bytes_max)), too_long: words.long(config.text_max) };
            status(entry, "failed", reasons[code]);
            continue;
          }
        } catch { /* no network */ }
        failures += 1;
        if (failures > 1 || !navigator.onLine) notice(words.offline);
        const longest = pause || Math.min(30_000, 1000 * 1.8 ** failures);
        await Promise.race([wait(longest * (1 + Math.random() * 0.3)), woken()]);
      }
    } finally {
      flushing = false;
    }
  };

  const sendFiles = (files) => {
    const chosen = [...files].slice(0, config.files_max);
    if (!chosen.length) return;
    if (chosen.some((file) => file.size > config.file_bytes_max)) {
      notice(words.big(bytesText(config.file_bytes_max)), true);
      return;
    }
    notice("");
    submit($("text").value.trim(), chosen);
    $("text").value = "";
    grow();
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
  const sendText = () => {
    const text = $("text").value.trim();
    if (!text || blocked) return;
    if (text.length > config.text_max) {
      notice(words.long(config.text_max), true);
      return;
    }
    $("text").value = "";
    grow();
    submit(text);
  };

  const open = () => {
    opened = true;
    greeting();
    seen();
    toEnd();
    $("text").focus();
    if (!streaming) begin();
  };
  const close = () => {
    opened = false;
    seen();
  };

  const signOut = async () => {
    stopStream();
    if (token) call("DELETE", "session").catch(() => { /* the token runs out by itself */ });
    for (const key of store.keys("")) store.remove(key);
    token = null;
    visitor = "";
    identity = null;
    emailKnown = false;
    readSeq = 0;
    clear();
    footer();
    seen();
    if (opened) open();
  };

  // He is asked first: programs that look at links open pages, too.
  const offerContinuing = (link) => {
    $("goon-label").textContent = words.goon;
    $("goon-yes").textContent = words.yes;
    $("goon-no").textContent = words.no;
    $("goon").hidden = false;
    $("goon-no").onclick = () => {
      $("goon").hidden = true;
      $("text").focus();
    };
    $("goon-yes").onclick = async () => {
      try {
        if (!token && !(await ensureSession())) return;
        const answer = await call("POST", "continue", { token: link });
        if (!answer.ok && answer.status !== 400) throw new Error(`continue ${answer.status}`);
        const joined = answer.ok && (await answer.json()).continued;
        $("goon").hidden = true;
        notice(joined ? words.joined : words.over, !joined);
        startStream();
        $("text").focus();
      } catch {
        notice(words.broken);
      }
    };
    $("goon-yes").focus();
  };

  window.addEventListener("message", (heard) => {
    const message = heard.data;
    if (heard.source !== parent || !config.origins.includes(heard.origin)) return;
    if (!message || message.omni !== 1) return;
    parentOrigin = heard.origin;
    if (message.page) page = message.page;
    const known = message.identity || null;
    if (message.type === "hello") {
      identity = known;
      remember(message.saved);
      tell({ type: "ready", title: config.title, accent: config.accent, ink: ink(config.accent) });
      begin();
    } else if (message.type === "identify") {
      identity = known;
      begin();
    } else if (message.type === "open") open();
    else if (message.type === "close") close();
    else if (message.type === "continue") offerContinuing(String(message.token));
    else if (message.type === "reset") signOut();
    else if (message.type === "stored" && !local) {
      if (message.value === null) memory.delete(message.key);
      else memory.set(message.key, message.value);
      elsewhere(message.key, message.value);
    }
  });

  // Nothing is asked of the server for a visitor who has never opened the chat.
  const begin = async () => {
    for (let failures = 1; token || opened || pending.size; failures++) {
      try {
        const there = await ensureSession();
        if (identity && identity !== presented) continue;
        if (there) {
          startStream();
          flush();
        }
        return;
      } catch {
        if (failures > 1) notice(words.broken);
        await Promise.race([wait(Math.min(30_000, 1500 * failures)), woken()]);
      }
    }
  };

  // Another tab began, ended or read something.
  const elsewhere = (key, value) => {
    if (key === "token" && store.get("token") !== token) {
      stopStream();
      token = store.get("token");
      visitor = store.get("visitor") || "";
      readSeq = Number(store.get("read")) || 0;
      clear();
      restore();
      seen();
      begin();
    } else if (key === "read") {
      readSeq = Math.max(readSeq, Number(value) || 0);
      seen();
    }
  };
  window.addEventListener("storage", (change) => {
    if (!change.key) elsewhere("token", null);
    else if (change.key.startsWith(prefix)) elsewhere(change.key.slice(prefix.length), change.newValue);
  });

  const remember = (saved) => {
    if (!local) for (const [key, value] of Object.entries(saved || {})) memory.set(key, String(value));
    token = store.get("token");
    visitor = store.get("visitor") || "";
    readSeq = Number(store.get("read")) || 0;
    $("text").value = store.get("draft") || "";
    clear();
    restore();
    footer();
    grow();
  };

  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") hiding = setTimeout(stopStream, HIDDEN_MS);
    else {
      wake();
      if (token) startStream();
      seen();
    }
  });
  window.addEventListener("online", () => wake());
  document.addEventListener("keydown", (key) => {
    if (key.key === "Escape") {
      if (!$("mail").hidden) {
        $("mail").hidden = true;
        $("text").focus();
      } else tell({ type: "close" });
    }
  });
  $("close").addEventListener("click", () => tell({ type: "close" }));
  $("newer").addEventListener("click", () => { toEnd(); $("text").focus(); });
  let staying = true; // at the end, also when a notice or the keyboard takes room away
  scroll.addEventListener("scroll", () => {
    staying = atEnd();
    if (staying) $("newer").hidden = true;
  });
  new ResizeObserver(() => { if (staying) toEnd(); }).observe(scroll);
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
  $("mail").addEventListener("submit", async (sending) => {
    sending.preventDefault();
    const wrong = (text) => {
      $("mail-error").textContent = text;
      $("mail-error").hidden = !text;
    };
    wrong("");
    try {
      const where = $("address").value;
      const answer = await call("POST", "contact", where.includes("@") ? { email: where } : { phone: where });
      if (answer.ok) {
        emailKnown = true;
        $("mail").hidden = true;
        notice(words.thanks);
        footer();
        $("text").focus();
      } else wrong(answer.status === 400 ? words.bademail : words.broken);
    } catch {
      wrong(words.broken);
    }
  });
  $("mail-cancel").addEventListener("click", () => {
    $("mail").hidden = true;
    $("text").focus();
  });

  root.lang = language;
  root.style.setProperty("--accent", config.accent);
  root.style.setProperty("--ink", ink(config.accent));
  for (const [id, text] of [["send", words.send], ["attach", words.attach], ["close", words.close]]) {
    $(id).setAttribute("aria-label", text);
    $(id).title = text;
  }
  $("text").placeholder = words.placeholder;
  $("text").setAttribute("aria-label", words.placeholder);
  $("scroll").setAttribute("aria-label", config.title);
  $("attach").hidden = !config.files_max;
  $("newer").textContent = words.newer;
  $("mail-label").textContent = words.leavelabel;
  $("mail-save").textContent = words.save;
  $("mail-cancel").textContent = words.cancel;
  header();
  greeting();
  footer();
})();
