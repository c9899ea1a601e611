"""Writes trl-1.16.0.json: what TRL's DPOTrainer computes from given log-probabilities.

    python make.py > trl-1.16.0.json        (trl 1.16.0, torch 2.15.0)

The trainer's own _compute_loss runs. Its model is replaced by lists of per-token numbers, so that losses, metrics and
gradients belong to log-probabilities and to no model.
"""

import contextlib
import json
from collections import defaultdict
from types import SimpleNamespace

import numpy
import torch
from trl.trainer import dpo_trainer

torch.manual_seed(1)
torch.set_num_threads(1)
CHOSEN, REJECTED = [5, 2, 3, 1], [2, 6, 3, 4]
LENGTHS = CHOSEN + REJECTED
WIDTH = max(LENGTHS)
MASK = torch.tensor([[1.0] * n + [0.0] * (WIDTH - n) for n in LENGTHS])


def tokens(values):
    """The tokens of all completions one behind the other, in the digits of a float32."""
    kept = values[MASK.bool()].detach().numpy().astype(numpy.float32)
    return [float(str(value)) for value in kept]


policy = -torch.rand(len(LENGTHS), WIDTH) * 3 * MASK
reference = (policy + torch.randn(len(LENGTHS), WIDTH) * 1.5).clamp(max=-0.01) * MASK
entropy = torch.rand(len(LENGTHS), WIDTH) * 3
mean_logits = torch.randn(len(LENGTHS), WIDTH)
is_top1 = torch.rand(len(LENGTHS), WIDTH) < 0.4
log_sum_sq_probs = -torch.rand(len(LENGTHS), WIDTH) * 3


def outputs(log_probs):
    return SimpleNamespace(
        log_probs=log_probs, entropy=entropy, mean_logits=mean_logits, is_top1=is_top1, log_sum_sq_probs=log_sum_sq_probs
    )


def case(**config):
    same = lambda value: value
    settings = dict(
        beta=0.1, label_smoothing=0.0, loss_type=["sigmoid"], loss_weights=None, f_divergence_type="reverse_kl",
        f_alpha_divergence_coef=0.5, discopop_tau=0.05, ld_alpha=None, use_weighting=False,
    ) | config
    types = settings["loss_type"]
    leaf = policy.clone().requires_grad_()
    trainer = SimpleNamespace(
        **{key: value for key, value in settings.items() if key not in ("loss_type", "loss_weights")},
        loss_types=types, loss_weights=settings["loss_weights"] or [1.0] * len(types),
        args=SimpleNamespace(discopop_tau=settings["discopop_tau"], gradient_checkpointing_kwargs=None),
        accelerator=SimpleNamespace(device="cpu", gather=same, gather_for_metrics=same),
        model=SimpleNamespace(training=False), ref_model=lambda **_: outputs(reference),
        precompute_ref_logps=False, aux_loss_enabled=False, _metrics={"eval": defaultdict(list)},
        _total_train_tokens=0,
    )
    completion_mask = torch.cat([torch.zeros(len(LENGTHS), 1), MASK], dim=1)  # one token of prompt
    inputs = dict(
        input_ids=torch.zeros_like(completion_mask, dtype=torch.long), attention_mask=completion_mask,
        completion_mask=completion_mask,
    )
    loss = dpo_trainer.DPOTrainer._compute_loss(trainer, lambda **_: outputs(leaf), inputs, False)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["eval"].items() if name != "num_tokens"}
    return dict(config=config, loss=loss.item(), metrics=metrics, gradient=tokens(leaf.grad))


dpo_trainer.disable_gradient_checkpointing = lambda *_: contextlib.nullcontext()
dpo_trainer.is_peft_model = lambda _: False
plain = [
    "sigmoid", "hinge", "ipo", "nca_pair", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down",
    "discopop", "sft", "sigmoid_norm", "robust",
]
cases = [case(loss_type=[name]) for name in plain]
cases += [case(loss_type=[name], label_smoothing=0.1) for name in ("sigmoid", "exo_pair", "robust", "aot", "aot_unpaired")]
cases += [
    case(beta=0.7),
    case(beta=0.7, loss_type=["hinge"]),
    case(beta=0.4, loss_type=["sigmoid", "bco_pair", "sft"], loss_weights=[0.8, 0.2, 1.0]),
    case(beta=0.4, f_divergence_type="forward_kl"),
    case(beta=0.4, f_divergence_type="js_divergence", loss_type=["ipo"]),
    case(beta=0.4, f_divergence_type="alpha_divergence"),
    case(beta=0.4, f_divergence_type="alpha_divergence", f_alpha_divergence_coef=1.7),
    case(beta=0.4, f_divergence_type="alpha_divergence", f_alpha_divergence_coef=1.0),
    case(ld_alpha=0.5),
    case(ld_alpha=0.0, loss_type=["sigmoid_norm"]),
    case(use_weighting=True),
    case(use_weighting=True, loss_type=["ipo", "apo_zero"], loss_weights=[0.5, 2.0]),
]
golden = dict(
    about="DPOTrainer._compute_loss of TRL 1.16.0 (torch 2.15.0, float32, CPU), see make.py. Lists of tokens hold all chosen "
    "completions one behind the other, then all rejected ones.",
    chosen=CHOSEN, rejected=REJECTED, log_probs=tokens(policy), reference_log_probs=tokens(reference),
    entropy=tokens(entropy), mean_logits=tokens(mean_logits), is_argmax=tokens(is_top1.float()),
    log_sum_squared_probs=tokens(log_sum_sq_probs),
)
lines = [f'  "{key}": {json.dumps(value)},' for key, value in golden.items()]
print("{", *lines, '  "cases": [', sep="\n")
print(",\n".join("    " + json.dumps(one) for one in cases), "  ]", "}", sep="\n")
