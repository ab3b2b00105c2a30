/* Omni Console site chat: the loader. MIT License, see LICENSE.
   <script async src="https://CHAT/webchat/CHANNEL/widget.js"></script> */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.OmniChat) return;
  const base = new URL("./", script.src);
  const russian = /^ru/i.test(navigator.language);
  const words = russian
    ? { open: "Открыть чат", close: "Закрыть чат", chat: "Чат", unread: "непрочитанных" }
    : { open: "Open chat", close: "Close chat", chat: "Chat", unread: "unread" };

  // A link that brings a conversation here: its token is nobody's business but the panel's.
  const FRAGMENT = /(^#|&)omni-chat=([A-Za-z0-9_-]{8,64})(?=&|$)/;
  const brought = FRAGMENT.exec(location.hash)?.[2] || null;
  if (brought) {
    const rest = location.hash.replace(FRAGMENT, "").replace(/^&/, "#");
    history.replaceState(history.state, "", location.pathname + location.search + (rest === "#" ? "" : rest));
  }

  const listeners = new Map();
  const waiting = [];
  let identity = script.dataset.identity || null;
  let ready = false;
  let opened = false;
  let before = null;
  let frame, launcher, badge, box;

  const emit = (name, data) => {
    for (const listener of listeners.get(name) || []) {
      try { listener(data); } catch (error) { console.error(error); }
    }
  };
  // The first visit, remembered by the page itself: of its address only what advertising put there.
  const visit = () => {
    const key = `omnichat-visit:${base.pathname}`;
    try {
      const known = localStorage.getItem(key);
      if (known) return JSON.parse(known);
      const url = new URL(location.href);
      for (const name of [...url.searchParams.keys()]) {
        if (!/^utm_|clid$/.test(name)) url.searchParams.delete(name);
      }
      url.hash = "";
      const first = { url: url.href, title: document.title, referrer: document.referrer, at: Date.now() };
      localStorage.setItem(key, JSON.stringify(first));
      return first;
    } catch {
      return undefined;
    }
  };
  const first = visit();
  const page = () => ({ url: location.href, title: document.title, referrer: document.referrer, first });
  const tell = (message) => {
    if (ready) frame.contentWindow.postMessage({ omni: 1, page: page(), ...message }, base.origin);
    else waiting.push(message);
  };

  // What the panel must remember where the browser gives its frame no storage of its own.
  const prefix = `omnichat:${base.pathname}:`;
  const saved = () => {
    try {
      const found = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
      return Object.fromEntries(found.map((key) => [key.slice(prefix.length), localStorage.getItem(key)]));
    } catch {
      return {};
    }
  };
  const keep = (key, value) => {
    try {
      if (value === null) localStorage.removeItem(prefix + key);
      else localStorage.setItem(prefix + key, String(value));
    } catch { /* then the chat lives as long as the page */ }
  };

  const SVG = "http://www.w3.org/2000/svg";
  const icon = (name, path) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", name);
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  };

  const style = `
    :host { all: initial; }
    button { all: unset; box-sizing: border-box; position: fixed; right: 20px; bottom: 20px; z-index: 2147483001;
      width: 56px; height: 56px; border-radius: 50%; cursor: pointer; display: grid; place-items: center;
      background: var(--accent, #333); color: var(--ink, #fff); box-shadow: 0 4px 16px rgb(0 0 0 / .2); }
    button:hover { filter: brightness(1.08); }
    button:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 5px #111; }
    svg { width: 26px; height: 26px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round;
      stroke-linejoin: round; grid-area: 1 / 1; }
    .cross, .open .talk { visibility: hidden; }
    .open .cross { visibility: visible; }
    .badge { position: absolute; top: -3px; right: -3px; min-width: 21px; height: 21px; padding: 0 6px;
      box-sizing: border-box; border-radius: 999px; background: #b3261e; color: #fff; border: 2px solid #fff;
      font: 600 12px/17px system-ui, sans-serif; text-align: center; }
    .box { position: fixed; right: 20px; bottom: 88px; z-index: 2147483000; width: 360px;
      height: min(580px, calc(100vh - 108px)); border-radius: 18px; overflow: hidden; background: #fff;
      box-shadow: 0 10px 40px rgb(0 0 0 / .18), 0 0 0 1px rgb(0 0 0 / .06); }
    iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: light; }
    .box:not(.open) { visibility: hidden; pointer-events: none; }
    @media (max-width: 480px), (max-height: 420px) {
      .box { inset: 0; width: auto; height: 100vh; height: 100dvh; border-radius: 0; box-shadow: none; }
      button.open { display: none; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .box { transition: opacity .14s ease-out, transform .14s ease-out, visibility 0s; transform-origin: bottom right; }
      .box:not(.open) { opacity: 0; transform: translateY(8px) scale(.985); }
    }`;

  const label = (count) => {
    const unread = count ? ` (${count} ${words.unread})` : "";
    launcher.setAttribute("aria-label", (opened ? words.close : words.open) + unread);
  };

  const show = (wanted) => {
    if (wanted === opened || !ready) return;
    opened = wanted;
    box.classList.toggle("open", opened);
    launcher.classList.toggle("open", opened);
    launcher.setAttribute("aria-expanded", String(opened));
    label(0);
    tell({ type: opened ? "open" : "close" });
    if (opened) {
      before = document.activeElement;
      frame.focus();
    } else if (document.activeElement === host) {
      // Back to where the visitor was; to the button when he came from nowhere.
      const elsewhere = before && before !== document.body && before !== host && before.isConnected;
      (elsewhere ? before : launcher).focus();
    }
    emit(opened ? "open" : "close");
  };

  const host = document.createElement("div");
  const build = () => {
    const root = host.attachShadow({ mode: "open" });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
    } catch {
      const element = document.createElement("style");
      element.textContent = style;
      root.append(element);
    }
    launcher = document.createElement("button");
    launcher.type = "button";
    launcher.hidden = true;
    launcher.style.display = "none";
    launcher.setAttribute("aria-expanded", "false");
    launcher.setAttribute("aria-haspopup", "dialog");
    launcher.append(
      icon("talk", "M12 4c-4.7 0-8.5 3.2-8.5 7.2 0 2.2 1.2 4.2 3.1 5.5L6 20l3.7-1.9c.7.2 1.5.3 2.3.3 4.7 0 8.5-3.2 8.5-7.2S16.7 4 12 4z"),
      icon("cross", "M6 9.5l6 6 6-6"),
    );
    badge = document.createElement("span");
    badge.className = "badge";
    badge.hidden = true;
    badge.style.display = "none";
    launcher.append(badge);
    launcher.addEventListener("click", () => show(!opened));
    box = document.createElement("div");
    box.className = "box";
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", words.chat);
    frame = document.createElement("iframe");
    frame.title = words.chat;
    frame.setAttribute("allow", "clipboard-write");
    frame.addEventListener("load", () => {
      // Nobody answers where the page's origin is not on the channel's list: then nothing is shown.
      frame.contentWindow.postMessage({ omni: 1, type: "hello", page: page(), identity, saved: saved() }, base.origin);
    });
    frame.src = new URL("frame", base).href;
    box.append(frame);
    root.append(box, launcher);
    document.body.append(host);
  };

  window.addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== base.origin) return;
    const message = event.data;
    if (!message || message.omni !== 1) return;
    if (message.type === "ready") {
      host.style.setProperty("--accent", message.accent);
      host.style.setProperty("--ink", message.ink);
      box.setAttribute("aria-label", message.title);
      frame.title = message.title;
      launcher.hidden = false;
      launcher.style.display = "";
      label(0);
      if (!ready) {
        ready = true;
        while (waiting.length) {
          const next = waiting.shift();
          if (next.show === undefined) tell(next);
          else show(next.show);
        }
        emit("ready");
      }
    } else if (message.type === "keep") {
      keep(String(message.key), message.value);
    } else if (message.type === "close") {
      show(false);
    } else if (message.type === "unread") {
      badge.hidden = !message.count;
      badge.style.display = message.count ? "" : "none";
      badge.textContent = message.count > 99 ? "99+" : String(message.count);
      label(message.count);
      emit("unread", { count: message.count });
    } else if (message.type === "event") {
      emit(String(message.name), message.data);
    }
  });

  window.addEventListener("storage", (change) => {
    if (ready && change.key?.startsWith(prefix)) {
      tell({ type: "stored", key: change.key.slice(prefix.length), value: change.newValue });
    }
  });

  if (brought) waiting.push({ show: true }, { type: "continue", token: brought });
  const wish = (wanted) => (ready ? show(wanted) : waiting.push({ show: wanted }));
  window.OmniChat = Object.freeze({
    open: () => wish(true),
    close: () => wish(false),
    identify(token) {
      identity = token;
      tell({ type: "identify", identity: token });
    },
    reset() {
      identity = null;
      tell({ type: "reset" });
    },
    on(name, listener) {
      const known = listeners.get(name) || new Set();
      listeners.set(name, known.add(listener));
      return () => known.delete(listener);
    },
  });
  if (document.body) build();
  else document.addEventListener("DOMContentLoaded", build);
  window.dispatchEvent(new Event("omnichat"));
})();
