/* Customers: how visits become orders, who comes back, what customers cost, bring and will bring. */
"use strict";
(() => {
  const MINIMUM = 10, COHORTS_SHOWN = 24, ROW = 30;
  const JOB = "the job customer-ltv-modeling does it";
  let file = {};
  report.load("customers").then((found) => { file = found; });
  const of = (name) => file[name] || [];
  const month = (day) => day.slice(0, 7), dollars = (cents) => (words.isNothing(cents) ? null : cents / 100);
  const sum = (rows, key) => rows.reduce((all, row) => all + (row[key] || 0), 0);
  const unique = (list) => [...new Set(list)];
  const spaced = (name) => { const text = name.replaceAll("_", " "); return text[0].toUpperCase() + text.slice(1); };
  const named = (context, key) => context.channel[key]?.name || ({ other: "Other, merged", unknown: "Unknown" })[key] || spaced(key);
  const money = (context, usd) => words.shown(context.money(usd), "usd", context.currency);
  const size = (id, rows, one = ROW, rest = 60) => { const element = document.querySelector(`[data-block="${id}"]`); if (element) element.dataset.height = String(rest + one * Math.max(rows, 1)); };
  const hue = (look, context, key) => (context.channel[key] ? look.of(context.data.channels, key) : look.muted);
  const MERGED = `Other, merged: what has fewer than ${MINIMUM} customers, with the next larger one where a subtraction could tell it.`;

  const HORIZONS = { year: 365, half: 180, quarter: 90, month: 30 };

  report.offer("stages_of", (data) => ({ all: "All channels", ...Object.fromEntries(data.channels.map(({ key, name }) => [key, name])) }));
  report.offer("cohort_shows", { retention: "Who came back", repeat: "Ever bought again", revenue: "Revenue so far", margin: "Margin so far" });
  report.offer("value_by", { channel: "By channel", cohort: "By month" });
  report.offer("value_days", { year: "365 days", half: "180 days", quarter: "90 days", month: "30 days" });
  report.offer("judged_by", { tenth: "By tenth", channel: "By channel" });
  report.offer("judged_days", () => Object.fromEntries(unique(of("accuracy").map(({ horizon_days: days }) => days)).sort((a, b) => b - a).map((days) => [`${days}d`, words.plural(days, "day")])));
  report.offer("segments_as", { map: "Map", bars: "Shares" });
  report.offer("moved_in", () => Object.fromEntries(unique(of("moves").map(({ scored_date: day }) => day)).sort().reverse().map((day) => [day, words.monthWords(day)])));

  /* months that the chosen days touch, as LTV on the overview counts them */
  const touched = (context) => { const [first, last] = context.range.map(report.monthOf); return (row) => month(row.cohort_month) >= first && month(row.cohort_month) <= last; };
  const months = (context) => { const [first, last] = context.range.map((day) => words.monthWords(report.monthOf(day))); return first === last ? first : `${first} to ${last}`; };

  function seconds(times, stage, stages, range) {
    let all = 0, visits = 0;
    for (const key of Object.keys(times)) {
      for (let day = range[0]; day <= range[1]; day += 1) {
        const told = times[key][stage][day];
        if (told !== null && told !== undefined) { all += told * stages[key][stage][day]; visits += stages[key][stage][day]; }
      }
    }
    return visits ? all / visits : null;
  }
  const span = (value) => (words.isNothing(value) ? words.DASH : value < 90 ? `${words.number(value)} s` : `${words.number(value / 60, 1)} min`);
  /* lists by day from the first one on: older days are loaded where they are asked for, else 0 */
  const joined = (recent, older, from) => (Array.isArray(recent) ? [...(older || Array(from).fill(0)), ...recent] : Object.fromEntries(Object.entries(recent).map(([name, value]) => [name, joined(value, older?.[name], from)])));
  const known = {};
  async function channelDays({ range, before }) {
    const { from, ...recent } = await report.load("funnel-recent"), isOld = from > 0 && Math.min(range[0], before?.[0] ?? range[0]) < from, name = isOld ? "all" : "recent";
    known[name] ||= joined(recent, isOld ? await report.load("funnel-older") : null, from);
    return known[name];
  }
  function funnel(context, { stages, spend, times }, all) {
    const { range, state, before } = context, chosen = state.stages_of, isAll = chosen === "all";
    const spent = (key, days) => measures.total(spend[key], days) / 100;
    const keys = context.data.channels.map(({ key }) => key).filter((key) => stages[key] || spend[key]);
    const cost = isAll ? keys.reduce((total, key) => total + spent(key, range), 0) : spent(chosen, range);
    const own = isAll ? all.stages : stages[chosen], name = isAll ? "visits" : `visits from ${named(context, chosen)}`;
    const rows = measures.funnel(own, range, cost), last = rows.at(-1);
    const past = before && measures.funnel(own, before, null).at(-1).of_all;
    const timed = isAll ? times : chosen in times ? { [chosen]: times[chosen] } : {};
    for (const row of rows.slice(1)) row.seconds = seconds(timed, row.stage, stages, range);
    const weakest = rows.slice(1).filter(({ of_before: share }) => share !== null).sort((a, b) => a.of_before - b.of_before)[0];
    blocks.show("stages", {
      says: rows[0].visits ? `Of ${words.number(rows[0].visits)} ${name}, ${words.shown(last.of_all, "share")} ordered${past ? ` (${words.changeWords(words.change(last.of_all, past))} on before)` : ""}${last.cost ? `, for ${money(context, last.cost)} of spend each` : ""}. Most are lost before “${weakest ? weakest.label.toLowerCase() : ""}”.` : "",
      note: "Visits, not persons, of new and known customers alike. A share is of the step before. Times are means, weighted by the visits of each day.",
      choices: { stages_of: "Channel" }, keeps: true, empty: Object.keys(stages).length ? "No such visit in these days." : "No funnel is built yet: the job customer-acquisition-funnel does it.",
      columns: [{ key: "label", label: "Step" }, { key: "visits", label: "Visits", unit: "count" }, { key: "of_before", label: "Of the step before", unit: "share" }, { key: "of_all", label: "Of all visits", unit: "share" }, { key: "cost", label: "Spend for each", unit: "usd" }, { key: "seconds", label: "Time from the step before", unit: "count", html: (row) => span(row.seconds) }],
      rows: rows[0].visits ? rows : [],
      option: (look) => measures.funnelOption(rows, look),
    }, context);
  }
  function funnelChannels(context, { stages, spend }) {
    const { range } = context, spent = (key, days) => measures.total(spend[key], days) / 100;
    const keys = context.data.channels.map(({ key }) => key).filter((key) => stages[key] || spend[key]);
    const table = keys.map((key) => {
      const [visits, seen, cart, paying, ordered] = measures.funnel(stages[key], range, spent(key, range));
      return { key, name: named(context, key), visits: visits.visits, seen: seen.of_before, cart: cart.of_before, paying: paying.of_before, ordered: ordered.of_before, orders: ordered.visits, of_all: ordered.of_all, spend: spent(key, range) || null, cost_visit: visits.cost, cost_order: ordered.cost };
    }).filter(({ visits, spend: usd }) => visits || usd).sort((a, b) => b.visits - a.visits);
    const drawn = table.filter(({ visits }) => visits >= 30), best = drawn.reduce((top, row) => (!top || row.of_all > top.of_all ? row : top), null);
    size("stages-channels", drawn.length, 26, 24);
    blocks.show("stages-channels", {
      says: best && !best.orders ? "No visit of these days became an order." : best ? `${best.name} turns most visits into orders: ${words.shown(best.of_all, "share")} of ${words.number(best.visits)}.` : "",
      note: "Channel of the visit itself, not of an attribution model. Bars of 30 visits and more; the table has all.",
      columns: [{ key: "name", label: "Channel" }, { key: "visits", label: "Visits", unit: "count" }, { key: "seen", label: "Product seen", unit: "share" }, { key: "cart", label: "In the cart", unit: "share" }, { key: "paying", label: "Checkout", unit: "share" }, { key: "ordered", label: "Order", unit: "share" }, { key: "orders", label: "Visits with an order", unit: "count" }, { key: "of_all", label: "Of all visits", unit: "share" }, { key: "spend", label: "Spend", unit: "usd" }, { key: "cost_visit", label: "Spend a visit", unit: "usd" }, { key: "cost_order", label: "Spend an order", unit: "usd" }],
      rows: table,
      option: drawn.length ? (look) => ({
        legend: { show: false }, grid: { top: 4, right: 56 },
        xAxis: { type: "value", show: false }, yAxis: { type: "category", inverse: true, data: drawn.map((row) => row.name) },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${drawn[place].name}: ${words.number(drawn[place].orders)} of ${words.plural(drawn[place].visits, "visit")}` },
        series: [{ type: "bar", barMaxWidth: 16, data: drawn.map((row) => ({ value: row.of_all, itemStyle: { color: hue(look, context, row.key), borderRadius: [0, 3, 3, 0] } })), label: { show: true, position: "right", color: look.ink, formatter: ({ value }) => words.shown(value, "share") } }],
      }) : null,
      click: ({ dataIndex: place }) => report.set({ stages_of: drawn[place].key }),
    }, context);
  }

  /* cohorts by month of the first purchase: cells by month of age */
  function cohortRows() {
    const found = new Map();
    for (const row of of("cohorts")) {
      const key = month(row.cohort_month), one = found.get(key) || { month: key, customers: row.customers, cells: [] };
      one.cells[row.month_number] = row;
      found.set(key, one);
    }
    return [...found.values()].map((row) => {
      const spend = dollars(file.spend?.[row.month]), cost = spend ? spend / row.customers : null;
      const paid = cost === null ? null : row.cells.findIndex((cell) => cell && cell.cumulative_margin_usd !== null && cell.cumulative_margin_usd >= file.spend[row.month]);
      return { ...row, name: words.monthWords(row.month), cost, paid };
    });
  }
  const COHORT = {
    retention: { unit: "share", value: (row, cell) => (cell.active_customers === null ? null : cell.active_customers / row.customers), from: 1 },
    repeat: { unit: "share", value: (row, cell) => (cell.repeat_customers === null ? null : cell.repeat_customers / row.customers), from: 0 },
    revenue: { unit: "usd", value: (row, cell) => (cell.cumulative_revenue_usd === null ? null : dollars(cell.cumulative_revenue_usd) / row.customers), from: 0 },
    margin: { unit: "usd", value: (row, cell) => (cell.cumulative_margin_usd === null ? null : dollars(cell.cumulative_margin_usd) / row.customers), from: 0 },
  };
  /* where nothing says what goods cost, margin is revenue: that must not look like a profit */
  function marginNote() {
    const known = of("cohorts").filter(({ cumulative_margin_usd: margin }) => margin !== null);
    return known.length && known.every((row) => row.cumulative_margin_usd === row.cumulative_revenue_usd) ? " Margin is all of the revenue: no cost of goods is set (ltv_margin)." : "";
  }
  function cohortsSay(rows, shows, context) {
    const over = rows.filter(({ cells }) => cells[1]?.is_complete && cells[1].active_customers !== null), newest = over.at(-1);
    if (shows === "retention") {
      if (!newest) return "No cohort has a whole month after that of its first purchase yet.";
      const all = over.reduce(([back, customers], row) => [back + row.cells[1].active_customers, customers + row.customers], [0, 0]);
      return `Of customers who first bought in ${newest.name}, ${words.shown(newest.cells[1].active_customers / newest.customers, "share")} bought again in the month after; of all ${words.plural(over.length, "cohort")} it was ${words.shown(all[0] / all[1], "share")}.`;
    }
    const measure = COHORT[shows], oldest = rows[0], cell = oldest.cells.findLast((one) => one && measure.value(oldest, one) !== null);
    if (shows === "repeat") return ever(rows);
    const brought = cell ? `A customer of ${oldest.name} has brought ${money(context, measure.value(oldest, cell))} of ${shows === "revenue" ? "revenue" : "margin"} up to month ${cell.month_number}` : "";
    if (shows === "revenue") return `${brought}.`;
    const paid = rows.filter(({ paid: at }) => at >= 0 && at !== null), bought = rows.filter(({ paid: at }) => at !== null);
    return `${brought}. ${words.number(paid.length)} of ${words.plural(bought.length, "cohort")} with spend ${paid.length === 1 ? "has" : "have"} paid it back${paid.length ? `, the last one in month ${paid.at(-1).paid}` : ""}.`;
  }
  /* cohorts differ in age: the oldest one and all are told */
  function ever(rows) {
    const last = (row) => row.cells.findLast((cell) => cell && cell.repeat_customers !== null), known = rows.filter(last), oldest = known[0];
    if (!oldest) return `In no cohort have ${MINIMUM} customers bought again.`;
    const back = known.reduce((total, row) => total + last(row).repeat_customers, 0), all = known.reduce((total, row) => total + row.customers, 0);
    return `Of customers who first bought in ${oldest.name}, ${words.shown(last(oldest).repeat_customers / oldest.customers, "share")} have bought again so far; of all ${words.plural(known.length, "cohort")}, younger ones among them, ${words.shown(back / all, "share")}.`;
  }
  function cohorts(context) {
    const shows = context.state.cohort_shows, measure = COHORT[shows], rows = cohortRows();
    const drawn = rows.slice(-COHORTS_SHOWN), oldest = Math.max(0, ...rows.map(({ cells }) => cells.length - 1));
    const shown = (value) => (measure.unit === "share" ? `${words.number(value * 100)} %` : words.number(context.money(value), context.money(value) < 10 ? 1 : 0));
    const columns = Array.from({ length: oldest + 1 - measure.from }, (_, place) => place + measure.from);
    size("cohorts", drawn.length, ROW, 40);
    blocks.show("cohorts", {
      says: rows.length ? cohortsSay(rows, shows, context) : "",
      note: `Rows: the month of the first purchase, and how many bought. Columns: months after it. Of all channels: the days and the other filters do not apply. ${shows === "retention" ? "Share that bought in the month." : shows === "repeat" ? "Share that has bought on another day than the first, up to the end of the month." : ""} Spend a customer (table): what all channels spent in the month, for each of its customers${measure.unit === "usd" ? `; amounts are in ${context.currency}, for each customer of the cohort` : ""}. * The month is not over. <10: fewer than ${MINIMUM} came back, so it has no figure.${shows === "margin" ? " Outlined: the month in which margin covers the spend of the cohort's first month." + marginNote() : ""}${rows.length > drawn.length ? ` The last ${COHORTS_SHOWN} are drawn, the table has all.` : ""}`,
      choices: { cohort_shows: "What is shown" },
      empty: file.cohorts ? `No month has ${MINIMUM} first customers yet.` : `Cohorts are not built: ${JOB}.`,
      columns: [
        { key: "name", label: "First purchase" }, { key: "customers", label: "Customers", unit: "count" }, { key: "cost", label: "Spend a customer", unit: "usd" },
        { key: "paid", label: "Paid back in month", unit: "count", html: (row) => (row.paid === null ? words.DASH : row.paid < 0 ? "not yet" : String(row.paid)) },
        ...columns.map((number) => ({ key: `m${number}`, label: `Month ${number}`, unit: measure.unit, html: (row) => { const cell = row.cells[number]; return !cell ? "" : row[`m${number}`] === null ? `under ${MINIMUM}` : `${shown(row[`m${number}`])}${cell.is_complete ? "" : "*"}`; } })),
      ],
      rows: rows.map((row) => ({ ...row, ...Object.fromEntries(columns.map((number) => [`m${number}`, row.cells[number] ? measure.value(row, row.cells[number]) : null])) })),
      option: (look) => {
        const room = heat.room("cohorts", 37), fitting = columns.filter((number) => drawn.some(({ cells }) => cells[number])).slice(0, room);
        const cells = drawn.flatMap((row, y) => fitting.flatMap((number, x) => {
          const cell = row.cells[number];
          if (!cell) return [];
          const value = measure.value(row, cell);
          return [{ x, y, value: value ?? 0, is_blank: value === null, row, cell, is_outlined: shows === "margin" && row.paid === number, text: value === null ? `<${MINIMUM}` : `${shown(value)}${cell.is_complete ? "" : "*"}` }];
        }));
        return heat.option(look, {
          id: "cohorts", columns: fitting.map((number) => (fitting.length <= 8 && room >= 8 ? `Month ${number}` : String(number))), rows: drawn.map((row) => `${row.name} · ${row.customers < 1e4 ? words.number(row.customers) : blocks.short(row.customers)}`), cells,
          name: ({ row, cell, is_blank: isBlank, text }) => `${row.name}, month ${cell.month_number}: ${isBlank ? `fewer than ${MINIMUM} came back` : text}${cell.is_complete ? "" : " (the month is not over)"}`,
        });
      },
    }, context);
  }

  /* customers of the months that the days touch, by channel of acquisition */
  function acquisition(context) {
    const told = of("acquisition").filter(touched(context)), expected = of("value").filter(touched(context));
    const rows = unique(told.map(({ channel }) => channel)).map((key) => {
      const own = told.filter(({ channel }) => channel === key), counted = own.filter(({ customers }) => customers !== null);
      const customers = sum(counted, "customers"), spend = dollars(sum(own, "spend_usd")) || null, valued = expected.filter(({ channel, value_365d_usd: value }) => channel === key && value !== null);
      const spent = dollars(sum(counted, "spend_usd")), bought = own.filter(({ spend_usd: usd, customers: count }) => usd && count), worth = sum(valued, "customers") ? dollars(sum(valued, "value_365d_usd")) / sum(valued, "customers") : null;
      const paid = bought.filter(({ payback_month: at }) => at !== null), cost = spent && customers ? spent / customers : null;
      return {
        key, name: named(context, key), customers: customers || null, is_few: own.some(({ customers: count }) => count === null), spend, cost, brought: customers ? dollars(sum(counted, "margin_usd")) / customers : null, revenue: customers ? dollars(sum(counted, "revenue_usd")) : null,
        return: spent ? dollars(sum(counted, "margin_usd")) / spent : null, worth, ratio: cost && worth !== null ? worth / cost : null,
        paid: bought.length ? `${paid.length} of ${bought.length}${paid.length ? `, by month ${Math.max(...paid.map(({ payback_month: at }) => at))}` : ""}` : words.DASH,
      };
    }).sort((a, b) => (b.customers || 0) - (a.customers || 0) || (b.spend || 0) - (a.spend || 0));
    const drawn = rows.filter(({ customers }) => customers), paying = drawn.filter(({ cost }) => cost !== null);
    const dear = paying.reduce((top, row) => (!top || row.cost > top.cost ? row : top), null), cheap = paying.reduce((top, row) => (!top || row.cost < top.cost ? row : top), null);
    size("acquisition", drawn.length, 44, 50);
    blocks.show("acquisition", {
      says: dear && cheap !== dear ? `In ${months(context)} a customer cost ${money(context, cheap.cost)} through ${cheap.name} and ${money(context, dear.cost)} through ${dear.name}; they have brought ${money(context, cheap.brought)} and ${money(context, dear.brought)} of margin so far.` : dear ? `In ${months(context)} a customer of ${dear.name} cost ${money(context, dear.cost)} and has brought ${money(context, dear.brought)} of margin so far.` : rows.length && !drawn.length ? `No channel won ${MINIMUM} customers in ${months(context)}: their spend alone is told.` : "",
      note: `For each customer. Customers whose first purchase is in ${months(context)} (months that the days touch), by the channel of their first known visit. Spend a customer: the channel's spend of these months, for each of them; CAC of the overview divides all spend of the days by all new customers, Channels by first orders that are credited. ${MERGED} Paid back: cohorts of a month whose margin covers their spend. LTV: discounted margin of the next 365 days.${marginNote()}`,
      empty: file.acquisition ? `No month of these days has ${MINIMUM} first customers.` : `Cohorts are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Channel" }, { key: "customers", label: "Customers", unit: "count", html: (row) => (row.customers ? words.number(row.customers) : row.is_few ? `under ${MINIMUM}` : "none") }, { key: "spend", label: "Spend", unit: "usd" }, { key: "cost", label: "Spend a customer", unit: "usd" }, { key: "brought", label: "Margin a customer so far", unit: "usd" }, { key: "return", label: "Margin per spend", unit: "ratio" }, { key: "worth", label: "LTV, next 365 days", unit: "usd" }, { key: "ratio", label: "LTV : CAC", unit: "ratio" }, { key: "paid", label: "Months paid back" }],
      rows,
      option: drawn.length ? (look) => ({
        grid: { top: 30 }, xAxis: { type: "value", unit: `${context.currency} a customer`, axisLabel: { formatter: blocks.short } }, yAxis: { type: "category", inverse: true, data: drawn.map(({ name }) => name) },
        tooltip: { valueFormatter: (value) => (words.isNothing(value) ? words.DASH : words.shown(value, "usd", context.currency)) },
        series: [["Spend", "cost", look.colors[1]], ["Margin so far", "brought", look.colors[0]], ["LTV", "worth", look.colors[2]]].map(([name, key, color]) => ({ name, type: "bar", barMaxWidth: 10, barGap: "15%", itemStyle: { color, borderRadius: [0, 3, 3, 0] }, data: drawn.map((row) => context.money(row[key])) })),
      }) : null,
    }, context);
  }

  const whiskers = (look, rows, key) => ({
    type: "custom", silent: true, z: 5, data: rows.map((row, place) => [row.low, row.high, place]).filter(([low]) => low !== null),
    renderItem: (_, api) => {
      const [from, to] = [0, 1].map((part) => api.coord([api.value(part), api.value(2)])), style = { stroke: look.ink, lineWidth: 1.5 };
      const tick = ([x, y]) => ({ type: "line", shape: { x1: x, y1: y - 5, x2: x, y2: y + 5 }, style });
      return { type: "group", children: [{ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style }, tick(from), tick(to)] };
    },
  });
  function value(context) {
    const by = context.state.value_by, days = HORIZONS[context.state.value_days], isChannel = by === "channel";
    const cells = of("value").filter(isChannel ? touched(context) : () => true), at = of("value")[0];
    const [expected, low, high] = [`expected_revenue_${days}d_usd`, `revenue_${days}d_low_usd`, `revenue_${days}d_high_usd`];
    const made = (own, name) => {
      const customers = sum(own, "customers"), each = (key) => (own.some((row) => row[key] === null) ? null : dollars(sum(own, key)) / customers);
      return { name, customers, expected: each(expected), low: each(low), high: each(high), all: dollars(sum(own, expected)), worth: each("value_365d_usd") };
    };
    const key = (row) => (isChannel ? row.channel : month(row.cohort_month));
    const rows = unique(cells.map(key)).map((one) => ({ key: one, ...made(cells.filter((row) => key(row) === one), isChannel ? named(context, one) : words.monthWords(one)) }));
    if (isChannel) rows.sort((a, b) => b.customers - a.customers);
    const total = cells.length ? made(cells, "All") : null, of_money = (row) => ({ ...row, expected: context.money(row.expected), low: context.money(row.low), high: context.money(row.high) });
    const drawn = rows.map(of_money);
    size("value", rows.length, 28, 46);
    blocks.show("value", {
      says: total ? `A customer ${isChannel ? `won in ${months(context)}` : "of all months"} is expected to bring ${money(context, total.expected)} in the next ${days} days${total.low === null ? "" : `, between ${money(context, total.low)} and ${money(context, total.high)} with 80 % certainty`}.${days === 365 && total.worth !== null ? ` Discounted, and of margin, that is worth ${money(context, total.worth)} (LTV).` : ""}` : "",
      note: `${at ? `As of ${words.dayWords(at.prediction_date)}, by ${at.shown_model === "bg_nbd" ? "the BG/NBD and Gamma-Gamma models" : "the average of each cohort, since the model was no better on the hold-out"}. ` : ""}The thin line is the interval; of several cells together it is drawn as if all were wrong at once, so it is wider than it needs to be.${isChannel ? ` Customers of the months that the days touch. ${MERGED}` : " All months: the days do not apply."}${marginNote()}`,
      choices: { value_by: "Rows", value_days: "Horizon" },
      empty: file.value ? `No month of these days has ${MINIMUM} customers to predict.` : `Lifetime value is not built: ${JOB}.`,
      columns: [{ key: "name", label: isChannel ? "Channel" : "First purchase" }, { key: "customers", label: "Customers", unit: "count" }, { key: "expected", label: `Expected a customer, ${days} days`, unit: "usd" }, { key: "low", label: "Low", unit: "usd" }, { key: "high", label: "High", unit: "usd" }, { key: "all", label: "Expected of all", unit: "usd" }, { key: "worth", label: "LTV, 365 days", unit: "usd" }],
      rows: total ? [...rows, { ...total, emphasis: true }] : rows,
      option: (look) => ({
        legend: { show: false }, grid: { top: 8 }, xAxis: { type: "value", unit: `${context.currency} a customer`, axisLabel: { formatter: blocks.short }, max: blocks.ceiling(Math.max(...drawn.map((row) => row.high ?? row.expected))) },
        yAxis: { type: "category", inverse: true, ...blocks.figures(look, drawn, (row) => (row.expected === null ? words.DASH : words.number(row.expected))) },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].name}: ${money(context, rows[place].expected)}${rows[place].low === null ? "" : `, ${money(context, rows[place].low)} to ${money(context, rows[place].high)}`}, ${words.plural(rows[place].customers, "customer")}` },
        series: [{ type: "bar", barMaxWidth: 16, data: drawn.map((row) => ({ value: row.expected, itemStyle: { color: isChannel ? hue(look, context, row.key) : look.colors[0], borderRadius: [0, 3, 3, 0] } })) }, whiskers(look, drawn)],
      }),
    }, context);
  }

  const KINDS = { kept: "as it was kept on that day", hold_out: "made again from what was known on that day (hold-out)" };
  function judgement(context) {
    const rows = of("accuracy").map((row) => ({ ...row, name: words.plural(row.horizon_days, "day"), day: words.dayWords(row.prediction_date).replaceAll(" ", "\u00a0"), how: row.kind === "kept" ? "kept" : "hold-out", expected: dollars(row.expected_revenue_usd), came: dollars(row.revenue_usd), error: dollars(row.revenue_mae_usd), benchmark: dollars(row.benchmark_revenue_mae_usd) }));
    const longest = rows.at(-1), share = (part) => `${words.number(Math.abs(part) * 100, 1)} % too ${part > 0 ? "high" : "low"}`;
    blocks.show("accuracy", {
      says: longest ? `Over ${longest.name} purchases were expected ${share(longest.purchases_bias)} and revenue ${share(longest.revenue_bias)}. ${words.shown(longest.interval_coverage, "share")} of customers lay inside of their interval; 80 % was promised. ${longest.has_beaten_benchmark ? "The model was closer than the average of cohorts" : "The model was no closer than the average of cohorts"}.` : "",
      note: "Kept: the prediction as it was shown on that day. Hold-out: today's model, given only what was known on that day; it stands in until a kept one is old enough. Revenue and customers are rounded to tens.",
      empty: file.accuracy ? "No prediction is old enough to be judged yet." : `Predictions are not judged yet: ${JOB}.`,
      columns: [{ key: "name", label: "Over" }, { key: "how", label: "Prediction" }, { key: "day", label: "Made for" }, { key: "customers", label: "Customers", unit: "count" }, { key: "expected_purchases", label: "Purchases expected", unit: "count" }, { key: "purchases", label: "Came", unit: "count" }, { key: "purchases_bias", label: "Bias", unit: "share" }, { key: "expected", label: "Revenue expected", unit: "usd" }, { key: "came", label: "Revenue that came", unit: "usd" }, { key: "revenue_bias", label: "Bias of revenue", unit: "share" }, { key: "interval_coverage", label: "Inside the interval", unit: "share" }, { key: "error", label: "Mean error a customer", unit: "usd" }, { key: "benchmark", label: "Of the average", unit: "usd" }],
      rows,
    }, context);
    const { judged_by: by } = context.state, days = parseInt(context.state.judged_days, 10);
    const groups = of("calibration").filter((row) => row.group_kind === by && row.horizon_days === days)
      .map((row) => ({ ...row, name: by === "tenth" && !row.is_merged ? row.group_name : named(context, row.group_name), expected: dollars(row.expected_revenue_usd), came: dollars(row.revenue_usd), ratio: row.expected_purchases ? row.purchases / row.expected_purchases : null }));
    const off = groups.reduce((top, row) => (row.ratio && (!top || Math.abs(Math.log(row.ratio)) > Math.abs(Math.log(top.ratio))) ? row : top), null);
    blocks.show("calibration", {
      says: off ? `The prediction for ${words.dayWords(groups[0].prediction_date)}, ${KINDS[groups[0].kind]}, was furthest off for ${by === "tenth" && !off.is_merged ? `tenth ${off.name}` : off.name}: ${words.plural(off.purchases, "purchase")} came where ${words.number(off.expected_purchases)} ${off.expected_purchases === 1 ? "was" : "were"} expected.` : "",
      note: by === "tenth" ? "Tenths of customers, from those expected to bring least (1) to most (10). The days do not apply." : `Channel of the first known visit. The days do not apply. ${MERGED}`,
      choices: { judged_by: "Groups", judged_days: "Horizon" },
      empty: "No prediction is old enough to be judged yet.",
      columns: [{ key: "name", label: by === "tenth" ? "Tenth" : "Channel" }, { key: "expected_purchases", label: "Purchases expected", unit: "count" }, { key: "purchases", label: "Came", unit: "count" }, { key: "ratio", label: "Came for each expected", unit: "ratio" }, { key: "expected", label: "Revenue expected", unit: "usd" }, { key: "came", label: "Revenue that came", unit: "usd" }],
      rows: groups,
      option: (look) => ({
        xAxis: { type: "category", data: groups.map(({ name }) => name), axisLabel: { interval: 0, hideOverlap: false, rotate: by === "tenth" ? 0 : 35 } }, yAxis: { type: "value", unit: "purchases", axisLabel: { formatter: blocks.short } },
        tooltip: { valueFormatter: (count) => words.number(count) },
        series: [{ name: "Expected", type: "bar", barMaxWidth: 14, data: groups.map((row) => row.expected_purchases), itemStyle: { color: look.colors[0], borderRadius: [2, 2, 0, 0] } }, { name: "Came", type: "bar", barMaxWidth: 14, data: groups.map(({ purchases }) => purchases), itemStyle: { color: look.colors[1], borderRadius: [2, 2, 0, 0] } }],
      }),
    }, context);
  }

  function segments(context) {
    const all = of("segments"), people = sum(all, "customers"), brought = all.reduce((total, row) => total + row.customers * row.revenue_a_customer_usd, 0);
    const rows = all.map((row) => ({ segment: row.segment, name: row.is_merged ? "Other, merged" : spaced(row.segment), customers: row.customers, share: row.customers / people, revenue: (row.customers * row.revenue_a_customer_usd) / brought, each: dollars(row.revenue_a_customer_usd) }));
    const best = rows.reduce((top, row) => (!top || row.each > top.each ? row : top), null);
    const isMap = context.state.segments_as === "map" && rows.every(({ segment }) => segment in MAP || segment === "other") && rows.some(({ segment }) => segment in MAP);
    size("segments", isMap ? 8 : rows.length, 36, 50);
    blocks.show("segments", {
      says: best ? `${best.name} are ${words.shown(best.share, "share")} of customers and have brought ${words.shown(best.revenue, "share")} of revenue, ${money(context, best.each)} each.` : "",
      note: `${isMap ? "The stronger the colour, the more revenue a customer. " : ""}Everybody with an order, as of the day of the data: the days do not apply. Customers are rounded to tens, so that a few who moved cannot be told by subtraction.`,
      choices: { segments_as: "Drawn as" },
      empty: file.segments ? `No segment has ${MINIMUM} customers yet.` : `Segments are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Segment" }, { key: "customers", label: "Customers, about", unit: "count" }, { key: "share", label: "Of customers", unit: "share" }, { key: "revenue", label: "Of revenue", unit: "share" }, { key: "each", label: "Revenue a customer", unit: "usd" }],
      rows,
      option: (look) => (isMap ? mapped(look, rows, context) : {
        xAxis: { type: "value", axisLabel: { formatter: (share) => `${words.number(share * 100)} %` } }, yAxis: { type: "category", inverse: true, data: rows.map(({ name }) => name) },
        tooltip: { valueFormatter: (share) => words.shown(share, "share") },
        series: [["Of customers", "share", look.colors[7]], ["Of revenue", "revenue", look.colors[0]]].map(([name, key, color]) => ({ name, type: "bar", barMaxWidth: 11, itemStyle: { color, borderRadius: [0, 3, 3, 0] }, data: rows.map((row) => row[key]) })),
      }),
    }, context);
  }
  /* where the scores of segments lie (docs, Segments): recency from and to, frequency from and to */
  const MAP = { champions: [[4, 5, 4, 5]], cannot_lose: [[1, 2, 4, 5]], loyal: [[3, 5, 3, 3], [3, 3, 4, 5]], at_risk: [[1, 2, 3, 3]], potential_loyal: [[4, 5, 2, 2]], needs_attention: [[2, 3, 2, 2]], new: [[5, 5, 1, 1]], promising: [[4, 4, 1, 1]], slipping: [[2, 3, 1, 1]], lost: [[1, 1, 1, 2]] };
  function mapped(look, rows, context) {
    const cells = Object.entries(MAP).flatMap(([segment, parts]) => parts.map((part, place) => ({ segment, part, place, row: rows.find((row) => row.segment === segment) })));
    const highest = Math.max(...rows.map(({ each }) => each)), scores = ["1", "2", "3", "4", "5"];
    return {
      legend: { show: false }, grid: { top: 6, left: 20, bottom: 24 },
      xAxis: { type: "category", data: scores, name: "Recency: 5 ordered last", nameLocation: "middle", nameGap: 24, axisLine: { show: false } }, yAxis: { type: "category", data: scores, name: "Frequency: 5 ordered most", nameLocation: "middle", nameGap: 22, axisLine: { show: false } },
      tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => { const { segment, row } = cells[place]; return row ? `${row.name}: about ${words.number(row.customers)} customers, ${money(context, row.each)} each` : `${spaced(segment)}: fewer than ${MINIMUM}, or nobody`; } },
      series: [{
        type: "custom", data: cells.map(({ part: [x, , y] }) => [x - 1, y - 1]),
        renderItem: ({ dataIndex: place }, api) => {
          const { segment, part: [left, right, low, high], place: number, row } = cells[place], [width, height] = api.size([1, 1]), [x, y] = api.coord([left - 1, high - 1]);
          const { fill, ink } = row ? heat.paint(look, Math.min(0.999, row.each / highest)) : { fill: "transparent", ink: look.muted }, wide = width * (right - left + 1) - 2, tall = height * (high - low + 1) - 2;
          return {
            type: "rect", shape: { x: x - width / 2 + 1, y: y - height / 2 + 1, width: Math.max(1, wide), height: Math.max(1, tall), r: 3 }, style: { fill, stroke: row ? "transparent" : look.line, lineWidth: 1 },
            textConfig: { position: "inside" }, textContent: { style: { text: number ? "" : `${spaced(segment)}\n${row ? `${words.number(row.customers)}${wide < 70 ? "" : ` · ${words.number(row.share * 100)} %`}` : `under ${MINIMUM}`}`, fill: ink, fontSize: wide < 60 ? 9 : wide < 70 ? 10 : 12, lineHeight: 15, align: "center", width: wide, overflow: "break" } },
          };
        },
      }],
    };
  }
  const ORDER = ["first order", "champions", "cannot_lose", "loyal", "at_risk", "potential_loyal", "needs_attention", "new", "promising", "slipping", "lost", "other"];
  const byOrder = (a, b) => (ORDER.indexOf(a) + 1 || 99) - (ORDER.indexOf(b) + 1 || 99) || a.localeCompare(b);
  function moves(context) {
    const day = context.state.moved_in, own = of("moves").filter((row) => row.scored_date === day && !row.is_merged), few = of("moves").find((row) => row.scored_date === day && row.is_merged);
    const from = unique(own.map((row) => row.previous_segment)).sort(byOrder), to = unique(own.map(({ segment }) => segment)).sort(byOrder);
    const named_ = (name) => (name === "first order" ? "First order" : spaced(name));
    const moved = own.filter((row) => row.previous_segment !== row.segment && row.previous_segment !== "first order"), top = moved.reduce((best, row) => (!best || row.customers > best.customers ? row : best), null);
    size("moves", from.length, 34, 90);
    blocks.show("moves", {
      says: top ? `In ${words.monthWords(day)} the largest move was from ${named_(top.previous_segment)} to ${named_(top.segment)}: about ${words.plural(top.customers, "customer")}.` : "",
      note: `Rows: the segment at the end of the month before. Columns: now. Rounded to tens; moves of fewer than ${MINIMUM} are left out${few ? `: about ${words.plural(few.customers, "customer")} together` : ""}. The days do not apply.`,
      choices: { moved_in: "Month" },
      empty: file.moves ? "There is no second end of a month to compare yet." : `Segments are not built: ${JOB}.`,
      columns: [{ key: "was", label: "Was" }, { key: "is", label: "Is" }, { key: "customers", label: "Customers, about", unit: "count" }],
      rows: [...own.map((row) => ({ was: named_(row.previous_segment), is: named_(row.segment), customers: row.customers })), ...(few ? [{ was: "Other, merged", is: "Other, merged", customers: few.customers }] : [])],
      option: !own.length ? null : (look) => ({
        ...heat.option(look, {
          id: "moves", columns: to.map(named_), rows: from.map(named_),
          cells: own.map((row) => ({ x: to.indexOf(row.segment), y: from.indexOf(row.previous_segment), value: row.customers, text: words.number(row.customers), row, is_outlined: row.previous_segment === row.segment })),
          name: ({ row }) => `${named_(row.previous_segment)} to ${named_(row.segment)}: about ${words.number(row.customers)}`,
        }),
      }),
    }, context);
  }

  function behaviour(context) {
    const rows = of("behaviour").map((row) => ({ ...row, name: row.cohort === "all" ? "All visitors" : spaced(row.cohort), each: dollars(row.revenue_per_person_usd) })), told = rows.filter((row) => row.conversion_rate !== null);
    const best = told.filter(({ cohort }) => cohort !== "all").reduce((top, row) => (!top || row.conversion_lift > top.conversion_lift ? row : top), null);
    size("behaviour", told.length, 36, 24);
    blocks.show("behaviour", {
      says: best ? `Who ${best.cohort === "put into the cart" ? "put something into the cart" : `belongs to “${best.name.toLowerCase()}”`} in the first visits bought ${words.number(best.conversion_lift, 1)} times as often as all.` : "",
      note: `Persons first seen long enough ago, whatever days are chosen. Groups overlap. A description, not a cause. Groups of fewer than ${MINIMUM} are not reported.`,
      empty: file.behaviour ? "Nobody has been known for long enough yet." : `Behavioural cohorts are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Group" }, { key: "persons", label: "Persons", unit: "count" }, { key: "buyers", label: "Buyers", unit: "count", html: (row) => (row.buyers === null ? "not told" : words.number(row.buyers)) }, { key: "conversion_rate", label: "Bought", unit: "share" }, { key: "conversion_lift", label: "Against all", unit: "ratio" }, { key: "repeat_rate", label: "Bought again", unit: "share" }, { key: "each", label: "Revenue a person", unit: "usd" }],
      rows,
      option: told.length ? (look) => ({
        legend: { show: false }, grid: { top: 4, right: 56 }, xAxis: { type: "value", show: false }, yAxis: { type: "category", inverse: true, data: told.map(({ name }) => name), axisLabel: { width: 112, overflow: "break", lineHeight: 14 } },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${told[place].name}: ${words.number(told[place].buyers)} of ${words.number(told[place].persons)} bought` },
        series: [{ type: "bar", barMaxWidth: 16, data: told.map((row) => ({ value: row.conversion_rate, itemStyle: { color: row.cohort === "all" ? look.colors[7] : look.colors[0], borderRadius: [0, 3, 3, 0] } })), label: { show: true, position: "right", color: look.ink, formatter: ({ value: share }) => words.shown(share, "share") } }],
      }) : null,
    }, context);
  }
  const STATES = { published: "In use", unpublished: "No better than RFM", too_few_customers: "Too few customers to learn from", not_converged: "Did not settle" };
  function models(context) {
    const rows = of("models").map((row) => ({ ...row, name: spaced(row.segment_name) + (row.outcome && row.outcome !== "yes" ? ` ${row.outcome}` : ""), state: STATES[row.status] || spaced(row.status), over: words.plural(row.horizon_days, "day"), judged: row.judged_on_date ? words.dayWords(row.judged_on_date).replaceAll(" ", "\u00a0") : words.DASH }));
    const used = rows.filter(({ is_published: isPublished }) => isPublished), best = used.reduce((top, row) => (!top || row.lift > top.lift ? row : top), null);
    blocks.show("models", {
      says: best ? `${words.number(used.length)} of ${words.plural(rows.length, "model")} ${used.length === 1 ? "is" : "are"} in use. The tenth that “${best.name.toLowerCase()}” ranks first held ${words.number(best.lift, 1)} times its share; the best of RFM held ${words.number(best.rfm_lift, 1)}.` : rows.length ? "No model is better than RFM yet, so none is in use." : "",
      note: "Lift: how many times its share the tenth with the highest scores held, of customers the model had not seen. AUC: .5 is chance, 1 is perfect. The days do not apply.",
      empty: file.models ? "No model has been trained yet." : `Predictive segments are not built: ${JOB}.`,
      columns: [{ key: "name", label: "Segment" }, { key: "state", label: "State" }, { key: "over", label: "Over" }, { key: "judged", label: "Judged on" }, { key: "judge_customers", label: "Customers", unit: "count" }, { key: "lift", label: "Lift", unit: "ratio" }, { key: "rfm_lift", label: "RFM's", unit: "ratio" }, { key: "auc", label: "AUC", unit: "ratio" }, { key: "rfm_auc", label: "RFM's", unit: "ratio" }],
      rows,
    }, context);
  }

  report.onChange(async (context) => {
    const [channels, all] = await Promise.all([channelDays(context), report.load("funnel")]);
    funnel(context, channels, all);
    funnelChannels(context, channels);
    cohorts(context);
    acquisition(context);
    value(context);
    judgement(context);
    segments(context);
    moves(context);
    behaviour(context);
    models(context);
    document.body.dataset.drawn = document.body.dataset.filled = String(Date.now());
  });
})();
