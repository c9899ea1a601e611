"""Writes the files of this folder: `python3 make.py` (standard library only).

Each is a file that a careless reader would trust: NAME.safetensors is read as the weights of a tiny model, NAME.json as
its config.json, NAME.index.json as its index of shards, adapters/NAME.json as the adapter_config.json beside a good
adapter. The tests also cut and change each of them.
"""

import json, pathlib, struct

HERE = pathlib.Path(__file__).parent


def header(name, entries, data=b"", length=None):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    length = len(text) if length is None else length
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", length) + text + data)


def tensor(start, end, shape, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


header("header-beyond-the-file", {}, length=1 << 20)
header("header-of-all-bits", {}, length=(1 << 64) - 1)
header("header-of-nothing", b"")
header("header-is-a-list", b"[1, 2]")
header("header-is-not-text", bytes(range(128, 168)))
header("header-is-deep", b"[" * 4000)
header("overlap", {"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, bytes(12))
header("gap", {"a": tensor(0, 8, [2]), "b": tensor(12, 20, [2])}, bytes(20))
header("late-start", {"a": tensor(4, 12, [2])}, bytes(12))
header("bytes-at-the-end", {"a": tensor(0, 8, [2])}, bytes(12))
header("backwards", {"a": tensor(8, 0, [2])}, bytes(8))
header("beyond-the-data", {"a": tensor(0, 1 << 40, [1 << 38])}, bytes(8))
header("shape-overflows", {"a": tensor(0, 8, [1 << 62, 1 << 62, 4])}, bytes(8))
header("negative-shape", {"a": tensor(0, 8, [-2])}, bytes(8))
header("empty-entry", {"a": {}}, bytes(8))
header("unknown-type", {"a": tensor(0, 8, [8], "F8_E4M3")}, bytes(8))
header("same-key-twice", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
       b'"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', bytes(8))
(HERE / "zip.safetensors").write_bytes(b"PK\x03\x04" + bytes(60))
(HERE / "pickle.safetensors").write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00.")

VALID = {"model_type": "qwen2", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 4, "num_hidden_layers": 1,
         "num_attention_heads": 2, "num_key_value_heads": 1}
CONFIGS = {
    "valid": {},
    "endless-vocabulary": {"vocab_size": (1 << 64) - 1},
    "large-vocabulary": {"vocab_size": (1 << 31) - 1, "hidden_size": (1 << 31) - 2},
    "many-layers": {"num_hidden_layers": 1 << 60},
    "layers-to-the-limit": {"num_hidden_layers": 1024},
    "wide-heads": {"head_dim": 1 << 63},
    "no-heads": {"num_attention_heads": 0},
    "no-key-value-heads": {"num_key_value_heads": 0},
    "negative": {"hidden_size": -8},
    "fraction": {"hidden_size": 8.5},
    "words": {"hidden_size": "8"},
    "no-number": {"rope_theta": "NaN"},
    "long-positions": {"max_position_embeddings": 1 << 62},
    "rope-of-another-type": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
    "rope-is-a-list": {"rope_parameters": []},
}
for name, change in CONFIGS.items():
    (HERE / f"{name}.json").write_text(json.dumps(VALID | change) + "\n")
(HERE / "deep.json").write_text('{"a":' * 4000)
(HERE / "same-key-twice.json").write_text('{"model_type": "qwen2", "hidden_size": 8, "hidden_size": 16}\n')

for name, file in {"parent": "../model.safetensors", "absolute": "/etc/passwd", "pickle": "pytorch_model.bin",
                   "itself": "model.safetensors.index.json", "nothing": "", "missing": "absent.safetensors"}.items():
    (HERE / f"{name}.index.json").write_text(json.dumps({"weight_map": {"model.norm.weight": file}}) + "\n")
(HERE / "no-map.index.json").write_text('{"metadata": {}}\n')
(HERE / "same-key-twice.index.json").write_text('{"weight_map": {"a": "a.safetensors", "a": "b.safetensors"}}\n')

ADAPTER = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}
ADAPTERS = {
    "valid": {},
    "rank-of-all-bits": {"r": (1 << 64) - 1},
    "rank-of-a-gigabyte": {"r": 1 << 28},
    "no-rank": {"r": 0},
    "negative-rank": {"r": -2},
    "alpha-is-no-number": {"lora_alpha": "NaN"},
    "alpha-beyond-numbers": {"lora_alpha": 1e308, "r": 1},
    "everything-is-dropped": {"lora_dropout": 1.0},
    "nothing": {"target_modules": []},
    "unknown": {"target_modules": ["q_proj", "attention"]},
    "every-module": {"target_modules": ".*"},
    "pattern-is-open": {"target_modules": "(q_proj"},
    "pattern-goes-back": {"target_modules": r"(?:(?:[a-z]+[._]?)+)+(?<!j)q(?!_)"},
    "pattern-grows": {"target_modules": "((([a-z]{1000}){1000}){1000}){1000}"},
    "pattern-repeats-what-looks-ahead": {"target_modules": "(?:(?:(?=a)a){1000}){1000}"},
    "exclude-goes-back": {"exclude_modules": r"(?:(?:[a-z]+[._]?)+)+(?<!j)q(?!_)"},
    "saves-nothing-there": {"modules_to_save": ["score2"]},
    "saves-the-tied-head": {"modules_to_save": ["lm_head", "embed_tokens"]},
    "layers-beyond": {"layers_to_transform": [1 << 60]},
    "layers-are-negative": {"layers_to_transform": -1},
    "another-kind": {"peft_type": "IA3"},
    "another-start": {"init_lora_weights": "pissa"},
    "ranks-by-pattern": {"rank_pattern": {"q_proj": 4}},
}
(HERE / "adapters").mkdir(exist_ok=True)
for name, change in ADAPTERS.items():
    (HERE / "adapters" / f"{name}.json").write_text(json.dumps(ADAPTER | change) + "\n")
(HERE / "adapters" / "deep.json").write_text('{"r":' + "[" * 4000)
(HERE / "adapters" / "same-key-twice.json").write_text('{"r": 2, "r": 4, "lora_alpha": 4, "target_modules": ["q_proj"]}\n')
