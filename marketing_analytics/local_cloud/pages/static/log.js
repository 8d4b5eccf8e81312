// The log of one step: only the visible lines are in the page, however long the log is.
"use strict";
(() => {
  const LINE = 20; // px, as in the stylesheet
  const CHUNK = 200; // lines per request
  const KEPT = 60; // chunks in memory
  const POLL_SECONDS = 1;
  const CLASSES = new Set(["a-bold", "a-dim", "a-black", "a-red", "a-green", "a-yellow", "a-blue", "a-magenta", "a-cyan", "a-white"]);
  const LEVELS = new Set(["debug", "info", "warn", "error"]);

  const view = document.getElementById("logview");
  if (!view) return;
  const find = (name) => view.querySelector(`[data-${name}]`);
  const box = find("virtual"), space = find("space"), rows = find("rows"), status = find("logstatus");
  const times = find("times"), wrap = find("wrap"), copyLine = find("copyline");
  const search = find("logsearch"), level = find("loglevel"), follow = find("follow"), firstError = find("firsterror");
  const state = { step: 0, total: 0, size: 0, firstError: null, active: false, chunks: new Map(), pending: new Set(), matches: null, more: false, mark: 0, turn: 0, pinned: false, times: kept("times", true), wrap: kept("wrap", false), columns: 80, rows: new Map() };
  let drawn = "";

  // how the log is shown is remembered by the browser, where it remembers anything
  function kept(name, usual) {
    try { return (localStorage.getItem(`log-${name}`) ?? String(usual)) === "true"; } catch { return usual; }
  }
  function keep(name) {
    try { localStorage.setItem(`log-${name}`, String(state[name])); } catch { /* then for this page alone */ }
  }

  const addressOf = (query) => `/runs/${view.dataset.run}/steps/${state.step}/lines?${new URLSearchParams(query)}`;

  // the address of this page at a step and a line; how its lanes are shown is kept
  function pageOf(step, line) {
    const query = new URLSearchParams(location.search);
    query.set("step", step);
    if (line) query.set("line", line); else query.delete("line");
    return `?${query}#log`;
  }

  async function ask(query) {
    const turn = state.turn;
    const answer = await fetch(addressOf(query), { cache: "no-store", headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    return turn === state.turn ? found : null; // another step or search was chosen meanwhile
  }

  function take(found) {
    state.total = found.total;
    state.size = found.size_bytes;
    state.firstError = found.first_error;
    state.active = found.is_active;
    firstError.disabled = !found.first_error;
  }

  async function load(chunk) {
    if (state.pending.has(chunk)) return;
    state.pending.add(chunk);
    const turn = state.turn;
    try {
      const found = await ask({ first: chunk * CHUNK + 1, count: CHUNK });
      if (!found) return;
      take(found);
      const before = topOf((chunk + 1) * CHUNK), isAbove = before <= box.scrollTop;
      state.chunks.delete(chunk);
      state.chunks.set(chunk, found.lines);
      measure(chunk);
      // what is looked at stays where it is
      if (isAbove) box.scrollTop += topOf((chunk + 1) * CHUNK) - before;
      for (const old of state.chunks.keys()) {
        if (state.chunks.size <= KEPT) break;
        state.chunks.delete(old);
      }
      draw(true);
    } catch { say("The log could not be read; trying again."); }
    finally { if (turn === state.turn) state.pending.delete(chunk); }
  }

  const count = () => (state.matches ? state.matches.length : state.total);
  function lineAt(place) {
    if (state.matches) return state.matches[place];
    return state.chunks.get(Math.floor(place / CHUNK))?.[place % CHUNK];
  }

  // a line takes one row of the screen, or as many as it needs when it is wrapped
  const TIME = /^\d{2}:\d{2}:\d{2} {2}/;
  const shown = (words, place) => (place === 0 && !state.times ? words.replace(TIME, "") : words);
  function rowsOf(place) {
    const line = state.wrap ? lineAt(place) : null;
    if (!line) return 1;
    const length = line[2].reduce((sum, [, words], at) => sum + shown(words, at).length, 0);
    return Math.max(1, Math.ceil(length / state.columns));
  }
  function rowsBetween(first, last) {
    let sum = 0;
    for (let place = first; place < last; place += 1) sum += rowsOf(place);
    return sum;
  }
  // lines that are not read yet count as one row each
  function measure(chunk) {
    const length = state.chunks.get(chunk)?.length ?? 0;
    if (state.wrap && !state.matches && length) state.rows.set(chunk, rowsBetween(chunk * CHUNK, chunk * CHUNK + length) + (CHUNK - length));
  }
  function topOf(place) {
    if (!state.wrap) return place * LINE;
    if (state.matches) return rowsBetween(0, place) * LINE;
    const whole = Math.floor(place / CHUNK);
    let sum = rowsBetween(whole * CHUNK, place);
    for (let chunk = 0; chunk < whole; chunk += 1) sum += state.rows.get(chunk) ?? CHUNK;
    return sum * LINE;
  }
  function placeAt(top) {
    let left = Math.floor(top / LINE), place = 0;
    if (!state.wrap) return left;
    while (!state.matches && place + CHUNK < count() && left >= (state.rows.get(place / CHUNK) ?? CHUNK)) {
      left -= state.rows.get(place / CHUNK) ?? CHUNK;
      place += CHUNK;
    }
    while (place < count() && left >= rowsOf(place)) left -= rowsOf(place++);
    return place;
  }
  function reshape(change) {
    const anchor = placeAt(box.scrollTop);
    change?.();
    const probe = document.createElement("span");
    for (const [button, on] of [[times, state.times], [wrap, state.wrap]]) button.setAttribute("aria-pressed", String(on));
    box.classList.toggle("wrapped", state.wrap);
    probe.textContent = "0".repeat(100);
    rows.append(probe);
    const gutter = rows.querySelector(".ln > a")?.offsetWidth ?? 70;
    state.columns = Math.max(20, Math.floor((box.clientWidth - gutter - 24) / (probe.getBoundingClientRect().width / 100 || 8)));
    probe.remove();
    box.style.setProperty("--columns", `${state.columns}ch`);
    state.rows.clear();
    for (const chunk of state.chunks.keys()) measure(chunk);
    space.style.height = `${topOf(count())}px`;
    if (isFollowing()) toEnd();
    else box.scrollTop = topOf(anchor);
    draw(true);
  }

  function draw(force) {
    const height = topOf(count());
    space.style.height = `${height}px`;
    box.style.height = `min(70vh, ${Math.min(640, Math.max(3 * LINE, height) + 18)}px)`;
    const first = Math.max(0, placeAt(box.scrollTop) - 10);
    const last = Math.min(count(), placeAt(box.scrollTop + box.clientHeight) + 11);
    const key = `${state.turn}:${first}:${last}`;
    if (!force && key === drawn) return;
    drawn = key;
    const made = document.createDocumentFragment();
    for (let place = first; place < last; place += 1) made.append(row(place));
    rows.replaceChildren(made);
    rows.style.transform = `translateY(${topOf(first)}px)`;
    if (state.matches) return;
    for (let chunk = Math.floor(first / CHUNK); chunk <= Math.floor(Math.max(first, last - 1) / CHUNK); chunk += 1) {
      if (!state.chunks.has(chunk) && count() > 0) load(chunk);
    }
  }

  function row(place) {
    const line = lineAt(place);
    const element = document.createElement("div");
    element.className = "ln";
    const link = document.createElement("a");
    element.append(link);
    if (!line) return element;
    const [number, rank, pieces] = line;
    if (LEVELS.has(rank)) element.classList.add(`l-${rank}`);
    if (number === state.mark) element.classList.add("at");
    link.href = pageOf(state.step, number);
    link.textContent = String(number);
    link.dataset.number = String(number);
    const text = document.createElement("span");
    for (const [at, [classes, words]] of pieces.entries()) {
      const part = document.createElement("i");
      part.className = classes.split(" ").filter((name) => CLASSES.has(name)).join(" ");
      part.textContent = shown(words, at);
      text.append(part);
    }
    element.append(text);
    return element;
  }

  function say(words) { if (status.textContent !== words) status.textContent = words; }
  function sayTotals() {
    const lines = `${state.total.toLocaleString("en")} lines, ${sizeWords(state.size)}`;
    if (state.matches) say(`${state.matches.length.toLocaleString("en")}${state.more ? "+" : ""} matching of ${lines}`);
    else say(state.total ? lines + (state.active ? " so far" : "") : state.active ? "Waiting for the first line…" : "This log is empty.");
  }
  function sizeWords(bytes) {
    if (bytes < 1000) return `${bytes} B`;
    return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  }

  const isFollowing = () => follow.getAttribute("aria-pressed") === "true";
  function setFollow(on) {
    follow.setAttribute("aria-pressed", String(on));
    if (on) toEnd();
  }
  function toEnd() { box.scrollTop = topOf(count()); draw(); }
  function toLine(number) {
    setFollow(false);
    mark(number);
    if (state.matches) clearFilter();
    space.style.height = `${topOf(count())}px`;
    box.scrollTop = Math.max(0, topOf(number - 1) - box.clientHeight / 3);
    draw(true);
  }
  function mark(number) {
    state.mark = number;
    copyLine.disabled = !number;
    copyLine.dataset.copy = pageOf(state.step, number);
    copyLine.title = number ? `the address of line ${number}` : "choose a line by its number first";
  }

  async function openStep(step, line) {
    state.turn += 1;
    Object.assign(state, { step, total: 0, size: 0, firstError: null, matches: null });
    mark(line || 0);
    state.chunks.clear();
    state.rows.clear();
    state.pending.clear();
    view.hidden = false;
    document.getElementById("nolog")?.remove();
    document.getElementById("logname").textContent = `step ${step}`;
    view.querySelector(".plainlog")?.remove();
    find("raw").href = `/runs/${view.dataset.run}/steps/${step}/log`;
    find("events").href = `/runs/${view.dataset.run}/steps/${step}/events`;
    find("debug").href = `/runs/${view.dataset.run}/steps/${step}/log?debug=1`;
    box.hidden = false;
    rows.replaceChildren();
    reshape();
    await load(0);
    sayTotals();
    if (line) toLine(line);
    else if (state.active || state.firstError === null) setFollow(state.active), toEnd();
    else toLine(state.firstError);
    if (search.value || level.value) filter();
  }

  async function filter() {
    const text = search.value.trim();
    if (!text && !level.value) { clearFilter(); draw(true); sayTotals(); return; }
    state.turn += 1;
    state.pending.clear();
    try {
      const found = await ask({ search: text, level: level.value });
      if (!found) return;
      take(found);
      const isFirst = state.matches === null;
      state.matches = found.lines;
      state.more = found.has_more;
      if (isFirst) box.scrollTop = 0;
      draw(true);
      sayTotals();
    } catch { say("The log could not be searched; trying again."); }
  }
  function clearFilter() { state.turn += 1; state.pending.clear(); state.matches = null; search.value = ""; level.value = ""; }

  async function poll() {
    for (;;) {
      await new Promise((done) => setTimeout(done, POLL_SECONDS * 1000));
      if (!state.active || document.hidden) { if (!runIsLive() && !state.active) return; continue; }
      if (state.matches) { await filter(); continue; }
      const lastChunk = Math.floor(Math.max(0, state.total - 1) / CHUNK);
      await load(lastChunk);
      sayTotals();
      if (isFollowing()) toEnd();
    }
  }
  const intoView = () => document.getElementById("log").scrollIntoView({ block: "start" });
  const runIsLive = () => Boolean(document.getElementById("runlive")?.dataset.live);

  let timer = 0;
  const soon = () => { clearTimeout(timer); timer = setTimeout(filter, 250); };
  search.addEventListener("input", soon);
  level.addEventListener("change", filter);
  find("logbar").addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  box.addEventListener("scroll", () => requestAnimationFrame(() => draw()), { passive: true });
  box.addEventListener("wheel", (event) => { if (event.deltaY < 0) setFollow(false); }, { passive: true });
  addEventListener("resize", () => reshape());
  for (const [button, name] of [[times, "times"], [wrap, "wrap"]]) {
    button.addEventListener("click", () => { reshape(() => { state[name] = !state[name]; }); keep(name); });
  }
  follow.addEventListener("click", () => setFollow(!isFollowing()));
  firstError.addEventListener("click", () => { if (state.firstError) toLine(state.firstError); });
  rows.addEventListener("click", (event) => {
    const number = Number(event.target.dataset?.number);
    if (!number) return;
    event.preventDefault();
    mark(number);
    history.replaceState(null, "", pageOf(state.step, number));
    draw(true);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-step-link]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    state.pinned = true;
    const step = Number(link.dataset.stepLink), line = Number(link.dataset.lineLink || 0);
    history.replaceState(null, "", pageOf(step, line));
    if (step === state.step && line) toLine(line);
    else openStep(step, line);
    intoView();
  });
  document.addEventListener("live", (event) => {
    // the run has moved on to its next step: so does the log, unless a step was chosen
    const step = Number(event.detail.dataset.step);
    if (step && step !== state.step && !state.pinned && (isFollowing() || !state.step)) openStep(step, 0);
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select") || event.ctrlKey || event.metaKey) return;
    if (event.key === "e" && state.firstError) { toLine(state.firstError); intoView(); }
    if (event.key === "w") wrap.click();
    if (event.key === "t") times.click();
    if (event.key === "f") { setFollow(!isFollowing()); intoView(); }
  });

  const step = Number(view.dataset.step);
  state.pinned = new URLSearchParams(location.search).has("step");
  if (step) openStep(step, Number(view.dataset.line)).then(poll);
  else poll();
})();
