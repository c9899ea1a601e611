"""A column of classes as `datasets` writes it: parquet, and a folder of `save_to_disk`.

    python make.py        # with datasets and pyarrow of PyPI
"""

import shutil

from datasets import ClassLabel, Dataset, Features, Value

features = Features({
    "prompt": Value("string"),
    "completion": Value("string"),
    "label": ClassLabel(names=["bad", "good"]),
})
rows = {"prompt": ["2 + 2?", "3 + 3?"], "completion": ["4", "7"], "label": [1, 0]}
data = Dataset.from_dict(rows, features=features)
data.to_parquet("classes.parquet")
shutil.rmtree("saved", ignore_errors=True)
data.save_to_disk("saved")
