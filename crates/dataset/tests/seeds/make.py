"""Makes the seeds beside it: the same rows in every container, as the programs of the field write them.

Written with Python 3.12, datasets 5.2.0, pyarrow 26.0.1 and pandas.  Run: python make.py
"""

import gzip
import json
import shutil

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
from datasets import Dataset, DatasetDict

ROWS = [
    {"prompt": "2 + 2, \"quoted\"\nand more?", "completion": "<think>two and two</think>4", "score": 0.5, "good": True},
    {"prompt": "Größe — 多少？", "completion": "<think>hm</think>many", "score": 2.25, "good": False},
    {"prompt": "third", "completion": "<think>t</think>c", "score": None, "good": None},
]
TURNS = [[{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}] for row in ROWS]


def text():
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    open("rows.jsonl", "w").write(lines)
    open("rows.json", "w").write(json.dumps(ROWS, ensure_ascii=False, indent=1))
    with gzip.GzipFile("rows.jsonl.gz", "wb", mtime=0) as file:
        file.write(lines.encode())
    with pa.CompressedOutputStream("rows.jsonl.zst", "zstd") as file:
        file.write(lines.encode())
    frame = Dataset.from_list(ROWS).to_pandas()
    frame.to_csv("rows.csv", index=False)
    frame.to_csv("rows.tsv", index=False, sep="\t")


def tables():
    table = pa.Table.from_pylist([{**row, "messages": turns} for row, turns in zip(ROWS, TURNS)])
    pa.parquet.write_table(table, "rows.parquet", row_group_size=2)
    pa.parquet.write_table(table, "dictionary.parquet", compression="zstd", use_dictionary=True)
    pa.feather.write_feather(table, "rows.feather", compression="lz4")
    with pa.ipc.new_file("rows.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def judged():
    """A column for everything that a command on rows asks for."""
    more = [{"chosen": "4", "rejected": "5", "gold": "4", "answer": "\\boxed{4}"}] * len(ROWS)
    rows = [{key: row[key] for key in ("prompt", "completion")} | own for row, own in zip(ROWS, more)]
    table = pa.Table.from_pylist(rows)
    pa.parquet.write_table(table, "judged.parquet")
    with pa.ipc.new_file("judged.arrow", table.schema) as writer:
        writer.write_table(table)


def saved():
    shutil.rmtree("saved", ignore_errors=True)
    rows = Dataset.from_list([{**row, "messages": turns} for row, turns in zip(ROWS, TURNS)])
    DatasetDict(train=rows.select([0, 1]).flatten_indices(), test=rows.select([2]).flatten_indices()).save_to_disk("saved")


text()
tables()
judged()
saved()
