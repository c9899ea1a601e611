"""Writes packing-trl-1.16.0.json: how TRL's pack_dataset lays out sequences of random lengths.

    python make_packing.py > packing-trl-1.16.0.json        (trl 1.16.0, pyarrow)

Token t of sequence s is the number 1000 s + t, so a packed row tells where each of its pieces came from. Rows are written as
[sequence, first token, end] of each piece.
"""

import json
import random

from datasets import Dataset, disable_progress_bars
from trl.data_utils import pack_dataset

disable_progress_bars()
random.seed(5)


def pieces(row):
    found = []
    for token in row:
        sequence, index = divmod(token, 1000)
        if found and found[-1][0] == sequence and found[-1][2] == index:
            found[-1][2] += 1
        else:
            found.append([sequence, index, index + 1])
    return found


def case(lengths, capacity, strategy):
    rows = [[1000 * sequence + index for index in range(length)] for sequence, length in enumerate(lengths)]
    packed = pack_dataset(Dataset.from_dict({"input_ids": rows}), capacity, strategy)
    return dict(lengths=lengths, capacity=capacity, strategy=strategy, rows=[pieces(row) for row in packed["input_ids"]])


samples = [
    ([5, 2, 3, 1], 4),
    ([7, 7, 3, 3, 3, 1, 1], 8),
    ([random.randint(1, 30) for _ in range(40)], 32),
    ([random.randint(1, 50) for _ in range(25)], 20),
    ([random.randint(1, 9) for _ in range(60)], 64),
    ([4, 4, 4, 4], 4),
]
cases = [case(lengths, capacity, name) for lengths, capacity in samples for name in ("bfd", "bfd_split", "wrapped")]
print("[", ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in cases), "]", sep="\n")
