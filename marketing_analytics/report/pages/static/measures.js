/* Measures and metrics over a range of days: what `sql/definitions` says, from lists by day. */
"use strict";
const measures = (() => {
  const types = (customers) => (customers === "all" ? ["first_order", "repeat_order"] : [customers]);
  function total(list, [from, to]) {
    let sum = 0;
    if (list) for (let day = from; day <= to; day += 1) sum += list[day];
    return sum;
  }
  const some = (value) => value || null;

  /* `credit` is the file of the chosen model, window and kind of day */
  const known = {
    spend_usd: ({ data, range }) => some(Object.values(data.spend).reduce((sum, list) => sum + total(list, range), 0) / 100),
    revenue_usd: ({ data, range, customers }) => types(customers).reduce((sum, type) => sum + total(data.revenue[type], range), 0) / 100,
    orders: ({ data, range, customers }) => types(customers).reduce((sum, type) => sum + total(data.orders[type], range), 0),
    new_customers: ({ data, range, customers }) => (customers === "repeat_order" ? 0 : total(data.orders.first_order, range)),
    attributed_revenue_usd: ({ data, range, customers, credit }) =>
      data.channels.filter((channel) => channel.is_paid).reduce((sum, { key }) => sum + ofChannel(credit.with_spend, key, range, customers), 0) / 100,
    value_usd: ({ data, range }) => some(months(data, range).reduce((sum, month) => sum + month.value, 0) / 100),
    valued_customers: ({ data, range }) => some(months(data, range).reduce((sum, month) => sum + month.customers, 0)),
  };
  function months(data, [from, to]) {
    const first = report.monthOf(from), last = report.monthOf(to);
    return Object.entries(data.value).filter(([month]) => month >= first && month <= last).map(([, value]) => value);
  }
  const ofChannel = (lists, channel, range, customers) =>
    types(customers).reduce((sum, type) => sum + total(lists[channel]?.[type], range), 0);

  function formula(parts, asked) {
    if (typeof parts === "string") return known[parts](asked);
    const above = formula(parts[1], asked), below = formula(parts[2], asked);
    return above === null || !below ? null : above / below;
  }
  /* the number, or null where nothing is known */
  function value(metric, context, credit, range = context.range) {
    return range && formula(metric.formula, { data: context.data, customers: context.state.customers, range, credit });
  }
  /* the plan of the same days; null where a month has none, or for a part of the customers */
  function target(metric, { data, state }, [from, to]) {
    const plan = data.plans[metric.target];
    if (!plan || state.customers !== "all") return null;
    let sum = 0;
    for (let day = from; day <= to; day += 1) {
      const month = report.monthOf(day);
      if (!(month in plan)) return null;
      const [year, number] = month.split("-").map(Number);
      sum += typeof metric.formula === "string" ? plan[month] / new Date(Date.UTC(year, number, 0)).getUTCDate() : plan[month];
    }
    return typeof metric.formula === "string" ? sum : sum / (to - from + 1);
  }
  const creditName = ({ model, window, day }) => `credit-${model}-${window}-${day}`;
  /* a list a day from the first on, of files that each hold some days */
  function whole(files, days) {
    const found = { credit: {}, revenue: {}, with_spend: {}, credit_with_spend: {} };
    const add = (name, channel, type, values, from) => {
      const list = ((found[name][channel] ||= {})[type] ||= new Float64Array(days));
      values.forEach((value, place) => { list[from + place] += value; });
    };
    for (const file of files) {
      for (const part of ["with", "without"]) {
        for (const [channel, types] of Object.entries(file[part].revenue)) {
          for (const [type, revenue] of Object.entries(types)) {
            const credit = file[part].credit[channel][type];
            add("credit", channel, type, credit, file.from);
            add("revenue", channel, type, revenue, file.from);
            if (part === "with") { add("with_spend", channel, type, revenue, file.from); add("credit_with_spend", channel, type, credit, file.from); }
          }
        }
      }
    }
    return found;
  }
  /* the first day that a page may ask for: of the days themselves, or of those they are compared with */
  function earliest(state, data) {
    const range = report.span(state, data);
    return Math.min(range[0], ...["previous", "year"].map((compare) => (report.spanBefore(range, compare) || range)[0]));
  }
  const kept = new Map();
  async function loadCredit(state, data, model = state.model) {
    if (!data.models.length) return whole([], data.days);
    const name = creditName({ ...state, model }), isAll = earliest(state, data) < data.recent_from, key = isAll ? `${name}-all` : name;
    if (!kept.has(key)) kept.set(key, whole(await Promise.all([report.load(name), ...(isAll ? [report.load(`${name}-before`)] : [])]), data.days));
    return kept.get(key);
  }
  /* of platforms with spend only: the recent days of the default model come with the page */
  function loadPaid(state, data) {
    const usual = data.credit, isUsual = usual.model === state.model && String(usual.window) === state.window && usual.day === state.day;
    if (!isUsual || earliest(state, data) < data.recent_from) return loadCredit(state, data);
    if (!kept.has("paid")) kept.set("paid", whole([usual], data.days));
    return Promise.resolve(kept.get("paid"));
  }
  /* revenue of every model in the days themselves: `with_spend`, and `revenue` where `isWhole` asks for all */
  async function loadModels({ state, data, range }, isWhole) {
    if (!data.models.length) return [whole([], data.days)];
    if (range[0] < data.recent_from) return Promise.all(data.models.map((model) => loadCredit(state, data, model)));
    const name = `models-${state.window}-${state.day}`, key = isWhole ? `${name}-whole` : name;
    if (!kept.has(key)) {
      const files = await Promise.all([report.load(name), ...(isWhole ? [report.load(`${name}-rest`)] : [])]);
      kept.set(key, data.models.map((model) => {
        const found = { with_spend: {}, revenue: {} };
        for (const [place, file] of files.entries()) {
          for (const [channel, types] of Object.entries(file[model])) {
            for (const [type, values] of Object.entries(types)) {
              const add = (list) => values.forEach((value, day) => { list[data.recent_from + day] += value; });
              add(((found.revenue[channel] ||= {})[type] ||= new Float64Array(data.days)));
              if (!place) add(((found.with_spend[channel] ||= {})[type] ||= new Float64Array(data.days)));
            }
          }
        }
        return found;
      }));
    }
    return kept.get(key);
  }
  const metric = (data, name) => data.metrics.find((one) => one.name === name);

  /* visits by the furthest step, which are also those that passed the earlier ones */
  const STAGES = { sessions: "Visits", product_view: "Product seen", add_to_cart: "In the cart", checkout: "Checkout", purchase: "Order" };
  function funnel(stages, range, spend) {
    const visits = Object.keys(STAGES).map((stage) => total(stages?.[stage], range));
    return Object.entries(STAGES).map(([stage, label], place) => ({
      stage, label, visits: visits[place], of_before: place && visits[place - 1] ? visits[place] / visits[place - 1] : null,
      of_all: visits[0] ? visits[place] / visits[0] : null, cost: spend && visits[place] ? spend / visits[place] : null,
    }));
  }
  /* bars of a funnel, widest first; `before` is the same of other days */
  function funnelOption(rows, look) {
    return {
      legend: { show: false }, grid: { top: 4, right: 84 },
      xAxis: { type: "value", show: false, max: Math.max(1, rows[0].visits) },
      yAxis: { type: "category", inverse: true, data: rows.map(({ label }) => label), axisLine: { show: false } },
      tooltip: { trigger: "item", formatter: ({ dataIndex: place }) => `${rows[place].label}: ${words.number(rows[place].visits)}, ${words.shown(rows[place].of_all, "share")} of all visits` },
      series: [{
        type: "bar", barWidth: "72%", itemStyle: { color: look.colors[0], borderRadius: [0, 3, 3, 0] }, showBackground: true, backgroundStyle: { color: look.soft }, data: rows.map(({ visits }) => visits),
        label: { show: true, position: "right", color: look.ink, formatter: ({ dataIndex: place }) => `${words.number(rows[place].visits)}${rows[place].of_before === null ? "" : ` · ${words.shown(rows[place].of_before, "share")}`}` },
      }],
    };
  }

  return { STAGES, funnel, funnelOption, value, target, total, types, ofChannel, loadCredit, loadPaid, loadModels, metric, some };
})();
