/* A block: a sentence, a chart, the table behind it, and both to take along. */
"use strict";
const blocks = (() => {
  const PALETTE = {
    light: ["#1d5a96", "#c2571a", "#23805c", "#8a3fa0", "#9c6208", "#b3311b", "#2f7f8f", "#b0307a", "#5b7a1f", "#3b4fb8", "#7a4a2b", "#d1495b", "#0c7fb0", "#6a4bd1", "#6e6a12", "#8c2f5a"],
    dark: ["#7fb8f0", "#f0a46a", "#6fd0a6", "#d79be6", "#e0b866", "#ff9a85", "#7fd0dd", "#ff9acb", "#b7d36b", "#a5b4ff", "#d3a582", "#ff8fa3", "#6ec6f5", "#b79dff", "#d6cf6a", "#e58bb5"],
  };
  const NO_CHANNEL = ["unassigned", "unattributed", "refunded"];
  const DASHES = ["solid", "dashed", "dotted", [8, 3, 2, 3]];
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  function theme() {
    const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(`--${name}`).trim();
    const colors = isDark.matches && !isPrinting() ? PALETTE.dark : PALETTE.light;
    return {
      ink: of("ink"), muted: of("muted"), line: of("line"), card: of("card"), soft: of("soft"),
      good: of("bar-success"), bad: of("bar-error"), warn: of("bar-warn"), colors, dashes: DASHES,
      /* a channel has one colour on every page */
      of: (channels, key) => (NO_CHANNEL.includes(key) ? of("muted") : colors[Math.max(0, channels.findIndex((channel) => channel.key === key)) % colors.length]),
    };
  }
  const NARROW = 480, LEGEND_ROW = 20, UNIT_ROW = 20;
  /* campaigns have names of hundreds of signs; the table has them whole */
  const MOST_SIGNS = 48;
  const cut = (name) => (name.length > MOST_SIGNS ? `${name.slice(0, MOST_SIGNS - 1)}…` : name);
  /* rows that the entries of a legend take, one beside the other: nothing is hidden behind arrows */
  function legendRows(own, width) {
    if (own.legend?.show === false) return 0;
    const names = (own.legend?.data || (own.series || []).filter(({ name }) => name)).map((one) => one.name || one);
    let rows = 1, taken = 0;
    for (const name of names) {
      const entry = 12 + (own.legend?.itemWidth || 12) + 7.4 * cut(name).length;
      if (taken && taken + entry > width) { rows += 1; taken = 0; }
      taken += entry;
    }
    return rows;
  }
  const axesOf = (own, name) => [own[name] || []].flat();
  /* what a chart takes beside its own height: more rows of a legend, the unit below an axis */
  const extra = (own, width) => Math.max(0, legendRows(own, width) - 1) * LEGEND_ROW + (axesOf(own, "xAxis").some(({ unit }) => unit) ? UNIT_ROW : 0);
  /* what all charts share: quiet axes, one size of type, a tooltip that is text */
  function base(look) {
    const text = { color: look.muted, fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily };
    const axis = { axisLine: { lineStyle: { color: look.line } }, axisTick: { show: false }, axisLabel: { ...text, hideOverlap: true }, splitLine: { lineStyle: { color: look.line } } };
    return {
      animation: false, color: look.colors, textStyle: text, aria: { enabled: true },
      grid: { left: 8, right: 14, top: 34, bottom: 6, containLabel: true },
      legend: { formatter: cut, top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8, textStyle: { ...text, color: look.ink } },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: look.card, borderColor: look.line, textStyle: { ...text, color: look.ink } },
      axis,
    };
  }
  /* the option of a chart over the shared one; the parts of `axis` are merged into each axis */
  function merged(own, look, width) {
    const { axis, ...shared } = base(look), found = { ...shared, ...own };
    const unit = { x: { nameLocation: "middle", nameGap: 24 }, y: { nameLocation: "end", nameGap: 10 } };
    for (const name of ["xAxis", "yAxis"]) {
      if (own[name]) {
        const one = ({ unit: name_, ...part }) => ({
          ...axis, ...(part.type === "category" ? { splitLine: { show: false } } : { axisLine: { show: false } }),
          ...(part.type === "value" && name === "xAxis" && width < NARROW ? { splitNumber: 3 } : {}),
          ...(name_ ? { name: name_, ...unit[name[0]], nameTextStyle: { ...axis.axisLabel, align: name === "xAxis" ? "center" : part.position === "right" ? "right" : "left", padding: 0 } } : {}),
          ...part, axisLabel: { ...axis.axisLabel, ...(part.axisLabel || {}) },
        });
        found[name] = Array.isArray(own[name]) ? own[name].map(one) : one(own[name]);
      }
    }
    for (const name of ["grid", "legend", "tooltip"]) if (own[name]) found[name] = Array.isArray(own[name]) ? own[name] : { ...shared[name], ...own[name] };
    const rows = legendRows(own, width), hasUnit = axesOf(own, "yAxis").some(({ unit: name }) => name);
    found.grid.top = Math.max(found.grid.top + Math.max(0, rows - 1) * LEGEND_ROW, hasUnit ? (rows || 0) * LEGEND_ROW + 28 : 0);
    if (axesOf(own, "xAxis").some(({ unit: name }) => name)) found.grid.bottom += UNIT_ROW;
    return found;
  }

  const isNumber = (column) => column.unit && column.unit !== "text";
  /* numbers stand right; what `keeps` stays on one line */
  const classOf = (column) => (isNumber(column) ? ' class="num"' : column.keeps ? ' class="keep"' : "");
  const cell = (row, column, context) => {
    const value = row[column.key];
    if (column.unit === "usd") return words.shown(context.money(value), "usd", context.currency);
    return words.shown(value, column.unit || "text");
  };
  const PHONE_ROWS = 8;
  function table(spec, context) {
    const limit = spec.limit && matchMedia("(max-width: 700px)").matches ? Math.min(spec.limit, PHONE_ROWS) : spec.limit;
    const head = spec.columns.map((column) => `<th scope="col"${classOf(column)}>${words.escape(column.label)}</th>`).join("");
    const rows = spec.rows.map((row, rowPlace) => {
      const cells = spec.columns.map((column, place) => {
        const text = column.html ? column.html(row) : words.escape(cell(row, column, context));
        const open = place === 0 ? 'th scope="row"' : `td data-label="${words.escape(column.label)}"${classOf(column)}${text === words.DASH || !text ? " data-none" : ""}`;
        return `<${open}>${text}</${place === 0 ? "th" : "td"}>`;
      });
      return `<tr${row.emphasis ? ' class="total"' : ""}${limit && rowPlace >= limit && !row.emphasis ? " hidden" : ""}>${cells.join("")}</tr>`;
    });
    const hidden = limit ? spec.rows.filter((row, place) => place >= limit && !row.emphasis).length : 0;
    const more = hidden ? `<p><button type="button" class="small" data-more>Show ${words.number(hidden)} more</button></p>` : "";
    return `<div class="scrolls" tabindex="0" role="region" aria-label="${words.escape(spec.title)}"><table class="data"><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>${more}`;
  }
  /* RFC 4180; a cell that a spreadsheet would run as a formula begins with an apostrophe */
  function csv(spec, context) {
    const quoted = (value) => {
      let text = words.isNothing(value) ? "" : String(value);
      if (typeof value !== "number" && /^\s*[=+\-@\0＝＋－＠]|^[\t\r\n]/.test(text)) text = `'${text}`;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const label = (column) => (column.unit === "usd" ? `${column.label} (${context.currency})` : column.label);
    const value = (row, column) => (column.unit === "usd" ? context.money(row[column.key]) : row[column.key]);
    const columns = spec.columns.filter((column) => column.csv !== false);
    return [columns.map(label), ...spec.rows.map((row) => columns.map((column) => value(row, column)))]
      .map((line) => line.map(quoted).join(",")).join("\r\n");
  }
  function download(name, address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }
  async function png(id, spec) {
    const echarts = await report.library(), look = theme();
    const holder = document.createElement("div"), chart = document.querySelector(`[data-block="${id}"] [data-chart]`);
    const one = echarts.init(holder, null, { renderer: "canvas", width: Math.max(700, chart.clientWidth), height: spec.height + 40, devicePixelRatio: 2 });
    one.setOption({ ...merged(spec.option(look), look, Math.max(700, chart.clientWidth)), backgroundColor: look.card });
    download(`${id}.png`, one.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: look.card }));
    one.dispose();
  }

  /* a block's own choices: buttons where they are few, else a list; `choices` is {name: label} */
  const MOST_BUTTONS = 4;
  function switches(element, choices, context) {
    const known = Object.fromEntries(Object.entries(report.choices()).filter(([name]) => name in choices));
    let holder = element.querySelector("[data-switches]");
    if (!holder) {
      holder = Object.assign(document.createElement("div"), { className: "switches" });
      holder.dataset.switches = "";
      element.querySelector("header").after(holder);
    }
    const key = JSON.stringify(known);
    if (holder.dataset.key !== key) {
      holder.dataset.key = key;
      holder.replaceChildren(...Object.entries(known).filter(([, options]) => Object.keys(options).length > 1).map(([name, options]) => {
        const isFew = Object.keys(options).length <= MOST_BUTTONS, group = document.createElement(isFew ? "div" : "label");
        if (isFew) {
          group.setAttribute("role", "group");
          group.setAttribute("aria-label", choices[name]);
          group.append(...Object.entries(options).map(([value, text]) => {
            const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: text, onclick: () => report.set({ [name]: value }) });
            Object.assign(button.dataset, { choice: name, value });
            return button;
          }));
        } else {
          const list = Object.assign(document.createElement("select"), { onchange: () => report.set({ [name]: list.value }) });
          list.dataset.choice = name;
          list.append(...Object.entries(options).map(([value, text]) => new Option(text, value)));
          group.append(Object.assign(document.createElement("span"), { textContent: choices[name] }), list);
        }
        return group;
      }));
    }
    for (const part of holder.querySelectorAll("[data-choice]")) {
      if (part.tagName === "SELECT") part.value = context.state[part.dataset.choice];
      else part.setAttribute("aria-pressed", String(part.dataset.value === context.state[part.dataset.choice]));
    }
  }

  /* fill a block: {says, note, columns, rows, option, empty, choices}; `keeps` the choices where another may have rows; `option(look)` is ECharts' */
  function show(id, spec, context) {
    const element = document.querySelector(`[data-block="${id}"]`);
    if (!element) return;
    element.dataset.filled = "";
    spec.title = element.querySelector("h2").textContent.trim();
    spec.height ||= Number(element.dataset.height);
    if (spec.choices) switches(element, spec.choices, context);
    const says = element.querySelector("[data-says]"), note = element.querySelector("[data-note]");
    says.textContent = words.tied(spec.says);
    says.hidden = !spec.says;
    note.textContent = words.tied(spec.note);
    note.hidden = !spec.note || !spec.rows?.length;
    const chart = element.querySelector("[data-chart]"), holder = element.querySelector("[data-table]"), tools = element.querySelector("[data-tools]");
    const isEmpty = !spec.rows || !spec.rows.length, switched = element.querySelector("[data-switches]");
    note.hidden = !spec.note || isEmpty;
    if (switched) switched.hidden = isEmpty && !spec.keeps;
    tools.hidden = isEmpty;
    chart.hidden = isEmpty || !spec.option;
    if (isEmpty) {
      holder.innerHTML = `<p class="nothing">${words.escape(spec.empty || "Nothing in these days.")}</p>`;
      forget(id);
      return;
    }
    const wasOpen = holder.querySelector("details")?.open;
    holder.innerHTML = spec.option ? `<details class="behind"><summary>The table behind it</summary>${table(spec, context)}</details>` : table(spec, context);
    if (wasOpen) holder.querySelector("details").open = true;
    const more = holder.querySelector("[data-more]");
    if (more) more.onclick = () => { for (const row of holder.querySelectorAll("tr[hidden]")) row.hidden = false; more.parentElement.remove(); };
    tools.innerHTML = `<button type="button" class="small quiet" data-csv>CSV<span class="hidden"> of ${words.escape(spec.title)}</span></button>${spec.option ? `<button type="button" class="small quiet" data-png>PNG<span class="hidden"> of ${words.escape(spec.title)}</span></button>` : ""}`;
    tools.querySelector("[data-csv]").onclick = () => download(`${id}.csv`, URL.createObjectURL(new Blob(["﻿", csv(spec, context)], { type: "text/csv" })));
    if (spec.option) {
      tools.querySelector("[data-png]").onclick = () => png(id, spec);
      chart.style.height = `${heightOf(spec, chart)}px`;
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", `${spec.title}. ${spec.says || ""} The table behind it follows.`);
      watch(id, chart, spec);
    }
    if (spec.after) spec.after(element);
  }
  /* on paper, A4 across: the screen is laid out when charts are drawn for it, so its width is no measure */
  const PAPER = { wide: 980, half: 462, height: 0.72 };
  const isPrinting = () => document.documentElement.classList.contains("printing");
  const widthOf = (chart) => (isPrinting() ? PAPER[chart.closest(".wide") ? "wide" : "half"] : chart.clientWidth);
  function heightOf(spec, chart) {
    const option = spec.option(theme()), isOfRows = axesOf(option, "yAxis").some(({ type }) => type === "category");
    // rows need the height of their names
    return (isPrinting() && !isOfRows ? PAPER.height : 1) * spec.height + extra(option, widthOf(chart));
  }
  function forget(id) {
    drawn.get(id)?.chart?.dispose();
    drawn.delete(id);
  }
  /* charts are drawn when they come into view: the first paint does not wait for them */
  const sight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) draw(target.closest("[data-block]").dataset.block);
  }, { rootMargin: "200px" });
  function watch(id, element, spec) {
    const known = drawn.get(id);
    drawn.set(id, { element, spec, chart: known?.chart });
    if (known?.chart || document.documentElement.classList.contains("printing")) draw(id);
    else sight.observe(element);
  }
  async function draw(id) {
    const one = drawn.get(id);
    if (!one) return;
    sight.unobserve(one.element);
    const echarts = await report.library(), look = theme();
    if (drawn.get(id)?.element !== one.element) return;
    const spec = drawn.get(id).spec;
    const chart = drawn.get(id).chart || echarts.init(one.element, null, { renderer: "svg" });
    drawn.set(id, { ...drawn.get(id), chart });
    const height = heightOf(spec, one.element);
    one.element.style.height = `${height}px`;
    chart.resize({ width: isPrinting() ? widthOf(one.element) : "auto", height });
    chart.setOption(merged(spec.option(look), look, widthOf(one.element)), true);
    if (spec.click) { chart.off("click"); chart.on("click", spec.click); }
    one.element.dataset.drawn = "";
  }
  const redraw = () => [...drawn.keys()].forEach((id) => drawn.get(id).chart && draw(id));
  let waits;
  addEventListener("resize", () => {
    clearTimeout(waits);
    waits = setTimeout(() => redraw(), 100);
  });
  isDark.addEventListener("change", redraw);
  /* paper is light, and charts below the fold are on it too */
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    [...drawn.keys()].forEach(draw);
  });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); redraw(); });

  /* what takes a file of its own is loaded when its block comes into view */
  const seen = new Set(), waited = {};
  const coming = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const id = target.dataset.block;
      if (!isIntersecting || seen.has(id)) continue;
      seen.add(id);
      coming.unobserve(target);
      waited[id]();
    }
  }, { rootMargin: "200px" });
  /* run `fill` when the block is seen, and at once when it was; nobody waits for one that is not */
  function whenSeen(id, fill) {
    if (seen.has(id)) return fill();
    waited[id] = () => Promise.resolve(fill()).catch(report.complain);
    coming.observe(document.querySelector(`[data-block="${id}"]`));
    return undefined;
  }
  addEventListener("beforeprint", () => Object.entries(waited).forEach(([id, fill]) => { if (!seen.has(id)) { seen.add(id); fill(); } }));

  /* a line without axes, as a path */
  function spark(values, width = 120, height = 32) {
    const known = values.filter((value) => value !== null);
    if (!known.length) return "";
    const low = Math.min(...known), high = Math.max(...known), step = width / Math.max(values.length - 1, 1);
    let isDrawing = false;
    return values.map((value, place) => {
      if (value === null) { isDrawing = false; return ""; }
      const share = high > low ? (value - low) / (high - low) : 0.5;
      const point = `${isDrawing ? "L" : "M"}${(place * step).toFixed(1)} ${(height - 2 - share * (height - 4)).toFixed(1)}`;
      isDrawing = true;
      return point;
    }).join("");
  }

  /* an axis of money, short: 12k */
  const short = (value) => (Math.abs(value) >= 1e6 ? `${words.number(value / 1e6, 1)}M` : Math.abs(value) >= 1e4 ? `${words.number(value / 1e3)}k` : words.number(value, Math.abs(value) < 10 && value % 1 ? 1 : 0));

  /* a round number that an axis can end with: 1, 2, 2.5 or 5 times a power of ten, in five steps */
  function ceiling(value) {
    if (!(value > 0)) return 1;
    const step = 10 ** Math.floor(Math.log10(value / 4));
    const size = [1, 2, 2.5, 5, 10].map((part) => part * step).find((part) => part * 5 >= value);
    return Number((Math.ceil(value / size) * size).toPrecision(6));
  }

  /* an axis of names, each with its figure: a thin line over a bar would cover a figure in it */
  const figures = (look, rows, figure) => ({
    data: rows.map((row) => row.name), axisLabel: { formatter: (_, place) => `${rows[place].name}  {figure|${figure(rows[place])}}`, rich: { figure: { color: look.ink, fontWeight: 600, fontSize: 12 } } },
  });

  return { show, theme, short, ceiling, spark, figures, whenSeen };
})();
