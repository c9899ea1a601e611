"""Reads what `crates/dataset/examples/interop_rows.rs` wrote, with `datasets`, and says whether features and rows are right.

Each data set lies there twice, as JSON lines and as parquet. Parquet must have the same rows as the JSON lines read by
Python's own parser, down to the last key; `datasets` itself may give objects of JSON lines the keys of their neighbours
with null. Both must have the features that TRL expects of the type that the file is named after. Where TRL is installed, its own test of the form is asked.
"""

import json
import sys
from pathlib import Path

import datasets

TURNS = [{"role": "string", "content": "string"}]
EXPECTED = {
    "text-standard": {"text": "string"},
    "prompt-standard": {"prompt": "string"},
    "prompt-conversational": {"prompt": TURNS},
    "prompt_completion-standard": {"prompt": "string", "completion": "string"},
    "prompt_completion-conversational": {"prompt": TURNS, "completion": TURNS},
    "preference-standard": {"prompt": "string", "chosen": "string", "rejected": "string", "margin": "float64"},
    "preference-conversational": {"prompt": TURNS, "chosen": TURNS, "rejected": TURNS, "margin": "float64"},
    "unpaired-standard": {"prompt": "string", "completion": "string", "label": "bool"},
    "unpaired-conversational": {"prompt": TURNS, "completion": TURNS, "label": "bool"},
}


def plain(feature):
    """A feature without the classes of `datasets`: names of types, lists, and dictionaries."""
    if isinstance(feature, datasets.Value):
        return "string" if feature.dtype == "large_string" else feature.dtype
    if isinstance(feature, (list, tuple)):
        return [plain(feature[0])]
    if isinstance(feature, dict):
        return {key: plain(value) for key, value in feature.items()}
    if hasattr(feature, "feature"):
        return [plain(feature.feature)]
    if type(feature).__name__ == "Json":  # from datasets 5 on, for objects that differ from turn to turn
        return "json"
    raise TypeError(f"unexpected feature {feature!r}")


def without_null(value):
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_null(item) for item in value]
    return value


def main(folder):
    try:
        from trl.data_utils import is_conversational
    except ImportError:
        is_conversational = None
    names = sorted(path.stem for path in folder.glob("*.jsonl"))
    assert set(EXPECTED) <= set(names), f"missing: {set(EXPECTED) - set(names)}"
    for name in names:
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for kind, suffix in [("json", "jsonl"), ("parquet", "parquet")]:
            file = str(folder / f"{name}.{suffix}")
            read = datasets.load_dataset(kind, data_files=file, split="train", cache_dir=str(folder / "cache"))
            features = {key: plain(feature) for key, feature in read.features.items()}
            if name in EXPECTED:
                assert features == EXPECTED[name], f"{file}: features {features}"
            same = without_null if kind == "json" else (lambda row: row)
            found = [same(row) for row in read]
            assert found == [same(row) for row in rows], f"{file}: rows differ: {found}"
            if is_conversational is not None:
                form = "conversational" if is_conversational(read[0]) else "standard"
                assert name.endswith(form), f"{file}: TRL takes it as {form}"
        print(f"{name}: {len(rows)} rows agree, {', '.join(rows[0])}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
