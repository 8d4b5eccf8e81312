"""Figure: scripts that others write into every field, looked at in a real browser; none may run.

    python -m benchmarks.page_attacks [--payloads 500] [--seed 1]

Each round puts payloads into every text of a seeded store and of what dbt left (each field another
one), opens every page without its content security policy, so that escaping stands alone, and
counts what ran. Exits 1 when something did, or when payloads were not on the pages at all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sqlite3
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.seeded_pages import seed, settings_of
from marketing_analytics.local_cloud.pages.mount import build_ui
from marketing_analytics.local_cloud.store.schema import open_store
from marketing_analytics.web.listening import open_socket

CHROMIUM = "/usr/bin/chromium"
MARK = "XSS-RAN"
# what runs calls this; the name is in no page of ours
RUN = "attack()"
INIT = f"window.attack = () => console.log('{MARK}'); window.alert = window.attack;"
OUT_OF = (
    "", '"', "'", '">', "'>", "</title>", "</textarea>", "</script>", "</style>", "-->", "]]>",
    "</svg>", "</select>", "</pre>", "</a>", "`", "\\", "\x00", "\u2028", "&quot;", "%22%3E",
)  # fmt: skip
VECTORS = (
    f"<script>{RUN}</script>", f"<ScRiPt >{RUN}</sCrIpT>", f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}>", f"<svg><script>{RUN}</script></svg>", f"<body onload={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>", f"<details open ontoggle={RUN}>",
    f"<video><source onerror={RUN}></video>", f"<input autofocus onfocus={RUN}>",
    f"<audio src=x onerror={RUN}>", f"<math><mtext><img src=x onerror={RUN}></mtext></math>",
    f"<style onload={RUN}></style>", f"<link rel=stylesheet href=x onerror={RUN}>",
    f"<object data='javascript:{RUN}'></object>", f"<embed src='javascript:{RUN}'>",
    f"<form><button formaction='javascript:{RUN}' autofocus>", f"<marquee onstart={RUN}>",
    f" autofocus onfocus={RUN} x=", f" onmouseover={RUN} style=position:fixed;inset:0 ",
    f"javascript:{RUN}", f"data:text/html,<script>{RUN}</script>", "{{7*7}}", "${attack()}",
    f"<template><script>{RUN}</script></template>", f"<noscript><img src=x onerror={RUN}>",
    f"\x1b]8;;javascript:{RUN}\x07link\x1b]8;;\x07", f"\x1b[31m<img src=x onerror={RUN}>\x1b[0m",
)  # fmt: skip
TEXTS = {
    "jobs": ("name", "description"),
    "environments": ("name",),
    "projects": ("name",),
    "runs": ("cause", "schema_name", "status_message", "wait_reason", "git_branch", "target_name"),
    "run_steps": ("name", "command"),
    "run_nodes": ("name", "message", "thread"),
    "tokens": ("name",),
    "audit_events": ("token_name", "path", "client"),
    "webhook_deliveries": ("problem", "event_type"),
}
KEPT = ("unique_id", "nodes", "status", "resource_type", "attached_node")
ARTIFACTS = ("manifest.json", "run_results.json", "sources.json")


def payloads_of(count: int) -> list[str]:
    """Return so many ways to try, each a way out with something that runs."""
    found = [way + vector for vector, way in itertools.product(VECTORS, OUT_OF)]
    return random.Random(0).sample(found, min(count, len(found)))


class Attack:
    """A seeded folder whose texts are replaced round by round."""

    def __init__(self, folder: Path, payloads: list[str], seed_number: int) -> None:
        self.folder = folder
        self.ids = seed(folder, runs=30, lines=60)
        self.payloads = payloads
        self.random = random.Random(seed_number)
        self.whole = {path: path.read_text("utf-8") for path in self.artifacts()}
        with closing(self.store()) as connection:
            self.hook = str(connection.execute("select id from webhooks").fetchone()[0])

    def artifacts(self) -> Iterator[Path]:
        for name in ("failed", "success"):
            folder = self.folder / "runs" / str(self.ids[name]) / "artifacts" / "step_4"
            yield from (folder / file for file in ARTIFACTS)

    def store(self) -> sqlite3.Connection:
        connection = open_store(self.folder / "cloud.sqlite")
        # a null byte ends a text of the store
        take = self.taker()
        connection.create_function("payload", 0, lambda: take().replace("\0", ""))
        return connection

    def taker(self) -> Callable[[], str]:
        """Return what hands out all payloads in turn, mixed."""
        order = self.random.sample(self.payloads, len(self.payloads))
        return itertools.cycle(order).__next__

    def mix(self) -> None:
        """Put other payloads everywhere."""
        with closing(self.store()) as connection:
            for table, columns in TEXTS.items():
                values = ", ".join(f"{column} = payload()" for column in columns)
                connection.execute(f"update {table} set {values}")
            connection.execute(
                "update webhooks set payload = json_set(payload, '$.name', payload())"
            )
        take = self.taker()
        for path, text in self.whole.items():
            path.write_text(json.dumps(changed(json.loads(text), take)), "utf-8")
        log = self.folder / "runs" / str(self.ids["failed"]) / "steps" / "4.log"
        log.write_text("\n".join(f"ERROR {take()}" for _ in range(200)), "utf-8")
        drift = {"looked_at": "2026-01-01T00:00:00+00:00", "problem": take()}
        words = "--config env_file/dev_env.tfvars"
        (self.folder / "drift.json").write_text(json.dumps({words: drift}), "utf-8")

    def paths(self) -> list[str]:
        """Return every page, some with a payload in the address."""
        run = f"/runs/{self.ids['failed']}"
        parts = ("", "/nodes", "/lineage", "/compare", "/nodes/model.marketing.fct_attribution")
        asked = [urllib.parse.quote(text) for text in self.random.choices(self.payloads, k=4)]
        return [
            "/", "/jobs", "/jobs/1", "/jobs/1/trigger", "/freshness", "/runs", "/queue", "/audit",
            "/webhooks", f"/webhooks/{self.hook}", "/drift", *(run + part for part in parts),
            f"{run}/files/4/manifest.json", f"/runs/{self.ids['queued']}",
            f"/jobs?search={asked[0]}", f"/runs?search={asked[1]}", f"/audit?search={asked[2]}",
            f"/login?next={asked[3]}", f"/{asked[3]}",
        ]  # fmt: skip


def changed(value: Any, take: Callable[[], str], key: str = "") -> Any:
    """Return JSON with a payload behind every text but an id or a state."""
    if isinstance(value, dict):
        return {name: changed(part, take, name) for name, part in value.items()}
    if isinstance(value, list):
        return [changed(part, take, key) for part in value]
    return f"{value}{take()}" if isinstance(value, str) and key not in KEPT else value


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the pages of a folder and give their address."""
    from marketing_analytics.local_cloud.server import build_server, run_until_exit

    with closing(open_socket("127.0.0.1", 0)) as listening:
        server = build_server(build_ui(settings_of(folder)))
        thread = threading.Thread(target=run_until_exit, args=(server, listening), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def visit(attack: Attack, address: str, rounds: int) -> tuple[int, int, list[str]]:
    """Open every page so often; return pages opened, payloads seen on them, what ran where."""
    from playwright.sync_api import ConsoleMessage, Dialog, sync_playwright

    ran: list[str] = []
    opened, seen = 0, set()
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_context(bypass_csp=True).new_page()
        page.add_init_script(INIT)

        def note(said: ConsoleMessage) -> None:
            if MARK in said.text:
                ran.append(page.url)

        def refuse(dialog: Dialog) -> None:
            ran.append(page.url)
            dialog.dismiss()

        page.on("console", note)
        page.on("dialog", refuse)
        for _ in range(rounds):
            attack.mix()
            for path in attack.paths():
                page.goto(address + path, wait_until="load")
                page.wait_for_timeout(50)
                opened += 1
                text = page.evaluate("document.body.innerText + document.title")
                seen |= {one for one in attack.payloads if one in text}
                links = page.evaluate(
                    "[...document.querySelectorAll('a,form,button')].filter(found =>"
                    " /^(javascript|data):/i.test(found.href || found.action || found.formAction"
                    " || '')).length"
                )
                ran += [f"{path}: a link that runs"] * links
        browser.close()
    return opened, len(seen), ran


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payloads", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    payloads = payloads_of(given.payloads)
    with tempfile.TemporaryDirectory() as name:
        attack = Attack(Path(name), payloads, given.seed)
        with served(attack.folder) as address:
            opened, seen, ran = visit(attack, address, given.rounds)
    print(f"{len(payloads)} payloads in every field, {opened} pages opened in Chromium (seed"
          f" {given.seed}): {seen} payloads seen as text, {len(ran)} ran")  # fmt: skip
    for place in ran[:20]:
        print(f"  {place}")
    # a blank or a sign that is not shown makes some look otherwise on the page
    return 0 if not ran and seen > len(payloads) // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
