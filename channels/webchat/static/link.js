/* Omni Console site chat: the session with the server, and the stream of what is said there.
   Speaks version 1 of the chat protocol. MIT License, see LICENSE. */
"use strict";
// `chat`: token, visitor, identity, blocked and page as they are now, shared with panel.js. What happens is told to `on`.
const omniLink = ({ base, prefix, config, words, chat, store, on }) => {
  const PROTOCOL = 1;
  const SILENCE_MS = 40_000; // the server says something every 15 s
  let presented = null; // the identity that the server has judged

  const call = (method, path, body, signal) => {
    const headers = {};
    if (chat.token) headers.Authorization = `Bearer ${chat.token}`;
    if (body && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    return fetch(base + path, { method, headers, body, signal, cache: "no-store", credentials: "omit" });
  };
  const codeOf = async (answer) => {
    try { return (await answer.json()).error.code || ""; } catch { return ""; }
  };

  // --- waiting -----------------------------------------------------------------------------------

  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const waiters = new Set();
  const wake = () => {
    for (const resolve of waiters) resolve();
    waiters.clear();
  };
  const woken = () => new Promise((resolve) => waiters.add(resolve));
  // Before it is tried again: so long, or until the network or the visitor is back.
  const pause = (ms) => Promise.race([wait(ms), woken()]);

  // --- the session -------------------------------------------------------------------------------

  const take = (answer) => {
    const other = Boolean(chat.visitor) && answer.visitor !== chat.visitor;
    if (other) stop();
    if (answer.token) {
      chat.token = answer.token;
      store.set("token", chat.token);
    }
    chat.visitor = answer.visitor;
    store.set("visitor", chat.visitor);
    on.taken(answer, other);
    if (other) setTimeout(start);
    return true;
  };

  // True once there is a session. Throws when the network does not answer.
  const openSession = async () => {
    for (let round = 0; round < 3; round++) {
      const sent = chat.identity;
      presented = sent;
      const body = { protocol: PROTOCOL, identity: sent || undefined, page: chat.page };
      const answer = await call("POST", "session", body);
      if (answer.ok) {
        if (sent) on.identity({ ok: true });
        return take(await answer.json());
      }
      const code = await codeOf(answer);
      if (answer.status === 401 && sent) {
        on.identity({ ok: false, code });
        if (chat.identity === sent) chat.identity = null;
        if (config.anonymous || chat.token) continue;
        on.blocked(words.signinagain);
        return false;
      }
      if (answer.status === 403 && code === "identity_required") {
        on.blocked(words.signin);
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
  const ensure = () => {
    opening ??= locked(() => {
      chat.token = store.get("token");
      return openSession();
    }).finally(() => { opening = null; });
    return opening;
  };

  const lost = async () => {
    // The server does not know the token any more: unless another tab has a newer one, begin anew.
    if (store.get("token") === chat.token) {
      store.remove("token");
      store.remove("visitor");
    }
    chat.token = store.get("token");
    const adopt = on.lost();
    const there = await ensure();
    adopt();
    return there;
  };

  // --- the stream --------------------------------------------------------------------------------

  let streaming = null;
  let connected = false;
  const stop = () => {
    streaming?.abort();
    streaming = null;
    connected = false;
  };
  const start = () => {
    if (streaming || !chat.token) return;
    const control = new AbortController();
    streaming = control;
    follow(control).finally(() => {
      if (streaming === control) streaming = null;
    });
  };

  const follow = async (control) => {
    let apart = 3000;
    let failures = 0;
    while (!control.signal.aborted && chat.token) {
      try {
        if (await readStream(control, (ms) => { apart = ms; failures = 0; }) === 401 && !control.signal.aborted) {
          if (!(await lost())) return;
        }
      } catch { /* below: try again */ }
      connected = false;
      if (control.signal.aborted) return;
      failures += 1;
      if (failures > 1) on.broken();
      const longest = Math.min(30_000, apart * 1.6 ** Math.min(failures - 1, 6));
      await pause(longest * (0.7 + Math.random() * 0.6));
    }
  };

  const readStream = async (control, alive) => {
    const own = new AbortController();
    const end = () => own.abort();
    control.signal.addEventListener("abort", end);
    let guard = setTimeout(end, SILENCE_MS);
    try {
      const headers = { Accept: "text/event-stream", Authorization: `Bearer ${chat.token}` };
      const since = on.since();
      if (since) headers["Last-Event-ID"] = String(since);
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
          on.connected();
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

  const handle = (block, alive) => {
    let name = "message";
    let data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("retry: ")) alive(Number(line.slice(7)) || 3000);
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (data) on.heard(name, JSON.parse(data));
  };

  return {
    call, codeOf, ensure, lost, pause, start, stop, wake,
    get connected() { return connected; },
    get presented() { return presented; },
    get streaming() { return Boolean(streaming); },
  };
};
