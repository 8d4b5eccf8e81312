"""`python -m benchmarks.mutants`: seeded mutants of the SQL, and how many the tests catch."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.mutants.edits import edits
from benchmarks.mutants.judged import PROJECT, Base, Mutant, Verdict

LEAST_PERCENT = 95
UNCOUNTED = {"invalid", "same"}


def all_mutants() -> list[Mutant]:
    """Return every mutant of the models and macros."""
    paths = sorted(path for folder in ("models", "macros") for path in (PROJECT / folder).rglob("*.sql"))
    return [
        Mutant(str(path.relative_to(PROJECT)), edit)
        for path in paths
        for edit in edits(path.read_text(encoding="utf-8"))
    ]


def drawn(mutants: list[Mutant], seed: int) -> Iterator[Mutant]:
    """Return mutants by chance: the kinds in turn, of each the file that has had the fewest."""
    rng = random.Random(seed)
    heaps: dict[str, dict[str, list[Mutant]]] = defaultdict(lambda: defaultdict(list))
    for mutant in rng.sample(mutants, len(mutants)):
        heaps[mutant.edit.kind][mutant.path].append(mutant)
    kinds = sorted(heaps)
    had: Counter[str] = Counter()
    while any(heaps.values()):
        for kind in kinds:
            heap = heaps[kind]
            if heap:
                path = min(heap, key=lambda name: (had[name], rng.random()))
                had[path] += 1
                yield heap[path].pop()
                if not heap[path]:
                    del heap[path]


_base: Base


def judge(work: tuple[int, Mutant]) -> Verdict:
    """Judge one mutant in this process."""
    number, mutant = work
    return _base.judge(mutant, number)


def run(mutants: Iterator[Mutant], count: int, jobs: int) -> list[Verdict]:
    """Judge mutants until so many count."""
    verdicts: list[Verdict] = []
    number = 0
    # a process for each: dbt keeps what it has read
    with multiprocessing.get_context("fork").Pool(jobs, maxtasksperchild=1) as pool:
        while missing := count - sum(verdict.by not in UNCOUNTED for verdict in verdicts):
            batch = [one for one, _ in zip(mutants, range(missing), strict=False)]
            if not batch:
                break
            for verdict in pool.imap(judge, enumerate(batch, number)):
                verdicts.append(verdict)
                print(f"{verdict.by:12} {verdict.mutant}  {verdict.detail[:100]!r}", flush=True)
            number += len(batch)
    return verdicts


def report(verdicts: list[Verdict], seed: int) -> int:
    """Print the score by kind and by layer, and what nobody noticed."""
    counted = [verdict for verdict in verdicts if verdict.by not in UNCOUNTED]
    by = ("unit test", "data test", "build", "python test", "survived")
    for title, name in (("kind", "kind"), ("layer", "layer")):
        rows: dict[str, Counter[str]] = defaultdict(Counter)
        for verdict in counted:
            key = verdict.mutant.edit.kind if name == "kind" else verdict.mutant.layer
            rows[key][verdict.by] += 1
        print(f"\n{title:14} mutants  " + "  ".join(by))
        for key, row in sorted(rows.items()):
            cells = "  ".join(f"{row[one]:{len(one)}}" for one in by)
            print(f"{key:14} {row.total():7}  {cells}")
    survivors = [verdict for verdict in counted if verdict.by == "survived"]
    for verdict in survivors:
        print(f"survived: {verdict.mutant}")
    caught = len(counted) - len(survivors)
    percent = 100 * caught / max(len(counted), 1)
    skipped = Counter(verdict.by for verdict in verdicts if verdict.by in UNCOUNTED)
    print(
        f"seed {seed}: {caught} of {len(counted)} mutants caught, {percent:.1f} % (at least"
        f" {LEAST_PERCENT} %); not counted: {skipped['invalid']} no SQL, {skipped['same']} unchanged"
    )
    return 0 if percent >= LEAST_PERCENT else 1


def main() -> int:
    """Judge mutants of a seed; return 1 when too many live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="a part of the path of the files")
    options = parser.parse_args()
    global _base
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        _base = Base(Path(folder) / "work")
        mutants = [
            mutant for mutant in all_mutants() if options.only in mutant.path and _base.is_built(mutant)
        ]
        print(f"{len(mutants)} mutants can be made", flush=True)
        verdicts = run(drawn(mutants, options.seed), options.count, options.jobs)
        return report(verdicts, options.seed)


if __name__ == "__main__":
    sys.exit(main())
