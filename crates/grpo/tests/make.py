"""Writes trl-1.16.0-variants.json: the losses, metrics and gradients of `GRPOTrainer._compute_loss` of TRL 1.16.0 over
given log-probabilities.

The trainer is a stand-in that has the attributes the method reads; its model is a table of log-probabilities and
entropies, so gradients are those of the loss alone. The weights that make good the sampler's difference are computed in
the trainer's rollout and are repeated here (`correction`).

    python make.py        # with trl 1.16.0 and torch
"""

import json
import pathlib
from collections import defaultdict
from types import SimpleNamespace

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

torch.set_num_threads(1)
torch.manual_seed(7)
LENGTHS = [3, 1, 5, 4]
ADVANTAGES = [0.8, -1.1, 0.5, -0.2]
WIDTH = max(LENGTHS)
MASK = torch.tensor([[float(t < n) for t in range(WIDTH)] for n in LENGTHS])
BASE = -torch.rand(4, WIDTH) * 3 - 0.1
OLD, REFERENCE = (BASE + torch.randn(4, WIDTH) * 0.35 for _ in range(2))
SAMPLED = OLD + torch.randn(4, WIDTH) * 0.6
SAMPLED[2, 1] = float("nan")  # the sampler reported nothing
ENTROPY = torch.rand(4, WIDTH) * 2 + 0.3

OPTIONS = {
    "epsilon": 0.2, "epsilon_high": None, "delta": None, "beta": 0.0, "use_bias_correction_kl": True,
    "loss_type": "dapo", "importance_sampling_level": "token", "top_entropy_quantile": 1.0, "entropy_coef": 0.0,
    "off_policy_mask_threshold": None, "sapo_temperature_pos": 1.0, "sapo_temperature_neg": 1.05, "vespo_k_pos": 2.0,
    "vespo_lambda_pos": 3.0, "vespo_k_neg": 3.0, "vespo_lambda_neg": 2.0,
    "sampling_correction": "none", "sampling_correction_max": 3.0, "sampling_correction_min": None,
}  # fmt: skip
SETTINGS = [
    {"loss_type": "cispo", "epsilon_high": 1.2},
    {"loss_type": "sapo", "sapo_temperature_neg": 2.0},
    {"loss_type": "luspo", "importance_sampling_level": "sequence", "epsilon": 0.02, "beta": 0.1},
    {"loss_type": "vespo", "beta": 0.1},
    {"loss_type": "grpo", "delta": 1.1, "epsilon": 0.05},
    {"loss_type": "bnpo", "top_entropy_quantile": 0.4, "beta": 0.1, "entropy_coef": 0.03},
    {"loss_type": "dr_grpo", "off_policy_mask_threshold": 0.05, "entropy_coef": -0.1},
    {"sampling_correction": "token_truncate", "sampling_correction_max": 1.3, "sampling_correction_min": 0.7},
    {"sampling_correction": "token_mask", "sampling_correction_max": 1.3, "beta": 0.1},
    {"sampling_correction": "sequence_truncate", "sampling_correction_max": 1.3},
    {"sampling_correction": "sequence_mask", "sampling_correction_max": 1.3, "off_policy_mask_threshold": 0.1},
    {"loss_type": "vespo", "sampling_correction": "token_truncate"},
    {"loss_type": "vespo", "sampling_correction": "sequence_mask", "sampling_correction_max": 1.3},
    {"loss_type": "dapo", "accumulation": 2, "steps_per_generation": 6, "generation_tokens": 57},
    {"loss_type": "luspo", "epsilon": 0.05, "importance_sampling_level": "token"},
]


def correction(options):
    mode = options["sampling_correction"]
    if mode == "none":
        return None
    difference = torch.nan_to_num((OLD - SAMPLED) * MASK, nan=0.0)
    if mode.startswith("sequence"):
        difference = difference.sum(-1, keepdim=True)
    ratio = difference.exp()
    low, high = options["sampling_correction_min"], options["sampling_correction_max"]
    if mode.endswith("truncate"):
        return ratio.clamp(min=low, max=high)
    return ratio.masked_fill((ratio < (low or -1.0)) | (ratio > high), 0.0)


def run(setting):
    options = {**OPTIONS, **setting}
    log_probs = BASE.clone().requires_grad_()
    entropy = ENTROPY.clone().requires_grad_()
    same = lambda value, **_: value  # noqa: E731  one process
    args = SimpleNamespace(**options)
    args.steps_per_generation = options.get("steps_per_generation", 1)
    trainer = SimpleNamespace(
        args=args, model=SimpleNamespace(training=True), aux_loss_enabled=False, max_completion_length=6,
        epsilon_low=options["epsilon"],
        epsilon_high=options["epsilon"] if options["epsilon_high"] is None else options["epsilon_high"],
        use_vllm=options["sampling_correction"] != "none", vllm_importance_sampling_correction=True,
        current_gradient_accumulation_steps=options.get("accumulation", 1),
        _entropy_bonus_enabled=options["entropy_coef"] != 0.0, use_adaptive_entropy=False,
        accelerator=SimpleNamespace(
            num_processes=1, gather=same, reduce=same, pad_across_processes=same, sync_gradients=True
        ),
        _metrics={"train": defaultdict(list)}, get_off_policy_mask=GRPOTrainer.get_off_policy_mask,
        get_gamma_weights=GRPOTrainer.get_gamma_weights,
        _get_per_token_logps_and_entropies=lambda *_, **__: (log_probs, entropy, None),
        **{name: options[name] for name in (
            "loss_type", "beta", "importance_sampling_level", "top_entropy_quantile", "entropy_coef",
            "off_policy_mask_threshold",
        )},
    )  # fmt: skip
    trainer.get_high_entropy_mask = lambda *given: GRPOTrainer.get_high_entropy_mask(trainer, *given)
    ids = torch.zeros(4, WIDTH, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1] + 1, "completion_ids": ids, "completion_mask": MASK,
        "advantages": torch.tensor(ADVANTAGES), "old_per_token_logps": OLD, "ref_per_token_logps": REFERENCE,
        "num_items_in_batch": torch.tensor(options.get("generation_tokens", sum(LENGTHS))),
    }  # fmt: skip
    if trainer.use_vllm:
        inputs |= {"importance_sampling_ratio": correction(options), "sampling_per_token_logps": SAMPLED}
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["train"].items()}
    if trainer.use_vllm:  # logged by the rollout
        known = (OLD - SAMPLED).abs()[MASK.bool() & ~SAMPLED.isnan()]
        ratio = inputs["importance_sampling_ratio"]
        ratio = ratio[MASK.bool()] if ratio.shape[1] > 1 else ratio.flatten()
        metrics |= {
            "sampling/sampling_logp_difference/mean": known.mean().item(),
            "sampling/sampling_logp_difference/max": known.max().item(),
            **{f"sampling/importance_sampling_ratio/{name}": getattr(ratio, name)().item() for name in ("min", "mean", "max")},
        }
    given = {name: value for name, value in setting.items() if name in OPTIONS}
    totals = {name: value for name, value in setting.items() if name not in OPTIONS}
    gradients = [flat(leaf.grad) for leaf in (log_probs, entropy)]
    return {
        "config": given, "totals": totals, "loss": loss.item(), "metrics": metrics,
        "gradient": gradients[0], "entropy_gradient": gradients[1],
    }  # fmt: skip


def flat(list_):
    if list_ is None:
        return None
    return [None if value != value else round(value, 7) for value in list_[MASK.bool()].tolist()]


out = {
    "about": "GRPOTrainer._compute_loss of TRL 1.16.0 over given log-probabilities, written by make.py.",
    "lengths": LENGTHS, "advantages": ADVANTAGES, "max_completion_length": 6,
    "log_probs": flat(BASE), "old_log_probs": flat(OLD), "reference_log_probs": flat(REFERENCE),
    "sampling_log_probs": flat(SAMPLED), "entropy": flat(ENTROPY),
    "cases": [],
}  # fmt: skip
# What the file holds is what is computed with.
for table in (BASE, OLD, REFERENCE, SAMPLED, ENTROPY):
    table.copy_(torch.round(table, decimals=7))
out["cases"] = [run(setting) for setting in SETTINGS]
text = json.dumps({**out, "cases": []})[:-2] + "\n" + ",\n".join(json.dumps(case) for case in out["cases"]) + "\n]}\n"
(pathlib.Path(__file__).parent / "trl-1.16.0-variants.json").write_text(text)
