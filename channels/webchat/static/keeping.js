/* Omni Console site chat: what the browser remembers between visits. MIT License, see LICENSE. */
"use strict";
// A browser that gives a foreign frame no storage leaves it to the page around us, which is told by `tell`.
const omniKeeping = (prefix, tell) => {
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

  // What the page around us remembers: all of it, or what another frame has changed.
  const recall = (saved) => {
    if (!local) for (const [key, value] of Object.entries(saved || {})) memory.set(key, String(value));
  };
  const changed = (key, value) => {
    if (local) return false;
    if (value === null) memory.delete(key);
    else memory.set(key, value);
    return true;
  };
  return { ...store, recall, changed };
};
