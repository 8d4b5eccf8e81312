"""`python -m benchmarks.mutants`: seeded mutants of the SQL, and how many the tests catch."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchmarks.mutants.edits import edits
from benchmarks.mutants.judged import PROJECT, Base, Mutant, Verdict, build, check

LEAST_PERCENT = 95
UNCOUNTED = {"invalid", "same"}


def all_mutants() -> list[Mutant]:
    """Return every mutant of the models and macros."""
    paths = sorted((*PROJECT.glob("models/**/*.sql"), *PROJECT.glob("macros/**/*.sql")))
    texts = {str(path.relative_to(PROJECT)): path.read_text(encoding="utf-8") for path in paths}
    return [Mutant(path, edit, text) for path, text in texts.items() for edit in edits(text)]


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


def _keep(base: Base) -> None:
    """Keep the base of this process."""
    global _base
    _base = base


def _judge(mutant: Mutant) -> Verdict:
    """Judge a mutant in this process."""
    return _base.judge(mutant)


def run(base: Base, mutants: Iterator[Mutant], count: int, jobs: int) -> list[Verdict]:
    """Judge mutants until so many count."""
    verdicts: list[Verdict] = []
    # a process for each, forked with the manifest in it: dbt keeps what it has read
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs, initializer=_keep, initargs=(base,), maxtasksperchild=1) as pool:
        while missing := count - sum(verdict.by not in UNCOUNTED for verdict in verdicts):
            batch = list(islice(mutants, missing))
            if not batch:
                break
            for verdict in pool.imap_unordered(_judge, batch):
                verdicts.append(verdict)
                print(f"{verdict.by:12} {verdict.mutant} {verdict.detail[:200]!r}", flush=True)
    return verdicts


def report(verdicts: list[Verdict], seed: int) -> int:
    """Print the score by kind and by layer, and what nobody noticed."""
    counted = [verdict for verdict in verdicts if verdict.by not in UNCOUNTED]
    _table("kind", [(one.mutant.edit.kind, one.by) for one in counted])
    _table("layer", [(one.mutant.layer, one.by) for one in counted])
    survivors = [verdict for verdict in counted if verdict.by == "survived"]
    for verdict in survivors:
        print(f"survived: {verdict.mutant}")
    for verdict in counted:
        if verdict.by == "record":
            print(f"by a record alone: {verdict.mutant}")
    caught = len(counted) - len(survivors)
    percent = 100 * caught / max(len(counted), 1)
    skipped = Counter(verdict.by for verdict in verdicts if verdict.by in UNCOUNTED)
    print(f"not counted: {skipped['invalid']} that are no SQL, {skipped['same']} without effect")
    print(
        f"seed {seed}: {caught} of {len(counted)} mutants caught, {percent:.1f} %"
        f" (at least {LEAST_PERCENT} %)"
    )
    return 0 if percent >= LEAST_PERCENT else 1


def _table(title: str, cells: list[tuple[str, str]]) -> None:
    """Print how many mutants of each row were caught by what."""
    by = ("unit test", "data test", "build", "python test", "record", "survived")
    counts = Counter(cells)
    print(f"\n{title:14} mutants  " + "  ".join(by))
    for key in sorted({key for key, _ in cells}):
        row = [counts[key, one] for one in by]
        print(
            f"{key:14} {sum(row):7}  "
            + "  ".join(f"{n:{len(b)}}" for n, b in zip(row, by, strict=True))
        )


def main() -> int:
    """Judge mutants of a seed; return 1 when too many live."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="a part of the path of the files")
    parser.add_argument("--kind", default="", help="mutants of one kind alone, such as join")
    parser.add_argument("--built", type=Path, help="the folder of a build that is there already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        built = options.built or Path(folder) / "built"
        if not options.built:
            built.mkdir()
            build(built)
        check(built, Path(folder))
        base = Base(built, Path(folder))
        mutants = [
            one
            for one in all_mutants()
            if options.only in one.path
            and options.kind in {"", one.edit.kind}
            and base.is_built(one)
        ]
        print(f"{len(mutants)} mutants can be made", flush=True)
        verdicts = run(base, drawn(mutants, options.seed), options.count, options.jobs)
        return report(verdicts, options.seed)


if __name__ == "__main__":
    sys.exit(main())
