"""Writes the files of this folder: `python3 make.py` (standard library only).

Each is a file that a careless reader would trust, in a folder with the name of the file whose place it takes in a good
tokenizer. valid.* are right. The tests also cut and change each of them.
"""

import json, pathlib

HERE = pathlib.Path(__file__).parent
SPLIT = {"type": "Split", "pattern": {"Regex": r"\p{N}|\p{L}+|\s"}, "behavior": "Isolated", "invert": False}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
SPECIAL = {"id": 6, "content": "<|im_end|>", "single_word": False, "lstrip": False, "rstrip": False,
           "normalized": False, "special": True}
BPE = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
       "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
       "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "Ġ": 5}, "merges": [["a", "b"], ["ab", "c"]]}
VALID = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [SPECIAL], "normalizer": None,
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [SPLIT, BYTES]}, "post_processor": None,
         "decoder": BYTES, "model": BPE}


def write(file, name, content):
    folder = HERE / file
    folder.mkdir(exist_ok=True)
    ending = ".jinja" if file.endswith(".jinja") else ".json"
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (folder / f"{name}{ending}").write_text(text + "\n")


def split(pattern):
    return {"pre_tokenizer": SPLIT | {"pattern": {"Regex": pattern}}}


def nested(kind, inside, inner, times):
    for _ in range(times):
        inner = {"type": kind, inside: [inner]}
    return inner


TOKENIZERS = {
    "valid": {},
    "no-model": {"model": None},
    "model-of-another-kind": {"model": {"type": "Neural"}},
    "id-of-all-bits": {"model": BPE | {"vocab": {"a": (1 << 32) - 1}, "merges": []}},
    "id-beyond-bits": {"model": BPE | {"vocab": {"a": 1 << 32}, "merges": []}},
    "id-is-negative": {"model": BPE | {"vocab": {"a": -1}, "merges": []}},
    "ids-twice": {"model": BPE | {"vocab": {"a": 0, "b": 0}, "merges": []}},
    "merges-of-nothing": {"model": BPE | {"merges": [["x", "y"]]}},
    "merges-of-empty-texts": {"model": BPE | {"merges": [["", ""]]}},
    "merges-of-three": {"model": BPE | {"merges": ["a b c"]}},
    "parts-are-dropped": {"model": BPE | {"dropout": 0.5}},
    "unknown-token-is-unknown": {"model": BPE | {"unk_token": "<unk>"}},
    "byte-fallback-without-bytes": {"model": BPE | {"byte_fallback": True}},
    "added-far-away": {"added_tokens": [SPECIAL | {"id": (1 << 32) - 1}]},
    "added-empty": {"added_tokens": [SPECIAL | {"content": ""}]},
    "added-normalized": {"added_tokens": [SPECIAL | {"normalized": True, "content": "a"}]},
    "pattern-goes-back": split(r"(?:(?:a|aa)+)+(?!b)$"),
    "pattern-is-open": split("(a"),
    "pattern-grows": split(r"((\p{L}{1000}){1000}){1000}"),
    "pattern-looks-behind-without-end": split(r"(?<=a+)b"),
    "pattern-is-empty": split(""),
    "replaces-nothing": {"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "aaaa"}},
    "replaces-by-pattern": {"normalizer": {"type": "Replace", "pattern": {"Regex": "(?:)"}, "content": "aaaaaaaa"}},
    "charsmap-is-no-map": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}},
    "normalizers-in-normalizers": {"normalizer": nested("Sequence", "normalizers", {"type": "NFC"}, 100)},
    "splits-in-splits": {"pre_tokenizer": nested("Sequence", "pretokenizers", BYTES, 40)},
    "template-of-unknown-tokens": {"post_processor": {
        "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}], "pair": [],
        "special_tokens": {}}},
    "cuts-more-than-it-keeps": {"truncation": {
        "direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 1 << 40}},
    "pads-to-all-bits": {"padding": {
        "strategy": {"Fixed": 1 << 60}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
        "pad_type_id": 0, "pad_token": "!"}},
    "unigram-without-scores": {"model": {"type": "Unigram", "unk_id": 7, "vocab": []}},
    "unigram-with-scores-beyond-numbers": {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", -1e308], ["b", 1e308]]}},
    "word-pieces": {"model": {
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": (1 << 64) - 1, "vocab": {"a": 0}}},
    "words": {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"}},
}
for name, change in TOKENIZERS.items():
    write("tokenizer.json", name, VALID | change)
write("tokenizer.json", "deep", '{"model":' + "[" * 4000)
write("tokenizer.json", "list", "[]")

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
CONFIGS = {
    "valid": {"eos_token": "<|im_end|>", "chat_template": TEMPLATE},
    "end-is-a-number": {"eos_token": 7},
    "end-is-unknown": {"eos_token": "</s>"},
    "end-without-content": {"eos_token": {"lstrip": True}},
    "template-is-a-number": {"chat_template": 7},
    "templates-without-names": {"chat_template": [{"template": TEMPLATE}]},
    "templates-in-templates": {"chat_template": [[[[TEMPLATE]]]]},
    "template-does-not-end": {"chat_template": "{% for m in messages %}"},
    "template-grows": {"chat_template": "{% set x = 'ab' %}" + "{% set x = x ~ x %}" * 60},
}
for name, config in CONFIGS.items():
    write("tokenizer_config.json", name, config)
write("tokenizer_config.json", "deep", '{"chat_template":' + "[" * 4000)

TEMPLATES = {
    "valid": TEMPLATE,
    "tag-is-open": "{% if",
    "text-is-open": "{{ 'a",
    "signs": "{{ " + "-" * 5000 + "1 }}",
    "brackets": "{{ " + "(" * 5000 + " }}",
    "generation-without-end": "{% generation %}a",
    "generation-in-generation": "{% generation %}{% generation %}{% endgeneration %}{% endgeneration %}{% endgeneration %}",
    "raises": "{{ raise_exception('no') }}",
    "another-file": "{% include '/etc/passwd' %}",
    "attributes-of-python": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "division": "{{ 1 // 0 }}",
    "number-of-many-digits": "{{ " + "9" * 400 + " }}",
    "power": "{{ 9 ** 99999 }}",
    "loop-of-a-number": "{% for i in 7 %}{% endfor %}",
    "loop-without-end": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "multiplies": "{{ 'a' * 9999999999 }}",
    "namespace-in-itself": "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
    "macro-in-itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}
for name, template in TEMPLATES.items():
    write("chat_template.jinja", name, template)
