/* Omni Console site chat: the panel. MIT License, see LICENSE.
   Its parts are in words.js, keeping.js, history.js, link.js and writing.js, which are loaded before it. */
(() => {
  "use strict";
  const HIDDEN_MS = 300_000; // after this long in the background the stream is let go
  const root = document.documentElement;
  const config = JSON.parse(root.dataset.config);
  const base = location.pathname.replace(/frame$/, "");
  const language = /^ru/i.test(navigator.language) ? "ru" : "en";
  const $ = (id) => document.getElementById(id);
  const prefix = `omni:${base}`;
  const words = OMNI_WORDS[language];

  // Shared with link.js and writing.js, which read what is so now; `blocked`: why nothing can be written.
  const chat = { token: null, visitor: "", identity: null, blocked: "", page: {} };

  // --- the page around us ------------------------------------------------------------------------

  let parentOrigin = null;
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

  const store = omniKeeping(prefix, tell);

  // --- state -------------------------------------------------------------------------------------

  let opened = false;
  let readSeq = 0;
  let unread = new Set();
  let emailKnown = false;
  let operator = "";
  let state = "";
  let opensAt = null; // nobody is there until then
  let asked = false; // where an answer can reach him meanwhile
  let replayed = false; // the history is there; what comes now is new

  // --- what is shown -----------------------------------------------------------------------------

  const notice = (text, bad) => {
    const line = $("notice");
    if (line.textContent !== (text || "")) line.textContent = text || "";
    line.hidden = !text;
    line.classList.toggle("bad", Boolean(bad));
  };

  const history = omniHistory({
    config, words, language,
    call: (method, path) => link.call(method, path),
    firstPending: () => writing.first(),
  });
  const { element } = history;

  const header = () => {
    const name = operator.split(" ")[0];
    $("title").textContent = config.title;
    $("face").textContent = (name || config.title || "?").trim().charAt(0).toUpperCase();
    const open = config.hours ? words.hours(config.hours) : words.nobody;
    const hours = opensAt ? words.away(history.whenText(opensAt)) : open;
    $("state").textContent = state === "closed" ? words.closed : name && !opensAt ? words.someone(name) : hours;
    $("state").title = $("state").textContent;
  };

  // He may be gone before anybody comes: he is asked once where the answer shall go.
  const askWhere = () => {
    $("mail-label").textContent = opensAt ? words.awaylabel(history.whenText(opensAt)) : words.leavelabel;
    if (!opensAt || asked || emailKnown || !history.lastSeq || !chat.token) return;
    asked = true;
    const stay = history.atEnd();
    $("mail").hidden = false;
    if (stay) history.toEnd();
  };

  const clear = () => {
    writing.clear();
    unread = new Set();
    replayed = false;
    operator = state = "";
    header();
    history.clear();
  };

  const footer = () => {
    const line = $("more");
    line.textContent = "";
    if (config.links.length) line.append(element("span", "", words.more));
    const leadTo = (title, url) => {
      const away = element("a", "", title);
      away.href = url;
      away.target = "_blank";
      away.rel = "noopener noreferrer";
      line.append(away);
    };
    for (const { title, url } of config.links) leadTo(title, url);
    if (chat.token && !emailKnown && history.lastSeq) {
      const leave = element("button", "", words.leave);
      leave.type = "button";
      leave.id = "leave";
      leave.addEventListener("click", () => {
        $("mail").hidden = false;
        $("address").focus();
      });
      line.append(leave);
    }
    if (config.privacy_url) leadTo(words.privacy, config.privacy_url);
  };

  // --- what the server says ----------------------------------------------------------------------

  const block = (why) => {
    chat.blocked = why;
    $("text").disabled = Boolean(why);
    $("attach").disabled = Boolean(why);
    $("composer").classList.toggle("off", Boolean(why));
    if (why) notice(why, true);
    else if ($("notice").classList.contains("bad")) notice("");
  };

  const showMessage = (message, live) => {
    if (!history.isNew(message)) return;
    history.show(message, writing.arrived(message.client_id), live);
    if (message.mine) return;
    if (message.seq > readSeq) unread.add(message.seq);
    if (live) event("message", { author: message.author });
    seen();
  };

  const link = omniLink({
    base, prefix, config, words, chat, store,
    on: {
      identity: (data) => event("identity", data),
      blocked: block,
      taken(answer, other) {
        if (other) {
          readSeq = 0;
          clear();
          writing.restore();
        }
        readSeq = Math.max(readSeq, answer.read_seq);
        emailKnown = answer.email_known || answer.phone_known;
        block("");
        footer();
        seen();
      },
      lost: () => writing.disown(),
      since: () => history.lastSeq,
      connected() {
        if (!chat.blocked) notice("");
        writing.flush();
      },
      broken: () => notice(writing.size ? words.offline : words.broken),
      heard(name, body) {
        if (name === "message") showMessage(body, replayed);
        else if (name === "state") {
          ({ operator, state } = body);
          opensAt = body.opens_at || null;
          header();
          askWhere();
          history.greeting();
          footer();
          replayed = true;
          $("log").setAttribute("aria-live", "polite");
          event("state", { state, operator });
        }
      },
    },
  });
  const writing = omniWriting({ config, words, chat, store, link, history, notice, event });

  // --- reading -----------------------------------------------------------------------------------

  let reading = 0;
  const seen = () => {
    const looking = opened && document.visibilityState === "visible";
    if (looking && history.ourSeq > readSeq) {
      clearTimeout(reading);
      reading = setTimeout(async () => {
        const seq = history.ourSeq;
        try {
          if ((await link.call("POST", "read", { seq })).ok) store.set("read", String(seq));
        } catch { /* told with the next message, or at the next visit */ }
      }, 400);
      readSeq = history.ourSeq;
    }
    for (const seq of unread) if (seq <= readSeq) unread.delete(seq);
    tell({ type: "unread", count: unread.size });
  };

  // --- open and closed ----------------------------------------------------------------------------------

  const open = () => {
    opened = true;
    history.greeting();
    seen();
    history.toEnd();
    $("text").focus();
    if (!link.streaming) begin();
  };
  const close = () => {
    opened = false;
    seen();
  };

  const signOut = async () => {
    link.stop();
    if (chat.token) link.call("DELETE", "session").catch(() => { /* the token runs out by itself */ });
    for (const key of store.keys("")) store.remove(key);
    chat.token = null;
    chat.visitor = "";
    chat.identity = null;
    emailKnown = false;
    readSeq = 0;
    clear();
    footer();
    seen();
    if (opened) open();
  };

  // He is asked first: programs that look at links open pages, too.
  const offerContinuing = (code) => {
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
        if (!chat.token && !(await link.ensure())) return;
        const answer = await link.call("POST", "continue", { token: code });
        if (!answer.ok && answer.status !== 400) throw new Error(`continue ${answer.status}`);
        const joined = answer.ok && (await answer.json()).continued;
        $("goon").hidden = true;
        notice(joined ? words.joined : words.over, !joined);
        link.start();
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
    if (message.page) chat.page = message.page;
    const known = message.identity || null;
    if (message.type === "hello") {
      chat.identity = known;
      remember(message.saved);
      tell({ type: "ready", title: config.title, accent: config.accent, ink: ink(config.accent) });
      begin();
    } else if (message.type === "identify") {
      chat.identity = known;
      begin();
    } else if (message.type === "open") open();
    else if (message.type === "close") close();
    else if (message.type === "continue") offerContinuing(String(message.token));
    else if (message.type === "reset") signOut();
    else if (message.type === "stored" && store.changed(message.key, message.value)) {
      elsewhere(message.key, message.value);
    }
  });

  // Nothing is asked of the server for a visitor who has never opened the chat.
  const begin = async () => {
    for (let failures = 1; chat.token || opened || writing.size; failures++) {
      try {
        const there = await link.ensure();
        if (chat.identity && chat.identity !== link.presented) continue;
        if (there) {
          link.start();
          writing.flush();
        }
        return;
      } catch {
        if (failures > 1) notice(words.broken);
        await link.pause(Math.min(30_000, 1500 * failures));
      }
    }
  };

  // Another tab began, ended or read something.
  const elsewhere = (key, value) => {
    if (key === "token" && store.get("token") !== chat.token) {
      link.stop();
      chat.token = store.get("token");
      chat.visitor = store.get("visitor") || "";
      readSeq = Number(store.get("read")) || 0;
      clear();
      writing.restore();
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
    store.recall(saved);
    chat.token = store.get("token");
    chat.visitor = store.get("visitor") || "";
    readSeq = Number(store.get("read")) || 0;
    writing.restoreDraft();
    clear();
    writing.restore();
    footer();
  };

  let hiding = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") hiding = setTimeout(link.stop, HIDDEN_MS);
    else {
      link.wake();
      if (chat.token) link.start();
      seen();
    }
  });
  window.addEventListener("online", () => link.wake());
  document.addEventListener("keydown", (key) => {
    if (key.key === "Escape") {
      if (!$("mail").hidden) {
        $("mail").hidden = true;
        $("text").focus();
      } else tell({ type: "close" });
    }
  });
  $("close").addEventListener("click", () => tell({ type: "close" }));
  $("newer").addEventListener("click", () => { history.toEnd(); $("text").focus(); });
  $("mail").addEventListener("submit", async (sending) => {
    sending.preventDefault();
    const wrong = (text) => {
      $("mail-error").textContent = text;
      $("mail-error").hidden = !text;
    };
    wrong("");
    try {
      const where = $("address").value;
      const answer = await link.call("POST", "contact", where.includes("@") ? { email: where } : { phone: where });
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
  history.greeting();
  footer();
})();
