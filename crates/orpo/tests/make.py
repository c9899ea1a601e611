"""Writes trl-1.16.0.json: what TRL's ORPOTrainer computes from given logits.

    python make.py > trl-1.16.0.json        (trl 1.16.0, torch 2.15.0)

The trainer's own get_batch_loss_metrics runs. Its model is replaced by random logits. A gradient g of a log-probability
reaches the logit of its token as g (1 - p), which gives the gradients of log-probabilities back.
"""

import json
from types import MethodType, SimpleNamespace

import numpy
import torch
from trl.experimental.orpo.orpo_trainer import ORPOTrainer

torch.manual_seed(3)
torch.set_num_threads(1)
CHOSEN, REJECTED, PROMPT = [4, 1, 3], [2, 3, 5], [3, 2, 4]
VOCAB = 9
WIDTH = max(prompt + max(sides) for prompt, *sides in zip(PROMPT, CHOSEN, REJECTED))
same = lambda value: value


def floats(values):
    return [float(str(value)) for value in values.detach().numpy().astype(numpy.float32)]


def side(lengths):
    ids = torch.randint(VOCAB, (len(lengths), WIDTH))
    mask = torch.zeros(len(lengths), WIDTH, dtype=torch.long)
    labels = torch.full((len(lengths), WIDTH), -100)
    for row, (prompt, length) in enumerate(zip(PROMPT, lengths)):
        mask[row, : prompt + length] = 1
        labels[row, prompt : prompt + length] = ids[row, prompt : prompt + length]
    return ids, mask, labels


batch = {}
for name, lengths in (("chosen", CHOSEN), ("rejected", REJECTED)):
    for kind, value in zip(("input_ids", "attention_mask", "labels"), side(lengths)):
        batch[f"{name}_{kind}"] = value
logits = torch.randn(6, WIDTH, VOCAB) * 1.5
ids = torch.cat([batch["chosen_input_ids"], batch["rejected_input_ids"]])
labels = torch.cat([batch["chosen_labels"], batch["rejected_labels"]])
is_completion = labels[:, 1:] != -100
is_prompt = torch.cat([batch["chosen_attention_mask"], torch.zeros(3, WIDTH, dtype=torch.long)])[:, 1:].bool() & ~is_completion


def of_targets(values):
    return values[:, :-1].gather(2, ids[:, 1:, None])[..., 0]


def case(beta):
    leaf = logits.clone().requires_grad_()
    trainer = SimpleNamespace(
        beta=beta, is_encoder_decoder=False, padding_value=0, aux_loss_enabled=False,
        accelerator=SimpleNamespace(device="cpu", gather_for_metrics=same),
        concatenated_inputs=ORPOTrainer.concatenated_inputs, get_batch_logps=ORPOTrainer.get_batch_logps,
    )
    for name in ("concatenated_forward", "odds_ratio_loss"):
        setattr(trainer, name, MethodType(getattr(ORPOTrainer, name), trainer))
    model = lambda *_, **__: SimpleNamespace(logits=leaf)
    loss, metrics = ORPOTrainer.get_batch_loss_metrics(trainer, model, batch)
    loss.backward()
    gradient = of_targets(leaf.grad) / (1 - of_targets(logits.softmax(-1)))
    return dict(
        beta=beta, loss=loss.item(), metrics={name: value for name, value in metrics.items() if "logits" not in name},
        gradient=floats(gradient[is_completion]), prompt_gradient=floats(gradient[is_prompt]),
    )


log_probs = of_targets(logits.log_softmax(-1))
golden = dict(
    about="ORPOTrainer.get_batch_loss_metrics of TRL 1.16.0 (torch 2.15.0, float32, CPU), see make.py. Lists of tokens hold all "
    "chosen completions one behind the other, then all rejected ones; prompts without their first tokens.",
    chosen=CHOSEN, rejected=REJECTED, log_probs=floats(log_probs[is_completion]), prompt_log_probs=floats(log_probs[is_prompt]),
)
lines = [f'  "{key}": {json.dumps(value)},' for key, value in golden.items()]
print("{", *lines, '  "cases": [', sep="\n")
print(",\n".join("    " + json.dumps(case(beta)) for beta in (0.1, 0.5, 2.0)), "  ]", "}", sep="\n")
