"""Ingests, labels and balances thinking traces with `datasets` and a fast tokenizer of transformers.

    python data.py make SHARED OUT --rows N        replicates the traces of a folder with changed questions, as JSON lines,
                                                   or as parquet with row groups of 200,000 rows
    python data.py run FILE TOKENIZER OUT          does what the stages ingest, label and balance do, in 2 processes
    python data.py time COMMAND...                 times another program
    python data.py count RUN                       counts what those stages left in a run folder

Each but `make` prints one line of JSON. `run` and `time`: seconds of the whole, by the clock and of the processor, and the
largest memory of one process. `run` and `count`: how many rows were labelled, their tokens, and how many are on either side
of the split; `run` also seconds of its parts. It is written to be fast: one pass over the rows, in which only what is needed
later is kept; imports are not counted.
"""

import argparse
import itertools
import json
import os
import random
import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

arguments = argparse.ArgumentParser()
commands = arguments.add_subparsers(dest="command", required=True)
make = commands.add_parser("make")
make.add_argument("shared", type=Path)
make.add_argument("out", type=Path)
make.add_argument("--rows", type=int, default=100_000)
run = commands.add_parser("run")
run.add_argument("file")
run.add_argument("tokenizer")
run.add_argument("out", type=Path)
run.add_argument("--processes", type=int, default=2)
run.add_argument("--min-count", type=int, default=300)
run.add_argument("--max-train", type=int, default=9000)
count = commands.add_parser("count")
count.add_argument("out", type=Path)
timed = commands.add_parser("time")
timed.add_argument("program", nargs=argparse.REMAINDER)
arguments = arguments.parse_args()


def traces(folder):
    """The traces of the three shapes as pairs of question and completion."""
    import pyarrow.parquet as parquet

    for row in parquet.read_table(folder / "prompt_completion.parquet").to_pylist():
        yield row["prompt"], row["completion"]
    for line in open(folder / "instruction_response.jsonl", encoding="utf-8"):
        row = json.loads(line)
        yield row["instruction"], row["response"]
    for row in parquet.read_table(folder / "messages.parquet").to_pylist():
        turns = {turn["role"]: turn["content"] for turn in row["messages"]}
        yield turns["user"], turns["assistant"]


def replicas():
    pairs = list(traces(arguments.shared))
    for index in range(arguments.rows):
        question, completion = pairs[index % len(pairs)]
        yield {"prompt": f"{question} [{index // len(pairs)}]", "completion": completion, "id": index}


def replicate():
    if arguments.out.suffix == ".parquet":
        return replicate_parquet()
    with open(arguments.out, "w", encoding="utf-8") as file:
        for row in replicas():
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def replicate_parquet(group=200_000):
    """Large row groups and no dictionary: what other programs write, at its worst for whoever reads it."""
    import pyarrow
    from pyarrow import parquet

    rows, writer = replicas(), None
    while batch := list(itertools.islice(rows, group)):
        table = pyarrow.Table.from_pylist(batch)
        writer = writer or parquet.ParquetWriter(arguments.out, table.schema, use_dictionary=False)
        writer.write_table(table, row_group_size=group)
    writer.close()


def thinking(completion):
    """The text between the first tags; nothing where the trace was cut off."""
    before, closed, _ = completion.partition("</think>")
    text, opened, after = before.partition("<think>")
    return (after if opened else text).strip() if closed else None


def prepare():
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer)

    def label(batch):
        kept = [(q.strip(), thinking(c)) for q, c in zip(batch["prompt"], batch["completion"])]
        kept = [(question, text) for question, text in kept if question and text is not None]
        ids = tokenizer([text for _, text in kept], add_special_tokens=False, return_attention_mask=False)["input_ids"]
        return {"question": [question for question, _ in kept], "tokens": [len(one) for one in ids]}

    start, before = time.perf_counter(), processor()
    with tempfile.TemporaryDirectory() as cache:
        rows = datasets.load_dataset("json", data_files=arguments.file, split="train", cache_dir=cache)
        loaded = time.perf_counter()
        labelled = rows.map(
            label, batched=True, remove_columns=rows.column_names, num_proc=arguments.processes, load_from_cache_file=False
        )
        counted = time.perf_counter()
        train, validation = balance(labelled["question"][:], labelled["tokens"][:])
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, part in [("train", train), ("validation", validation)]:
            with open(arguments.out / f"{name}.jsonl", "w", encoding="utf-8") as file:
                for question, tokens, of in part:
                    row = {"question": question, "thinking_tokens": tokens, "class": of}
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    end, used = time.perf_counter(), processor() - before
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    figures = {
        "seconds": end - start,
        "cpu_seconds": used,
        "reading": loaded - start,
        "label": counted - loaded,
        "balance": end - counted,
        "rows": len(labelled),
        "tokens": sum(labelled["tokens"][:]),
        "train": len(train),
        "validation": len(validation),
        "peak_mb": max(usage) / 1024,
    }
    print(json.dumps(figures))


def processor():
    """Seconds of the processor so far, of this process and of those that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def balance(questions, tokens):
    """As many of each class as the smallest has, classes of more examples left out first; a quarter for validation."""
    classes = defaultdict(list)
    for question, count in zip(questions, tokens):
        classes[count // 25].append((question, count, count // 25))
    draw = random.Random(42)
    kept = sorted((rows for rows in classes.values() if len(rows) >= arguments.min_count), key=len)
    smallest = len(kept[0])
    kept = kept[: arguments.max_train // smallest]
    train, rest = [], []
    for rows in kept:
        draw.shuffle(rows)
        train += rows[:smallest]
        rest += rows[smallest:]
    return train, rest[: len(train) // 4]


def counts():
    """What the stages have written, as `run` counts what it has made."""
    def lines(stage, name):
        return open(arguments.out / "artifacts" / stage / name, encoding="utf-8")

    amounts = [json.loads(line)["amount"] for line in lines("label", "labelled.jsonl")]
    sides = {side: sum(1 for _ in lines("balance", f"{side}.jsonl")) for side in ("train", "validation")}
    print(json.dumps({"rows": len(amounts), "tokens": sum(amounts), **sides}))


def measure():
    load = os.getloadavg()[0]
    start = time.perf_counter()
    subprocess.run(arguments.program, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": usage.ru_maxrss / 1024, "load": load}
    print(json.dumps(figures))


{"make": replicate, "run": prepare, "time": measure, "count": counts}[arguments.command]()
