/* Omni Console site chat: what was said, as it is shown. MIT License, see LICENSE.
   What people wrote is only ever set as text, never as HTML. */
"use strict";
// `call` asks the server for files; `firstPending` is the first node of what is still being sent, or null.
const omniHistory = ({ config, words, language, call, firstPending }) => {
  const $ = (id) => document.getElementById(id);
  let lastSeq = 0;
  let ourSeq = 0; // newest message of an operator
  let lastDay = "";
  let lastAuthor = null;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const bytesText = (size) => {
    const [b, kb, mb] = words.units;
    if (size < 1000) return `${size} ${b}`;
    return size < 1_000_000 ? `${Math.round(size / 1000)} ${kb}` : `${(size / 1_000_000).toFixed(1)} ${mb}`;
  };

  const log = $("log");
  const scroll = $("scroll");
  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const toEnd = () => {
    scroll.scrollTop = scroll.scrollHeight;
    $("newer").hidden = true;
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

  let lastTimed = null;
  const timed = (node, mine, at) => {
    // The time stands only under the last of several messages of one side.
    if (lastTimed && lastTimed.mine === mine && at - lastTimed.at < 300_000) meta(lastTimed.node).textContent = "";
    meta(node).textContent = clock(at);
    lastTimed = { node, mine, at };
  };

  // False for what was shown before, and for what shows nothing.
  const isNew = (message) => {
    if (message.seq <= lastSeq) return false;
    lastSeq = message.seq;
    return Boolean(message.text || message.files.length);
  };
  // `own`: what stood for it while it was being sent.
  const show = (message, own, live) => {
    $("greeting")?.remove();
    const stay = atEnd() || message.mine;
    const first = own?.classList.contains("first");
    own?.remove();
    day(message.at);
    const node = messageNode(message, false);
    if (first) node.classList.add("first");
    if (live && !own) node.classList.add("new");
    log.insertBefore(node, firstPending());
    timed(node, message.mine, message.at);
    if (!message.mine) ourSeq = message.seq;
    if (stay) toEnd();
    else $("newer").hidden = false;
  };
  // What is being sent stands at the end.
  const append = (message) => {
    $("greeting")?.remove();
    const node = messageNode(message, true);
    log.append(node);
    return node;
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
    lastSeq = ourSeq = 0;
    lastDay = "";
    lastAuthor = lastTimed = null;
    log.setAttribute("aria-live", "off");
    greeting();
  };

  let staying = true; // at the end, also when a notice or the keyboard takes room away
  scroll.addEventListener("scroll", () => {
    staying = atEnd();
    if (staying) $("newer").hidden = true;
  });
  new ResizeObserver(() => { if (staying) toEnd(); }).observe(scroll);

  return {
    append, clear, element, greeting, isNew, meta, show, atEnd, toEnd, bytesText, whenText,
    get lastSeq() { return lastSeq; },
    get ourSeq() { return ourSeq; },
  };
};
