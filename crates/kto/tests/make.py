"""Writes trl-1.16.0.json: what TRL's KTOTrainer computes from given log-probabilities.

    python make.py > trl-1.16.0.json        (trl 1.16.0, torch 2.15.0)

The trainer's own _compute_loss runs. Its models are replaced by lists of per-token numbers, so that losses, metrics and
gradients belong to log-probabilities and to no model.
"""

import contextlib
import json
from collections import defaultdict
from types import SimpleNamespace

import numpy
import torch
from trl.trainer import kto_trainer

torch.manual_seed(2)
torch.set_num_threads(1)
LENGTHS = [4, 2, 5, 1, 3]
DESIRABLE = [True, False, False, True, True]
COUNT, WIDTH = len(LENGTHS), max(LENGTHS)
MASK = torch.tensor([[1.0] * n + [0.0] * (WIDTH - n) for n in LENGTHS])


def tokens(values):
    kept = values[MASK.bool()].detach().numpy().astype(numpy.float32)
    return [float(str(value)) for value in kept]


policy = -torch.rand(COUNT, WIDTH) * 3 * MASK
reference = (policy + torch.randn(COUNT, WIDTH) * 1.5).clamp(max=-0.01) * MASK
policy_kl = -torch.rand(COUNT, WIDTH) * 3 * MASK
reference_kl = (policy_kl - torch.rand(COUNT, WIDTH) * 1.5 + 0.5).clamp(max=-0.01) * MASK
entropy = torch.rand(COUNT, WIDTH) * 3
mean_logits = torch.randn(COUNT, WIDTH)


def case(desirable=DESIRABLE, kl_sign=1.0, **config):
    same = lambda value: value
    settings = dict(beta=0.1, loss_type="kto", desirable_weight=1.0, undesirable_weight=1.0) | config
    leaf = policy.clone().requires_grad_()
    outputs = lambda log_probs: SimpleNamespace(log_probs=log_probs, entropy=entropy, mean_logits=mean_logits)
    log_ratios = kl_sign * (policy_kl - reference_kl).sum(1)
    trainer = SimpleNamespace(
        **settings, calculate_KL=settings["loss_type"] == "kto",
        args=SimpleNamespace(gradient_checkpointing_kwargs=None),
        accelerator=SimpleNamespace(device="cpu", gather=same, gather_for_metrics=same),
        model=SimpleNamespace(training=False), ref_model=lambda **_: outputs(reference),
        precompute_ref_logps=False, aux_loss_enabled=False, _metrics={"eval": defaultdict(list)}, _total_train_tokens=0,
    )
    model = lambda **_: outputs(leaf)
    # The divergence sees the difference of the two alone.
    trainer._compute_kl_logps = lambda which, _: log_ratios if which is model else torch.zeros(COUNT)
    completion_mask = torch.cat([torch.zeros(COUNT, 1), MASK], dim=1)  # one token of prompt
    inputs = dict(
        input_ids=torch.zeros_like(completion_mask, dtype=torch.long), attention_mask=completion_mask,
        completion_mask=completion_mask, label=torch.tensor(desirable),
    )
    loss = kto_trainer.KTOTrainer._compute_loss(trainer, model, inputs, False)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["eval"].items() if name != "num_tokens"}
    return dict(
        config=config, is_desirable=desirable, kl_log_ratios=[float(str(one)) for one in log_ratios.numpy()],
        loss=loss.item(), metrics=metrics, gradient=tokens(leaf.grad),
    )


kto_trainer.disable_gradient_checkpointing = lambda *_: contextlib.nullcontext()
kto_trainer.is_peft_model = lambda _: False
cases = [
    case(),
    case(beta=0.7),
    case(beta=0.7, kl_sign=-1.0),
    case(desirable_weight=1.33, undesirable_weight=0.7),
    case(loss_type="apo_zero_unpaired", beta=0.4),
    case(loss_type="apo_zero_unpaired", desirable_weight=0.5),
    case(desirable=[True] * COUNT),
    case(desirable=[False] * COUNT, beta=0.3),
]
golden = dict(
    about="KTOTrainer._compute_loss of TRL 1.16.0 (torch 2.15.0, float32, CPU), see make.py. Lists of tokens hold the "
    "completions one behind the other.",
    lengths=LENGTHS, log_probs=tokens(policy), reference_log_probs=tokens(reference), entropy=tokens(entropy),
    mean_logits=tokens(mean_logits),
)
lines = [f'  "{key}": {json.dumps(value)},' for key, value in golden.items()]
print("{", *lines, '  "cases": [', sep="\n")
print(",\n".join("    " + json.dumps(one) for one in cases), "  ]", "}", sep="\n")
