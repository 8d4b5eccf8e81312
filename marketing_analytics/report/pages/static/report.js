/* Filters, kept in the address; data files, loaded when asked for; the pages' one clock. */
"use strict";
const report = (() => {
  const loaded = {}, waiting = {}, listeners = [];
  const body = document.body;
  const DAY_MS = 86400000, STALE_HOURS = 26;

  /* data files are scripts that call this: pages from a disk may load nothing else */
  function add(name, data) {
    loaded[name] = data;
    for (const resolve of waiting[name] || []) resolve(data);
    delete waiting[name];
  }
  function script(source) {
    return new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = source;
      element.onload = resolve;
      element.onerror = () => reject(new Error(`${source} does not load: reload the page, a newer build may have replaced this one`));
      document.head.append(element);
    });
  }
  const loading = {};
  function load(name) {
    if (name in loaded) return Promise.resolve(loaded[name]);
    if (!loading[name]) {
      loading[name] = new Promise((resolve, reject) => {
        (waiting[name] ||= []).push(resolve);
        script(`${body.dataset.files}/${name}.js`).catch(reject);
      });
    }
    return loading[name];
  }
  let charts;
  const library = () => (charts ||= script(body.dataset.echarts).then(() => window.echarts));

  /* days as numbers from the first of the data */
  const time = (day) => Date.parse(`${day}T00:00:00Z`);
  const dayOf = (index) => new Date(time(loaded.overview.first_day) + index * DAY_MS).toISOString().slice(0, 10);
  const indexOf = (day) => Math.round((time(day) - time(loaded.overview.first_day)) / DAY_MS);
  /* some browsers take a 30th of February for a day of March */
  const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time(text)) && new Date(time(text)).toISOString().startsWith(text);
  const monthOf = (index) => dayOf(index).slice(0, 7);

  const RANGES = {
    last_7: "Last 7 days", last_28: "Last 28 days", last_90: "Last 90 days", month: "This month",
    last_month: "Last month", quarter: "This quarter", year: "This year", last_365: "Last 365 days", all: "All days", custom: "Other days …",
  };
  const COMPARES = { previous: "Days before", year: "Year before", plan: "Plan", none: "Nothing" };
  const CUSTOMERS = { all: "All", first_order: "New", repeat_order: "Returning" };
  const DAYS = { conversion: "Sale day", touch: "Touch day" };
  const GRAINS = { auto: "Automatic", day: "Days", week: "Weeks", month: "Months" };
  /* choices of a page's own blocks, kept in the address too: {value: text}, the first is the usual one */
  const own = {};
  const owned = (data) => Object.fromEntries(Object.entries(own).map(([name, options]) => [name, typeof options === "function" ? options(data) : options]));
  const choices = (data) => ({
    ...owned(data),
    range: RANGES, compare: COMPARES, customers: CUSTOMERS, day: DAYS, grain: GRAINS,
    model: Object.fromEntries(data.models.map((model) => [model, words.modelWords(model)])),
    window: Object.fromEntries(data.windows.map((days) => [String(days), words.plural(days, "day")])),
    currency: Object.fromEntries(data.currencies.map(({ code }) => [code, code])),
  });
  const defaults = (data) => ({
    ...Object.fromEntries(Object.entries(owned(data)).map(([name, options]) => [name, Object.keys(options)[0] ?? ""])),
    range: "last_28", compare: "previous", customers: "all", day: data.defaults.day, grain: "auto",
    model: String(data.defaults.model), window: String(data.defaults.window), currency: data.currencies[0].code, from: "", to: "",
  });

  /* what a page keeps in its address beside the filters: `keep("channel")` before it starts */
  const places = [];
  const placesUsual = () => Object.fromEntries(places.map((name) => [name, ""]));
  /* what the address asks for; what it cannot mean is left at the default */
  function read(data) {
    const asked = new URLSearchParams(location.search), found = { ...defaults(data), ...placesUsual() }, known = choices(data);
    for (const name of Object.keys(known)) {
      const value = asked.get(name);
      if (value !== null && Object.hasOwn(known[name], value)) found[name] = value;
    }
    for (const name of ["from", "to"]) {
      const value = asked.get(name) || "";
      if (isDay(value)) found[name] = value;
    }
    for (const name of places) found[name] = asked.get(name) || "";
    return found;
  }
  function query(state, data, isElsewhere = false) {
    const usual = defaults(data), kept = new URLSearchParams();
    for (const [name, value] of Object.entries(state)) if (value !== usual[name] && value !== "" && !(isElsewhere && places.includes(name))) kept.set(name, value);
    if (state.range !== "custom") { kept.delete("from"); kept.delete("to"); }
    const text = kept.toString();
    return text ? `?${text}` : "";
  }
  const monthStart = (day) => `${day.slice(0, 8)}01`;
  const dayBefore = (day) => new Date(time(day) - DAY_MS).toISOString().slice(0, 10);
  function span(state, data) {
    const last = data.last_day, end = data.days - 1, back = (days) => [Math.max(0, end - days + 1), end];
    const since = (day) => [Math.max(0, indexOf(day)), end];
    if (state.range.startsWith("last_") && state.range !== "last_month") return back(Number(state.range.slice(5)));
    if (state.range === "month") return since(monthStart(last));
    if (state.range === "last_month") {
      const to = dayBefore(monthStart(last));
      return indexOf(to) < 0 ? back(28) : [Math.max(0, indexOf(monthStart(to))), indexOf(to)];
    }
    if (state.range === "quarter") {
      const month = Math.floor((Number(last.slice(5, 7)) - 1) / 3) * 3 + 1;
      return since(`${last.slice(0, 5)}${String(month).padStart(2, "0")}-01`);
    }
    if (state.range === "year") return since(`${last.slice(0, 5)}01-01`);
    if (state.range === "custom" && (state.from || state.to)) {
      const clip = (index) => Math.min(end, Math.max(0, index));
      const from = clip(state.from ? indexOf(state.from) : 0), to = clip(state.to ? indexOf(state.to) : end);
      return from <= to ? [from, to] : [to, from];
    }
    return state.range === "custom" ? back(28) : [0, end];
  }
  /* what is compared with; null where it begins before the data do */
  function spanBefore([from, to], compare) {
    const days = compare === "previous" ? to - from + 1 : compare === "year" ? 364 : 0;
    return days && from - days >= 0 ? [from - days, to - days] : null;
  }
  function grain(state, [from, to]) {
    if (state.grain !== "auto") return state.grain;
    const days = to - from + 1;
    return days <= 92 ? "day" : days <= 400 ? "week" : "month";
  }
  /* the steps of a chart: [from, to, label] */
  function steps([from, to], size) {
    const found = [];
    let start = from;
    while (start <= to) {
      const month = monthOf(start);
      let end = size === "day" ? start : start;
      if (size === "week") end = Math.min(to, start + 6);
      if (size === "month") while (end < to && monthOf(end + 1) === month) end += 1;
      found.push([start, end, size === "month" ? words.monthWords(month) : words.dayWords(dayOf(start)).replace(/ \d{4}$/, "")]);
      start = end + 1;
    }
    return found;
  }

  let state, data;
  function fill(form) {
    for (const [name, known] of Object.entries(choices(data))) {
      const field = form.elements[name];
      if (!field) continue;
      field.replaceChildren(...Object.entries(known).map(([value, text]) => new Option(text, value)));
      field.value = state[name];
      // what is not built leaves nothing to choose
      field.parentElement.hidden = !field.options.length;
    }
    for (const name of ["from", "to"]) {
      const field = form.elements[name];
      if (field) [field.min, field.max, field.value] = [data.first_day, data.last_day, state[name]];
    }
    for (const label of form.querySelectorAll(".custom")) label.hidden = state.range !== "custom";
  }
  function show() {
    const [from, to] = span(state, data), days = to - from + 1;
    const isAlone = ["previous", "year"].includes(state.compare) && !spanBefore([from, to], state.compare);
    const against = isAlone ? ", with no days before to compare with" : { previous: `, against the ${days > 1 ? words.plural(days, "day") : "day"} before`, year: ", against the year before", plan: ", against the plan", none: "" }[state.compare];
    const line = document.querySelector("[data-range-words]");
    if (line && !data.has_days) line.textContent = "No days yet";
    else if (line) line.textContent = `${words.rangeWords(dayOf(from), dayOf(to))}${against}${state.day === "touch" ? `. Touches of the last ${words.plural(Number(state.window), "day")} may still lead to orders` : ""}`;
    const usual = defaults(data);
    const changed = Object.keys(choices(data)).filter((name) => !(name in own) && state[name] !== usual[name]).map((name) => choices(data)[name][state[name]]);
    const summary = document.querySelector("[data-filter-words]");
    if (summary) summary.textContent = changed.length ? `Filters: ${changed.join(", ")}` : "Filters";
    for (const link of document.querySelectorAll("[data-keeps-filters]")) {
      const [path, hash] = link.getAttribute("href").split("#");
      link.setAttribute("href", path.split("?")[0] + query(state, data, true) + (hash ? `#${hash}` : ""));
    }
  }
  /* `isStep`: the way back leads here again */
  function set(changes, isStep = false) {
    const from = span(state, data);
    state = { ...state, ...changes };
    if (changes.range === "custom" && !state.from) { state.from = dayOf(from[0]); state.to = dayOf(from[1]); }
    history[isStep ? "pushState" : "replaceState"](null, "", `${location.pathname}${query(state, data)}${location.hash}`);
    draw();
  }
  function draw() {
    const form = document.querySelector("[data-filters]");
    if (form) fill(form);
    show();
    Promise.all(listeners.map(async (listener) => listener(context()))).catch(complain).finally(() => { body.dataset.shown = ""; });
  }
  function complain(error) {
    console.error(error);
    const main = document.getElementById("main");
    if (document.querySelector("[data-failed]")) return;
    const note = document.createElement("p");
    note.className = "note t-error";
    note.dataset.failed = "";
    note.setAttribute("role", "alert");
    note.textContent = error.message;
    main.prepend(note);
  }
  /* everything a page needs to draw itself */
  function context() {
    const range = span(state, data), currency = data.currencies.find(({ code }) => code === state.currency);
    return {
      state, data, range, before: spanBefore(range, state.compare), grain: grain(state, range), currency: currency.code,
      money: (amount) => (words.isNothing(amount) ? null : amount / currency.per_unit),
      channel: Object.fromEntries(data.channels.map((channel) => [channel.key, channel])),
    };
  }
  /* where the address leads on the page, or null; it may be written in a way that means nothing */
  function place() {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null;
    }
  }
  function start() {
    age();
    // a page from a disk has no server to lead to
    if (location.protocol === "file:") document.querySelector("a.home")?.remove();
    // on a narrow screen the page itself may stand outside of the row of pages
    const here = document.querySelector(".top nav [aria-current]"), row = here?.parentElement;
    if (row && here.offsetLeft + here.offsetWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - 40;
    setInterval(age, 60000);
    const asked = place(), folded = asked && asked.closest("details:not([open])");
    if (folded) { folded.open = true; asked.scrollIntoView(); }
    const form = document.querySelector("[data-filters]"), bar = document.querySelector("[data-filterbar]");
    const begin = (found) => {
      data = found;
      state = read(data);
      if (form) {
        form.addEventListener("change", ({ target }) => set({ [target.name]: target.value }));
        form.querySelector("[data-reset]").addEventListener("click", () => set({ ...defaults(data), ...placesUsual() }));
      }
      const toggle = bar?.querySelector("[data-toggle]");
      toggle?.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(bar.classList.toggle("open"))));
      addEventListener("popstate", () => { state = read(data); draw(); });
      draw();
      body.dataset.ready = "";
    };
    if (listeners.length) load("overview").then(begin).catch(complain);
    else body.dataset.ready = body.dataset.shown = "";
  }
  /* how old the pages are; old ones say so in words and colour */
  function age() {
    const minutes = Math.max(0, Math.round((Date.now() - Date.parse(body.dataset.builtAt)) / 60000));
    const badge = document.querySelector("[data-fresh-badge]"), line = document.querySelector("[data-age]");
    if (!line) return;
    line.textContent = minutes < 1 ? "just now" : minutes < 60 ? `${words.plural(minutes, "minute")} ago` : minutes < 48 * 60 ? `${words.plural(Math.round(minutes / 60), "hour")} ago` : `${words.plural(Math.round(minutes / 1440), "day")} ago`;
    line.title = line.dateTime;
    const isStale = minutes > STALE_HOURS * 60;
    badge.classList.toggle("t-warn", isStale);
    badge.classList.toggle("t-success", !isStale && !badge.classList.contains("t-queued"));
    const said = badge.querySelector("[data-fresh-words]");
    if (isStale && !said.textContent.startsWith("Stale")) said.textContent = `Stale: ${said.textContent}`;
  }

  /* the address of the page with other choices */
  const address = (changes) => `${location.pathname.split("/").pop()}${query({ ...state, ...changes }, data)}`;
  return { add, load, library, complain, address, keep: (...names) => places.push(...names), offer: (name, options) => { own[name] = options; }, choices: () => choices(data), onChange: (listener) => listeners.push(listener), start, set, dayOf, indexOf, monthOf, steps, span, spanBefore, context };
})();
addEventListener("DOMContentLoaded", report.start);
