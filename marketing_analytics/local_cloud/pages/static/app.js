// Small comforts for pages that work without it: live parts, relative times, keys.
"use strict";
document.documentElement.classList.add("js");

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// a part marked data-live="seconds" is fetched again until the server stops marking it
async function keepLive(id) {
  for (;;) {
    let part = document.getElementById(id);
    const seconds = Number(part?.dataset.live);
    if (!seconds) return;
    await wait(document.hidden ? Math.max(seconds, 5) : seconds);
    try {
      const address = new URL(location.href);
      address.searchParams.set("live", "1");
      const answer = await fetch(address, { cache: "no-cache", headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part = document.getElementById(id);
      replacePart(part, page.getElementById(id));
      for (const other of page.querySelectorAll(`[data-beside="${id}"]`)) {
        replacePart(document.getElementById(other.id), other);
      }
      document.getElementById(id)?.classList.remove("stale");
    } catch {
      // the server may be restarting: keep what is shown, say so, ask again
      document.getElementById(id)?.classList.add("stale");
      await wait(3);
    }
  }
}

function replacePart(old, fresh) {
  if (!old || !fresh || old.outerHTML === fresh.outerHTML) return;
  const focused = old.contains(document.activeElement);
  if (focused && document.activeElement.matches("input, select")) return;
  for (const box of fresh.querySelectorAll("details[data-keep]")) {
    const before = old.querySelector(`details[data-keep="${box.dataset.keep}"]`);
    if (before) box.open = before.open;
  }
  const place = focused ? positionOf(old, document.activeElement) : -1;
  old.replaceWith(fresh);
  if (place >= 0) focusable(fresh)[place]?.focus({ preventScroll: true });
  if (fresh.dataset.step !== undefined) document.dispatchEvent(new CustomEvent("live", { detail: fresh }));
}

const focusable = (part) => [...part.querySelectorAll("a, button, summary")];
const positionOf = (part, element) => focusable(part).indexOf(element);

function relative(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  const whole = Math.floor(seconds);
  let words;
  if (whole < 60) words = `${whole} s`;
  else if (whole < 3600) words = `${Math.floor(whole / 60)} min`;
  else if (whole < 86400) words = `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  else words = `${Math.floor(whole / 86400)} d`;
  if (seconds < 1) return "now";
  return milliseconds > 0 ? `in ${words}` : `${words} ago`;
}

function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const words = relative(Date.parse(time.dateTime) - Date.now());
    if (time.textContent !== words) time.textContent = words;
  }
}

// j and k go through the first link of each line of a list
const LINES = ".stack > li, main table tbody tr, .timeline > li, .failure";
function step(by) {
  const links = [...document.querySelectorAll(LINES)].map((line) => line.querySelector("a[href]")).filter(Boolean);
  const at = links.findIndex((link) => link.closest(LINES).contains(document.activeElement));
  const next = links[at < 0 && by < 0 ? links.length - 1 : Math.min(links.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.closest(LINES).scrollIntoView({ block: "nearest" });
}

let prefix = "";
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const goal = prefix === "g" && { h: "/", j: "/jobs", r: "/runs", q: "/queue", f: "/freshness", a: "/audit" }[event.key];
  prefix = event.key === "g" ? "g" : "";
  if (goal) location.assign(goal);
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
  else if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-logsearch], [data-search]")?.focus();
  }
}

// the lanes of a run: what is typed marks nodes at once and stays in the address
const nameOf = (bar) => bar.querySelector("title").textContent.split(" · ")[0].toLowerCase();
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-nodes]")) return;
  const wanted = event.target.value.trim(), lanes = document.querySelector("[data-lanes]");
  let found = 0;
  for (const group of lanes.querySelectorAll("svg.rows")) {
    [...group.querySelectorAll("a")].forEach((bar, place) => {
      const isFound = wanted !== "" && nameOf(bar).includes(wanted.toLowerCase());
      found += isFound;
      bar.classList.toggle("found", isFound);
      bar.setAttribute("tabindex", isFound || (!wanted && place === 0) ? 0 : -1);
    });
  }
  lanes.classList.toggle("searched", wanted !== "");
  document.querySelector("[data-found]").textContent = wanted && `${found} of ${lanes.querySelectorAll("a").length} marked`;
  const marked = (address) => {
    const url = new URL(address, location.href);
    if (wanted) url.searchParams.set("node", wanted); else url.searchParams.delete("node");
    return url;
  };
  history.replaceState(null, "", marked(location.href));
  for (const link of document.querySelectorAll(".lanebar a")) link.href = marked(link.href).href;
});
// the arrows go from bar to bar, of those that are marked when some are
document.addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key], bar = event.target.closest?.("[data-lanes] a");
  if (!by || !bar || event.ctrlKey || event.metaKey || event.altKey) return;
  const bars = [...document.querySelectorAll(document.querySelector("[data-lanes] a.found") ? "[data-lanes] a.found" : "[data-lanes] a")];
  const next = bars[bars.indexOf(bar) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const words = button.lastChild.textContent;
  try {
    await navigator.clipboard.writeText(new URL(button.dataset.copy, location.href).href);
    button.lastChild.textContent = "Copied";
  } catch { button.lastChild.textContent = "Not allowed here"; }
  setTimeout(() => { button.lastChild.textContent = words; }, 1500);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-fullscreen]");
  if (button) document.getElementById(button.dataset.fullscreen).requestFullscreen();
});
document.addEventListener("keydown", onKey);
document.addEventListener("submit", (event) => {
  // a second press must not start a second run
  if (event.target.method !== "post") return;
  for (const button of event.target.querySelectorAll("button")) setTimeout(() => { button.disabled = true; }, 0);
});
// the zone of this machine is offered first; a choice is sent at once
const zones = document.querySelector("[data-zone]");
if (zones) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && ![...zones.options].some((option) => option.value === own)) zones.prepend(new Option(`${own} (here)`, own));
  zones.form.querySelector("[name=next]").value = location.pathname + location.search;
  zones.addEventListener("change", () => zones.form.requestSubmit());
}
// a page that comes back from history shows its buttons again
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
setInterval(refreshTimes, 5000);
for (const part of document.querySelectorAll("[data-live]")) keepLive(part.id);
