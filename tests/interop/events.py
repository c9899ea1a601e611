"""Reads the event files that forethought wrote with TensorBoard's own reader, and compares them with metrics.jsonl.

Usage: python events.py DIR, where DIR is what the example `events` of the crate forethought-train wrote: a run that was
interrupted and went on. `cargo xtask interop` runs both.

It passes if every number of every step is there once, under its name, as the 32-bit float nearest to it.
"""

import json
import math
import pathlib
import sys

import numpy
import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader


def expected(folder):
    """The numbers of the log: step and value by name."""
    curves = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record.items():
            if name not in ("step", "stage", "diagnosis") and value is not None and math.isfinite(value):
                curves.setdefault(f"train/{name}", []).append((record["step"], value))
    return curves


def main():
    folder = pathlib.Path(sys.argv[1])
    files = sorted((folder / "tensorboard").iterdir())
    # The loader checks the checksums of every record.
    counts = [sum(1 for _ in EventFileLoader(str(file)).Load()) for file in files]
    accumulator = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    found = {
        name: [(event.step, event.value) for event in accumulator.Scalars(name)]
        for name in accumulator.Tags()["scalars"]
    }
    wanted = {
        name: [(step, float(numpy.float32(value))) for step, value in points]
        for name, points in expected(folder).items()
    }
    print(f"tensorboard {tensorboard.__version__}: {len(files)} files of {counts} records, {len(found)} curves")
    # Files are named after the second: both parts of the run may be in one.
    failed = found != wanted or len(files) not in (1, 2)
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            print(f"FAILED {name}: {found.get(name)} instead of {wanted.get(name)}")
    if not failed:
        print(f"ok     {sum(map(len, found.values()))} numbers agree")
    sys.exit(failed)


main()
