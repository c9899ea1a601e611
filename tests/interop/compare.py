"""Reads folders that forethought wrote with transformers and PEFT, and compares what comes out.

Usage: python compare.py DIR, where DIR is what the example `interop` of the crate forethought-model wrote: folders, the
logits or scores that forethought computed with them, and cases.json. `cargo xtask interop` runs both.

Everything is computed in 32-bit floats, whatever type the weights were stored in. A folder passes if transformers misses
no tensor, finds none too many, reads the type that config.json names, and computes the same within TOLERANCE.

Weights in 4 and 8 bits are compared with those of bitsandbytes where it can be imported: codes must be equal (those of
scales but for one in a hundred, by one step), and what they stand for within TOLERANCE of the largest number.
"""

import json
import pathlib
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

try:
    import bitsandbytes
    from bitsandbytes import functional
except ImportError:
    functional = None

TOLERANCE = 5e-5  # what 32-bit arithmetic in another order may change in a logit


def read(folder, kind):
    """The model of a folder, if every tensor of it is used and none is missing."""
    model, info = kind.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    for what in ["missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"]:
        if info.get(what):
            raise AssertionError(f"{what}: {sorted(map(str, info[what]))}")
    return model.eval()


def check_type(folder, name):
    """The type that the configuration names is the type of the weights."""
    expected = getattr(torch, name)
    if AutoConfig.from_pretrained(folder).dtype != expected:
        raise AssertionError(f"config.json does not say {name}")
    for file in folder.glob("*.safetensors"):
        for tensor, values in load_file(file).items():
            if values.dtype != expected:
                raise AssertionError(f"{file.name}: {tensor} is {values.dtype}")


def largest(pairs):
    return max((found - expected).abs().max().item() for found, expected in pairs)


def logits(model, sequences, expected):
    found = [model(torch.tensor([ids])).logits[0] for ids in sequences]
    return largest((one, expected[str(index)]) for index, one in enumerate(found))


def scores(model, sequences, expected):
    """Alone, and in a batch that is padded on either side."""
    pad = model.config.pad_token_id
    width = max(map(len, sequences))
    fill = [[pad] * (width - len(ids)) for ids in sequences]
    mask = [[0] * len(one) for one in fill]
    ones = [[1] * len(ids) for ids in sequences]
    alone = torch.cat([model(torch.tensor([ids])).logits[0] for ids in sequences])
    found = [alone]
    for side in [lambda one, two: one + two, lambda one, two: two + one]:
        ids = torch.tensor([side(one, two) for one, two in zip(fill, sequences)])
        attended = torch.tensor([side(one, two) for one, two in zip(mask, ones)])
        found.append(model(ids, attention_mask=attended).logits[:, 0])
    return largest((one, expected["scores"][0]) for one in found)


def equal_codes(what, found, expected):
    different = (found != expected).sum().item()
    if found.shape != expected.shape or different:
        raise AssertionError(f"{what}: {different} of {expected.numel()} codes differ")


def same_scales(found, expected):
    """Where codes of scales are equal. One between two codes may go either way, for their mean is summed differently."""
    steps = (found.int() - expected.int()).abs()
    if steps.max() > 1 or (steps > 0).float().mean() > 0.01:
        count = (steps > 0).sum().item()
        raise AssertionError(f"nf4 scales: {count} of {steps.numel()} codes differ, by up to {steps.max().item()}")
    return steps == 0


def by_blocks(values):
    padded = torch.zeros(-(-values.numel() // 64) * 64)
    padded[: values.numel()] = values.flatten()
    return padded.reshape(-1, 64)


def quantised(ours):
    """The same weight through bitsandbytes: 4 bits in blocks of 64 with double quantisation, and 8 bits by rows.

    What the 4-bit codes stand for is put together from its code book and its scales: its dequantize_4bit on the CPU (0.50.2)
    gives -0.9 for the -300 that both have stored, in a matrix of 80 columns.
    """
    weight = ours["weight"]
    packed, state = functional.quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type="nf4")
    equal_codes("nf4", ours["nf4.codes"], packed.flatten())
    same = same_scales(ours["nf4.block_codes"], state.absmax)
    pairs_of_codes = packed.flatten()
    codes = torch.stack([pairs_of_codes >> 4, pairs_of_codes & 15], 1).flatten()[: weight.numel()]
    block_scales = functional.dequantize_blockwise(state.absmax, state.state2) + state.offset
    expected = by_blocks(state.code[codes.long()]) * block_scales.reshape(-1, 1)
    whole, row_scales, _ = torch.ops.bitsandbytes.int8_vectorwise_quant(weight)
    equal_codes("int8", ours["int8.codes"].view(torch.int8), whole.flatten())
    pairs = [
        (ours["nf4.scales"], torch.cat([state.state2.absmax, state.offset.reshape(1)])),
        (by_blocks(ours["nf4.dequantised"])[same], expected[same]),
        (ours["int8.scales"], row_scales / 127),
        (ours["int8.dequantised"], whole.float() * row_scales.reshape(-1, 1) / 127),
    ]
    return largest(pairs) / weight.abs().max().item()


def run(root, case, sequences):
    name = case["name"]
    expected = load_file(root / f"{name}.safetensors")
    if case["kind"] == "quantised":
        return quantised(expected)
    if case["kind"] == "decoder":
        check_type(root / name, case["dtype"])
        return logits(read(root / name, AutoModelForCausalLM), sequences, expected)
    if case["kind"] == "adapter":
        base = read(root / case["base"], AutoModelForCausalLM)
        return logits(peft.PeftModel.from_pretrained(base, root / name).eval(), sequences, expected)
    if case["kind"] == "score-adapter":
        base = read(root / case["base"], AutoModelForSequenceClassification)
        return scores(peft.PeftModel.from_pretrained(base, root / name).eval(), sequences, expected)
    return scores(read(root / name, AutoModelForSequenceClassification), sequences, expected)


def main():
    root = pathlib.Path(sys.argv[1])
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(f"transformers {transformers.__version__}, peft {peft.__version__}, torch {torch.__version__}")
    listing = json.loads((root / "cases.json").read_text())
    failed = 0
    if functional is None:
        print("no bitsandbytes: weights in 4 and 8 bits are not compared")
        listing["cases"] = [case for case in listing["cases"] if case["kind"] != "quantised"]
    else:
        print(f"bitsandbytes {bitsandbytes.__version__}")
    for case in listing["cases"]:
        try:
            with torch.no_grad():
                error = run(root, case, listing["sequences"])
            is_good, shown = error <= TOLERANCE, f"{error:.2e}"
        except Exception as error:  # one folder that cannot be read hides no other
            is_good, shown = False, f"{type(error).__name__}: {error}"
        failed += not is_good
        print(f"{'ok    ' if is_good else 'FAILED'} {case['kind']:13} {case['name']:24} {shown}")
    print(f"{len(listing['cases'])} cases, {failed} failed, tolerance {TOLERANCE}")
    sys.exit(failed > 0 or not listing["cases"])


main()
