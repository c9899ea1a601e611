"""Math-Verify on the pairs that `verify_lines` judged, and a table of both.

    cargo run --release -p forethought-verify --example verify_lines -- pairs.jsonl > judged.jsonl
    python beside_math_verify.py judged.jsonl

A row has gold, answer, expected, verdict and microseconds. Needs math-verify 0.9.
"""

import json
import sys
import time

from math_verify import parse, verify
from math_verify.parser import ExprExtractionConfig, LatexExtractionConfig

CONFIG = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]


def judge(row):
    # Bare LaTeX is nothing to Math-Verify; it gets the delimiters it needs.
    gold = row["gold"] if any(mark in row["gold"] for mark in ("$", "\\[", "\\(", "boxed")) else f"${row['gold']}$"
    return verify(parse(gold, CONFIG), parse(row["answer"], CONFIG))


def quantile(times, share):
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def line(name, rows, equal, times):
    right = sum(equal(row) == row["expected"] for row in rows)
    accepted = sum(equal(row) for row in rows if not row["expected"])
    missed = sum(not equal(row) for row in rows if row["expected"])
    figures = [quantile(times, 0.5), quantile(times, 0.99), max(times)]
    print(f"| {name} | {right / len(rows):.2%} | {accepted} | {missed} | " + " | ".join(f"{f:,.0f} µs" for f in figures) + " |")


rows = [json.loads(text) for text in open(sys.argv[1])]
for row in rows:
    start = time.perf_counter()
    try:
        row["math_verify"] = bool(judge(row))
    except Exception:
        row["math_verify"] = False
    row["math_verify_microseconds"] = (time.perf_counter() - start) * 1e6

print(f"{len(rows)} pairs, {sum(row['expected'] for row in rows)} of them equal")
print("| | agrees with the truth | different accepted | equal refused | median | p99 | longest |")
print("|---|---|---|---|---|---|---|")
line("forethought", rows, lambda row: row["verdict"] == "equal", [row["microseconds"] for row in rows])
line("Math-Verify 0.9", rows, lambda row: row["math_verify"], [row["math_verify_microseconds"] for row in rows])
