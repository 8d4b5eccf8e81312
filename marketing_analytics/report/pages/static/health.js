/* What the watch says: monitors, freshness, the page's own service level, syncs. */
"use strict";
(() => {
  const ICONS = {
    ok: ["t-success", "M3 8.5l3.5 3.5L13 4.5", "Fine"], warning: ["t-warn", "M8 2l6.5 12h-13zM8 6.5v3.5M8 12v.5", "Warning"],
    failing: ["t-error", "M4 4l8 8M12 4l-8 8", "Failing"], unknown: ["t-cancelled", "M3 8h10", "Unknown"],
    announced: ["t-running", "M8 3v6M8 12v.5", "Announced"], moving: ["t-queued", "M3 8h10M9 4l4 4-4 4", "Still moving"],
  };
  const ROWS = 15;
  const NAMES = { success: "ok", partial: "warning", failed: "failing", running: "moving", interrupted: "warning" };
  function badge(status, text) {
    const [tone, path, word] = ICONS[status] || ICONS.unknown;
    return `<span class="badge ${tone}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>${words.escape(text || word)}</span>`;
  }
  const moment = (at) => (at ? `${words.dayWords(at.slice(0, 10))} ${at.slice(11, 16)}` : words.DASH);
  const begun = (text) => (text ? text[0].toUpperCase() + text.slice(1) : text);
  const spaced = (name) => begun(name.replaceAll("_", " ").replace(/^ltv\b/, "LTV"));
  const account = (row, ...more) => [words.platformWords(row.source), row.account_id, ...more].filter(Boolean).join(" / ");
  /* columns in which any row has something to say */
  const told_ = (columns, rows) => columns.filter((column) => !column.isOptional || rows.some((row) => row[column.key]));

  /* what is fine or still moving is one row a monitor: what is not stands alone */
  function told(rows) {
    const found = [], quiet = new Map();
    for (const row of rows) {
      const key = `${row.monitor} ${row.status}`, first = quiet.get(key);
      if (row.status !== "ok" && row.status !== "moving") found.push(row);
      else if (first) first.count += 1;
      else { quiet.set(key, { ...row, count: 1 }); found.push(quiet.get(key)); }
    }
    for (const row of quiet.values()) {
      if (row.count === 1) continue;
      row.subject = words.plural(row.count, "subject");
      row.sentence = row.status === "moving" ? "Fresh, and still moving: platforms may change these days." : "Nothing to say.";
    }
    return found;
  }
  const DOCS = document.body.dataset.docs || "";
  function runbook({ runbook: path }) {
    if (!path) return words.DASH;
    const name = words.escape(path.split("/").pop().replace(/\.md$/, "").replaceAll("-", "\u2011"));
    return DOCS && path.startsWith("docs/") ? `<a href="${words.escape(DOCS + path.slice(5))}">${name}</a>` : name;
  }
  function monitors({ health }, context) {
    const rows = told(health.monitors || []).map((row) => ({ ...row, name: spaced(row.monitor), sentence: begun(row.sentence), since: row.status === "ok" || row.status === "moving" ? "" : moment(row.since_at) })), bad = rows.filter(({ status }) => status === "failing" || status === "warning");
    const worst = bad[0], kinds = new Set(rows.map(({ monitor }) => monitor)).size;
    blocks.show("monitors", {
      says: !rows.length ? "" : worst ? `${words.plural(bad.length, "finding")} of ${words.plural(kinds, "monitor")}. ${worst.sentence}` : `${kinds === 1 ? "The monitor is" : `All ${words.plural(kinds, "monitor")} are`} fine${rows.length > kinds ? ` in ${rows.length} places` : ""}, as of ${moment(rows[0].checked_at)} UTC.`,
      empty: "No monitor has run on this warehouse: marketing monitor run does it.",
      columns: told_([
        { key: "name", label: "Monitor" }, { key: "status", label: "State", html: (row) => badge(row.status) },
        { key: "subject", label: "Of", isOptional: true }, { key: "sentence", label: "What it says" },
        { key: "since", label: "Since (UTC)", isOptional: true, keeps: true }, { key: "action", label: "What to do", isOptional: true },
        { key: "owner", label: "Owner", html: (row) => words.escape((row.owner || words.DASH).replaceAll("-", "\u2011")) }, { key: "runbook", label: "Runbook", keeps: true, html: runbook },
      ], rows),
      rows,
    }, context);
  }
  /* reports of one account, or of one campaign, as one row: read as far as the one that is behind */
  function grouped(rows, key) {
    const found = new Map();
    for (const row of rows) {
      const name = key(row), one = found.get(name) || { name, campaign: row.campaign_name || row.campaign_id, reports: 0, last_day: row.last_day, last_row_day: "", read_at: "" };
      one.reports += 1;
      if (row.last_day < one.last_day) one.last_day = row.last_day;
      if ((row.last_row_day || "") > one.last_row_day) one.last_row_day = row.last_row_day;
      if ((row.read_at || "") > one.read_at) one.read_at = row.read_at;
      found.set(name, one);
    }
    return [...found.values()];
  }
  const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);
  const day = (key) => (row) => (row[key] ? words.dayWords(row[key]) : words.DASH);
  function freshness({ health, as_of: asOf }, context) {
    const rows = grouped((health.freshness || []).filter(({ campaign_id: id }) => !id), (row) => account(row))
      .map((row) => ({ ...row, behind: days(row.last_day, asOf) })).sort((a, b) => b.behind - a.behind || a.name.localeCompare(b.name));
    const late = rows.filter(({ behind }) => behind > 1), state = ({ behind }) => (behind <= 1 ? "ok" : behind <= 3 ? "warning" : "failing");
    blocks.show("freshness", {
      says: !rows.length ? "" : late.length ? `${words.plural(late.length, "account")} of ${words.number(rows.length)} ${late.length === 1 ? "ends" : "end"} more than a day before ${words.dayWords(asOf)}; ${late[0].name} is furthest behind, by ${words.plural(late[0].behind, "day")}.` : `${rows.length === 1 ? "The account was" : `All ${words.plural(rows.length, "account")} were`} read up to ${words.dayWords(asOf)} or the day before.`,
      note: "Read up to: later days are unknown, not empty. Last row: the last day on which anything was counted.",
      empty: "The raw tables were not at hand when this was published: give --raw-database.",
      columns: [
        { key: "name", label: "Source and account" }, { key: "behind", label: "State", html: (row) => badge(state(row), row.behind <= 1 ? "Fresh" : `${words.plural(row.behind, "day")} behind`) },
        { key: "reports", label: "Reports", unit: "count" }, { key: "last_day", label: "Read up to", html: day("last_day") },
        { key: "last_row_day", label: "Last row", html: day("last_row_day") }, { key: "read_at", label: "Read at (UTC)", html: (row) => words.escape(moment(row.read_at)) },
      ],
      rows, limit: ROWS,
    }, context);
  }
  function campaigns({ health, as_of: asOf }, context) {
    const QUIET_DAYS = 2;
    const rows = grouped((health.freshness || []).filter(({ campaign_id: id }) => id), (row) => account(row, row.campaign_id))
      .map((row) => ({ ...row, quiet: row.last_row_day ? Math.max(0, days(row.last_row_day, asOf)) : null })).sort((a, b) => (b.quiet ?? 1e9) - (a.quiet ?? 1e9) || a.name.localeCompare(b.name));
    const still = rows.filter(({ quiet }) => quiet === null || quiet > QUIET_DAYS);
    blocks.show("campaigns", {
      says: rows.length ? `${words.number(rows.length - still.length)} of ${words.plural(rows.length, "campaign")} had rows in the last ${QUIET_DAYS} days; ${words.number(still.length)} had none: ended, paused, or not delivered.` : "",
      empty: "No campaign is on record where this was published.",
      columns: [
        { key: "campaign", label: "Campaign" }, { key: "quiet", label: "State", html: (row) => badge(row.quiet !== null && row.quiet <= QUIET_DAYS ? "ok" : "unknown", row.quiet === null ? "No row" : row.quiet <= QUIET_DAYS ? "Running" : `Quiet for ${words.plural(row.quiet, "day")}`) },
        { key: "name", label: "Source, account, number" }, { key: "last_row_day", label: "Last row", html: day("last_row_day") }, { key: "last_day", label: "Read up to", html: day("last_day") },
      ],
      rows, limit: ROWS,
    }, context);
  }
  function serviceLevel({ health }, context) {
    const all = (health.probes || []).map((row) => ({ ...row, label: words.dayWords(row.day_date), available: (row.available_minutes || 0) / row.known_minutes, fresh: row.available_minutes ? (row.fresh_minutes || 0) / row.available_minutes : null }));
    const sum = (rows, key) => rows.reduce((total, row) => total + (row[key] || 0), 0), lostOf = (rows) => sum(rows, "known_minutes") - sum(rows, "available_minutes");
    /* of several pages the one that was down longest is told and drawn */
    const pages = [...new Set(all.map(({ target }) => target))].map((target) => all.filter((row) => row.target === target)).sort((a, b) => lostOf(b) - lostOf(a));
    const rows = pages[0] || [], known = sum(rows, "known_minutes"), lost = lostOf(rows);
    const share = (known - lost) / known, budget = (1 - health.objective) * health.probed_days * 1440;
    const begin = pages.length < 2 ? "Up" : lost ? `${rows[0].target} was down longest: up` : `${words.plural(pages.length, "page")}, each up`;
    const percent = (value, decimals = 2) => `${words.number(value * 100, decimals)} %`;
    blocks.show("service-level", {
      says: rows.length ? `${begin} in ${percent(share, 3)} of ${words.plural(known, "probed minute")} of ${health.probed_days} days (promised: ${percent(health.objective, 1)}); ${words.number(Math.max(0, budget - lost), 1)} of ${words.number(budget, 1)} minutes of error budget are left.` : "",
      note: rows.length ? "Measured by marketing monitor probe from outside; minutes without a probe are unknown, not good. Fresh: of the minutes in which it was up." : "",
      empty: "Nobody probes this page yet: marketing monitor probe does it.",
      columns: [{ key: "label", label: "Day" }, ...(pages.length > 1 ? [{ key: "target", label: "Page", unit: "text" }] : []), { key: "known_minutes", label: "Probed minutes", unit: "count" }, { key: "available", label: "Available", unit: "share" }, { key: "fresh", label: "Fresh", unit: "share" }],
      rows: all,
      option: (look) => ({
        xAxis: { type: "category", data: rows.map((row) => row.label.replace(/ \d{4}$/, "")) },
        yAxis: { type: "value", min: ({ min }) => Math.min(99, Math.floor(min)), max: 100, axisLabel: { formatter: "{value} %" } },
        tooltip: { valueFormatter: (value) => (Number.isFinite(value) ? `${words.number(value, 2)} %` : words.DASH) },
        series: [["Available", "available", 0], ["Fresh", "fresh", 1]].map(([name, key, place]) => ({ name, type: "line", symbolSize: 5, data: rows.map((row) => (row[key] === null ? null : row[key] * 100)), lineStyle: { color: look.colors[place], type: look.dashes[place] }, itemStyle: { color: look.colors[place] } })),
      }),
    }, context);
  }
  function loads({ health }, context) {
    const rows = health.loads || [], newest = rows[0];
    const failed = rows.filter(({ status }) => status === "failed" || status === "partial");
    blocks.show("loads", {
      says: newest ? `The last sync began on ${moment(newest.started_at)} UTC; ${failed.length ? `${words.number(failed.length)} of the last ${words.plural(rows.length, "load")} ${failed.length === 1 ? "was" : "were"} not whole.` : `none of the last ${words.plural(rows.length, "load")} failed.`}` : "",
      empty: "No sync is on record where this was published.",
      columns: [
        { key: "source", label: "Source", html: (row) => words.escape(words.platformWords(row.source)) }, { key: "status", label: "State", html: (row) => badge(NAMES[row.status] || (row.status === "ok" ? "ok" : "unknown"), row.status === "ok" ? "OK" : begun(row.status)) },
        { key: "row_count", label: "Rows", unit: "count" }, { key: "started_at", label: "Began (UTC)", html: (row) => words.escape(moment(row.started_at)) },
      ],
      rows, limit: ROWS,
    }, context);
  }
  report.onChange(async (context) => {
    const found = { health: await report.load("health"), as_of: context.data.as_of };
    for (const block of [monitors, freshness, serviceLevel, loads, campaigns]) block(found, context);
  });
})();
