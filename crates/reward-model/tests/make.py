"""Writes trl-1.16.0.json: what TRL's RewardTrainer computes from given scores.

    python make.py > trl-1.16.0.json        (trl 1.16.0, torch 2.15.0)

The trainer's own compute_loss runs. Its model is replaced by random scores.
"""

import json
from collections import defaultdict
from types import SimpleNamespace

import numpy
import torch
from trl.trainer.reward_trainer import RewardTrainer

torch.manual_seed(4)
COUNT = 5
same = lambda value: value


def floats(values):
    return [float(str(value)) for value in values.detach().numpy().astype(numpy.float32)]


scores = torch.randn(2 * COUNT, 1) * 2
margins = torch.rand(COUNT) * 2


def case(has_margins, center):
    leaf = scores.clone().requires_grad_()
    trainer = SimpleNamespace(
        args=SimpleNamespace(center_rewards_coefficient=center), model=SimpleNamespace(training=False),
        accelerator=SimpleNamespace(gather=same, gather_for_metrics=same),
        _metrics={"eval": defaultdict(list)}, _total_train_tokens=0,
    )
    inputs = {"margin": margins} if has_margins else {}
    model = lambda **_: SimpleNamespace(logits=leaf)
    loss = RewardTrainer.compute_loss(trainer, model, inputs)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["eval"].items() if name != "num_tokens"}
    return dict(
        has_margins=has_margins, config=dict(center_rewards_coefficient=center), loss=loss.item(), metrics=metrics,
        gradient=floats(leaf.grad[:, 0]),
    )


golden = dict(
    about="RewardTrainer.compute_loss of TRL 1.16.0 (torch 2.15.0, float32, CPU), see make.py.",
    chosen=floats(scores[:COUNT, 0]), rejected=floats(scores[COUNT:, 0]), margins=floats(margins),
)
lines = [f'  "{key}": {json.dumps(value)},' for key, value in golden.items()]
cases = [case(has_margins, center) for has_margins in (False, True) for center in (None, 0.01, 0.3)]
print("{", *lines, '  "cases": [', sep="\n")
print(",\n".join("    " + json.dumps(one) for one in cases), "  ]", "}", sep="\n")
