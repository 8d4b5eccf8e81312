/* The first page: eight tiles, what changed, revenue against plan, channels, budget, funnel. */
"use strict";
(() => {
  const TILES = 8;
  /* a return of so much of the best one is as good as the best, where models overlap */
  const CLOSE = 0.9;
  /* the unit of an amount is smaller than the amount */
  function putAmount(element, text) {
    const place = text.lastIndexOf(" ");
    if (place < 0) return put(element, text);
    if (element.textContent === text) return undefined;
    return element.replaceChildren(`${text.slice(0, place)} `, Object.assign(document.createElement("span"), { className: "unit", textContent: text.slice(place + 1) }));
  }
  const put = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

  function tile(metric, context, credit) {
    const element = document.querySelector(`[data-tile="${metric.name}"]`);
    const { range, currency } = context;
    const money = (value) => (metric.unit === "usd" ? context.money(value) : value);
    const value = measures.value(metric, context, credit);
    putAmount(element.querySelector("[data-value]"), words.shown(money(value), metric.unit, currency));
    for (const [name, compare, text] of [["delta", "previous", "days"], ["year", "year", "year"]]) {
      const share = words.change(value, measures.value(metric, context, credit, report.spanBefore(range, compare)));
      const line = element.querySelector(`[data-${name}]`);
      put(line, share === null && name === "year" ? "" : words.tied(`${words.changeWords(share)} on the ${text} before`));
      line.className = `delta ${words.tone(share, metric.better)}`;
    }
    const target = measures.target(metric, context, range);
    put(element.querySelector("[data-target]"), words.tied(target ? `plan ${words.shown(money(target), metric.unit, currency)}${words.isNothing(value) ? "" : `, ${words.number((value / target) * 100)} % of it`}` : "no plan"));
    const steps = report.steps(range, context.grain);
    element.querySelector("[data-spark] path").setAttribute("d", blocks.spark(steps.map(([from, to]) => measures.value(metric, context, credit, [from, to]))));
    element.querySelector("[data-spark]").setAttribute("aria-label", `${metric.label}, ${words.rangeWords(report.dayOf(range[0]), report.dayOf(range[1]))}`);
  }

  /* as `changes.py`: volume, mix and return add up to the change */
  function changes(context, credit, range) {
    const found = {};
    for (const { key, is_paid: isPaid } of context.data.channels) {
      const spend = measures.total(context.data.spend[key], range) / 100;
      const revenue = isPaid ? measures.ofChannel(credit.with_spend, key, range, context.state.customers) / 100 : 0;
      if (spend || revenue) found[key] = [spend, revenue];
    }
    return found;
  }
  function decomposed(before, now) {
    const sum = (of) => Object.values(of).reduce((all, [spend]) => all + spend, 0);
    const grown = sum(before) ? sum(now) / sum(before) : 1;
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].sort().map((name) => {
      const [spend0, revenue0] = before[name] || [0, 0], [spend1, revenue1] = now[name] || [0, 0];
      const volume = (grown - 1) * revenue0, isBoth = spend0 && spend1;
      const mix = isBoth ? ((spend1 - grown * spend0) * revenue0) / spend0 : revenue1 - revenue0 - volume;
      return {
        name, before: revenue0, now: revenue1, volume, mix, returned: isBoth ? revenue1 - (spend1 * revenue0) / spend0 : 0,
        roas0: spend0 ? revenue0 / spend0 : null, roas1: spend1 ? revenue1 / spend1 : null,
      };
    });
  }
  function returnWords({ roas0, roas1 }) {
    if (roas0 !== null && roas1 !== null) return `its ROAS went from ${words.shown(roas0, "ratio")} to ${words.shown(roas1, "ratio")}`;
    if (roas0 === null && roas1 === null) return "it had no spend";
    return roas0 === null ? "it had no spend before" : "it has no spend now";
  }
  function sentences(context, credit) {
    const { range, before, currency, state } = context;
    if (!context.data.has_days) return ["There are no data yet."];
    if (!before) return [state.compare === "plan" || state.compare === "none" ? "Compare with the days or the year before to see what changed." : `The data begin on ${words.dayWords(context.data.first_day)}: nothing to compare.`];
    const against = state.compare === "year" ? "year before" : `${words.plural(range[1] - range[0] + 1, "day")} before`;
    const found = decomposed(changes(context, credit, before), changes(context, credit, range));
    const sum = (part) => found.reduce((all, one) => all + one[part], 0), money = (usd) => words.signed(context.money(usd), currency);
    const metric = (name) => [before, range].map((days) => measures.value(measures.metric(context.data, name), context, credit, days));
    const [was, is] = [sum("before"), sum("now")], first = was || is
      ? `Attributed revenue of paid channels ${is >= was ? "rose" : "fell"} by ${words.number(context.money(Math.abs(is - was)))} ${currency} to ${words.number(context.money(is))} ${currency} (${words.changeWords(words.change(is, was))}) against the ${against}: volume ${money(sum("volume"))}, mix ${money(sum("mix"))}, return ${money(sum("returned"))}.`
      : `No revenue is attributed to paid channels, and none was in the ${against}.`;
    const size = (one) => Math.abs(one.now - one.before);
    const top = found.reduce((best, one) => (!best || size(one) > size(best) || (size(one) === size(best) && one.name > best.name) ? one : best), null);
    const roas = top && returnWords(top);
    const second = top && size(top) < 0.005 ? "The attributed revenue of no channel moved." : top ? `${context.channel[top.name].name} moved most, by ${money(top.now - top.before)}: ${roas}; ${money(top.returned)} of it is return, ${money(top.volume + top.mix)} spend.` : "No channel has spend.";
    const won = metric("new_customers"), cost = metric("cac_usd").map(context.money), moved = (name) => words.changeWords(words.change(...metric(name).reverse())), mer = metric("mer");
    const overall = `Spend: ${moved("spend_usd")}, all revenue: ${moved("revenue_usd")}, MER from ${words.shown(mer[0], "ratio")} to ${words.shown(mer[1], "ratio")}.`;
    return [first, second, `${overall} ${words.plural(won[1], "new customer")} (${words.changeWords(words.change(won[1], won[0]))}) cost ${words.shown(cost[1], "usd", currency)}${won[1] === 1 ? "" : " each"}, ${words.shown(cost[0], "usd", currency)} before.`];
  }

  function revenueAgainstPlan(context, credit) {
    const { data, range, state } = context, metric = measures.metric(data, "revenue_usd");
    const steps = report.steps(range, context.grain);
    const rows = steps.map(([from, to, label]) => ({
      label, value: measures.value(metric, context, credit, [from, to]), plan: measures.target(metric, context, [from, to]),
      past: context.before ? measures.value(metric, context, credit, [context.before[0] + from - range[0], context.before[0] + to - range[0]]) : null,
    }));
    const value = measures.value(metric, context, credit), plan = measures.target(metric, context, range);
    const money = (number) => words.shown(context.money(number), "usd", context.currency);
    const marks = data.annotations.filter(({ day }) => day >= range[0] && day <= range[1]).slice(0, 4)
      .map(({ day, text }) => ({ xAxis: steps.findIndex(([from, to]) => day >= from && day <= to), name: text }));
    const columns = [{ key: "label", label: "Days" }, { key: "value", label: "Revenue", unit: "usd" }, { key: "plan", label: "Plan", unit: "usd" }];
    if (context.before) columns.push({ key: "past", label: state.compare === "year" ? "Year before" : "Days before", unit: "usd" });
    blocks.show("revenue-plan", {
      says: plan ? `Revenue of ${money(value)} is ${words.number((value / plan) * 100)} % of the plan for these days (${money(plan)}).` : `Revenue of ${money(value)}; these days have no plan.`,
      note: marks.length ? `Marks: ${marks.map(({ name, xAxis }) => `${name} (${rows[xAxis].label})`).join("; ")}.` : "",
      columns, rows: rows.some((row) => row.value || row.plan || row.past) ? rows : [], empty: "Nothing was sold in these days, and they have no plan.",
      option: (look) => ({
        xAxis: { type: "category", data: rows.map((row) => row.label) },
        yAxis: { type: "value", unit: context.currency, axisLabel: { formatter: blocks.short } },
        tooltip: { valueFormatter: (number) => (words.isNothing(number) ? words.DASH : words.shown(number, "usd", context.currency)) },
        series: [
          { name: "Revenue", type: "bar", data: rows.map((row) => context.money(row.value)), itemStyle: { color: look.colors[0], borderRadius: [2, 2, 0, 0] }, barMaxWidth: 26,
            markLine: marks.length ? { symbol: "none", silent: true, label: { show: false }, lineStyle: { color: look.muted, type: "dotted" }, data: marks } : undefined },
          ...(rows.some((row) => row.plan !== null) ? [{ name: "Plan", type: "line", step: "middle", symbol: "none", data: rows.map((row) => context.money(row.plan)), lineStyle: { color: look.colors[1], width: 2, type: "dashed" }, itemStyle: { color: look.colors[1] } }] : []),
          ...(context.before ? [{ name: columns.at(-1).label, type: "line", symbol: "none", data: rows.map((row) => context.money(row.past)), lineStyle: { color: look.muted, width: 1.5 }, itemStyle: { color: look.muted } }] : []),
        ],
      }),
    }, context);
  }

  /* the same channel under every model: how far apart they are is how sure one can be */
  async function channels(context) {
    const { data, state, range } = context;
    const credits = await measures.loadModels(context, false);
    const rows = data.channels.filter(({ key, is_paid: isPaid }) => isPaid && measures.total(data.spend[key], range)).map(({ key, name }) => {
      const spend = measures.total(data.spend[key], range) / 100;
      const found = credits.map((credit) => measures.ofChannel(credit.with_spend, key, range, state.customers) / 100 / spend);
      const place = data.models.indexOf(state.model);
      return { key, name, spend, revenue: found[place] * spend, roas: found[place], low: Math.min(...found), high: Math.max(...found) };
    }).sort((a, b) => b.spend - a.spend);
    const [best, second] = [...rows].sort((a, b) => b.roas - a.roas), all = rows.reduce((sum, row) => sum + row.revenue, 0) / rows.reduce((sum, row) => sum + row.spend, 0);
    const model = words.modelWords(state.model).toLowerCase(), isClose = second && second.high > best.low && second.roas > CLOSE * best.roas;
    const first = best && (isClose ? `${best.name} (${words.number(best.roas, 2)}) and ${second.name} (${words.number(second.roas, 2)}) return most for each unit of spend under ${model}, too close to call between models.` : `${best.name} returns most: ${words.number(best.roas, 2)} for each unit of spend under ${model}; under the other models ${words.number(best.low, 2)} to ${words.number(best.high, 2)}.`);
    blocks.show("channels", {
      says: best ? `${first} All paid channels together return ${words.number(all, 2)}${all < 1 ? ": less than they cost" : ""}.` : "",
      note: "The broken line is one for one: what stands left of it is credited with less than it cost. The thin line spans what all the models say: where it is long, the model decides, not the data.",
      empty: "No paid channel has spend in these days.",
      columns: [{ key: "name", label: "Channel" }, { key: "spend", label: "Spend", unit: "usd" }, { key: "revenue", label: "Attributed revenue", unit: "usd" }, { key: "roas", label: "ROAS", unit: "ratio" }, { key: "low", label: "Lowest model", unit: "ratio" }, { key: "high", label: "Highest model", unit: "ratio" }],
      rows,
      option: (look) => ({
        legend: { show: false }, grid: { top: 8 },
        xAxis: { type: "value", unit: "revenue for each unit of spend", axisLabel: { formatter: blocks.short }, max: blocks.ceiling(Math.max(1, ...rows.map((row) => row.high))) },
        yAxis: { type: "category", inverse: true, ...blocks.figures(look, rows, (row) => words.number(row.roas, 2)) },
        tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].name}: ROAS ${words.number(rows[place].roas, 2)}, all models ${words.number(rows[place].low, 2)} to ${words.number(rows[place].high, 2)}` },
        series: [
          { type: "bar", barMaxWidth: 18, data: rows.map((row) => ({ value: row.roas, itemStyle: { color: look.of(data.channels, row.key), borderRadius: [0, 3, 3, 0] } })),
            markLine: { symbol: "none", silent: true, label: { show: false }, lineStyle: { color: look.ink, type: "dashed", width: 1 }, data: [{ xAxis: 1 }] } },
          { type: "custom", silent: true, z: 5, data: rows.map((row, place) => [row.low, row.high, place]),
            renderItem: (_, api) => {
              const [from, to] = [0, 1].map((part) => api.coord([api.value(part), api.value(2)]));
              const line = { stroke: look.ink, lineWidth: 1.5 }, tick = (x, y) => ({ type: "line", shape: { x1: x, y1: y - 5, x2: x, y2: y + 5 }, style: line });
              return { type: "group", children: [{ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: line }, tick(...from), tick(...to)] };
            } },
        ],
      }),
    }, context);
  }

  /* the latest month with a budget or spend; the page of budgets has the others */
  async function budget(context) {
    const data = await report.load("budget");
    pacing.show("pacing", data, data.months.at(-1), context);
  }
  /* how visits become orders, what the newest customers are, and what they will bring */
  async function funnel(context) {
    const { stages, newest } = await report.load("funnel"), { data, range, before, currency } = context;
    const spend = Object.values(data.spend).reduce((sum, list) => sum + measures.total(list, range), 0) / 100;
    const rows = measures.funnel(stages, range, spend), [visits, ordered] = [rows[0].visits, rows.at(-1)];
    const past = before && measures.funnel(stages, before).at(-1).of_all, money = (usd) => words.shown(context.money(usd), "usd", currency);
    const value = newest.valued ? `; each is worth ${money(newest.value_usd / 100 / newest.valued)} of the next 365 days (LTV)` : "";
    blocks.show("funnel", {
      says: visits ? `Of ${words.plural(visits, "visit")}, ${words.shown(ordered.of_all, "share")} ordered${past ? ` (${words.changeWords(words.change(ordered.of_all, past))} on before)` : ""}${ordered.cost ? `, for ${money(ordered.cost)} of spend each` : ""}.` : "",
      note: `Visits of new and known customers. ${newest.customers ? `Newest cohort: ${words.plural(newest.customers, "known customer")} first bought in ${words.monthWords(newest.cohort_month)}${value}. Guests and who refused profiling are in no cohort.` : "No month has 10 first customers yet."}`,
      empty: stages.sessions.some(Boolean) ? "No visit is known in these days." : "No funnel is built yet: the job customer-acquisition-funnel does it.",
      columns: [{ key: "label", label: "Step" }, { key: "visits", label: "Visits", unit: "count" }, { key: "of_before", label: "Of the step before", unit: "share" }, { key: "of_all", label: "Of all visits", unit: "share" }, { key: "cost", label: "Spend for each", unit: "usd" }],
      rows: visits ? rows : [],
      option: (look) => measures.funnelOption(rows, look),
    }, context);
  }

  report.onChange(async (context) => {
    const credit = await measures.loadPaid(context.state, context.data);
    for (const metric of context.data.metrics.slice(0, TILES)) tile(metric, context, credit);
    const list = document.querySelector("[data-sentences]");
    const said = sentences(context, credit).map(words.tied);
    if ([...list.children].map((item) => item.textContent).join("\n") !== said.join("\n")) {
      list.replaceChildren(...said.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    }
    revenueAgainstPlan(context, credit);
    document.body.dataset.drawn = String(Date.now());
    await Promise.all([
      blocks.whenSeen("channels", () => channels(context)), blocks.whenSeen("pacing", () => budget(context)), blocks.whenSeen("funnel", () => funnel(context)),
    ]);
  });
})();
