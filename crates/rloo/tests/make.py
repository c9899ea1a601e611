"""Writes trl.json: losses, metrics and gradients of `RLOOTrainer._compute_loss` of TRL 1.16.0 over given log-probabilities;
the loss of TRL 0.15 and the advantages of both, from their formulas in double precision.

The trainer is a stand-in that has the attributes the method reads; its model is a table of log-probabilities.

    python make.py        # with trl 1.16.0 and torch
"""

import json
import pathlib
import statistics
from collections import defaultdict
from types import SimpleNamespace

import torch
from trl.trainer.rloo_trainer import RLOOTrainer

torch.set_num_threads(1)
torch.manual_seed(11)
LENGTHS = [3, 1, 5, 4]
ADVANTAGES = [0.8, -1.1, 0.5, -0.2]
WIDTH = max(LENGTHS)
MASK = torch.tensor([[float(t < n) for t in range(WIDTH)] for n in LENGTHS])
BASE = torch.round(-torch.rand(4, WIDTH) * 3 - 0.1, decimals=6)
OLD = torch.round(BASE + torch.randn(4, WIDTH) * 0.2, decimals=6)
ENTROPY = torch.round(torch.rand(4, WIDTH) * 2 + 0.3, decimals=6)


def flat(table):
    return [round(value, 7) for value in table[MASK.bool()].tolist()]


def current(epsilon, epsilon_high):
    log_probs = BASE.clone().requires_grad_()
    same = lambda value, **_: value  # noqa: E731  one process
    trainer = SimpleNamespace(
        model=SimpleNamespace(training=True), aux_loss_enabled=False, epsilon_low=epsilon,
        epsilon_high=epsilon if epsilon_high is None else epsilon_high,
        accelerator=SimpleNamespace(gather=same, reduce=same), _metrics={"train": defaultdict(list)},
        _get_per_token_logps_and_entropies=lambda *_, **__: (log_probs, ENTROPY, None),
    )  # fmt: skip
    ids = torch.zeros(4, WIDTH, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1] + 1, "completion_ids": ids, "completion_mask": MASK,
        "advantages": torch.tensor(ADVANTAGES), "old_logps": (OLD * MASK).sum(1),
    }  # fmt: skip
    loss = RLOOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["train"].items()}
    config = {"epsilon": epsilon, "epsilon_high": epsilon_high}
    return {"config": config, "loss": loss.item(), "metrics": metrics, "gradient": flat(log_probs.grad)}


def older(cliprange):
    """v0.15 rloo_trainer.py, the loop over mini-batches; the mean of ratios here without padding."""
    log_probs = BASE.double().requires_grad_()
    difference = ((log_probs - OLD.double()) * MASK).sum(1)
    ratio, advantage = difference.exp(), torch.tensor(ADVANTAGES).double()
    plain, clipped = -advantage * ratio, -advantage * ratio.clamp(1.0 - cliprange, 1.0 + cliprange)
    loss = torch.max(plain, clipped).mean()
    loss.backward()
    metrics = {
        "loss/policy_avg": loss.item(),
        "policy/entropy_avg": ENTROPY[MASK.bool()].mean().item(),
        "policy/approxkl_avg": 0.5 * (difference**2).mean().item(),
        "policy/clipfrac_avg": (clipped > plain).double().mean().item(),
        "val/ratio": (log_probs - OLD)[MASK.bool()].exp().mean().item(),
    }
    config = {"semantics": "trl-0.15", "cliprange": cliprange}
    return {"config": config, "loss": loss.item(), "metrics": metrics, "gradient": flat(log_probs.grad)}


REWARDS = [[1.0, 0.5], [None, None], [0.0, 2.0], [12.0, None], [6.0, 0.5], [3.0, 1.0]]
DIVERGENCES = [0.5, 1.0, -2.0, 3.0, 0.0, 8.0]
TRUNCATED = [False, False, True, False, True, False]


def advantages(config):
    is_old = config.get("semantics") == "trl-0.15"
    weights = config.get("reward_weights", [1.0, 1.0])
    beta = config.get("beta", config.get("kl_coef", 0.05))
    known = lambda values: [value for value in values if value is not None]  # noqa: E731
    epsilon = 1e-8 if is_old else 1e-4

    def normalise(values):
        mean, std = statistics.mean(known(values)), statistics.stdev(known(values))
        return [None if value is None else (value - mean) / (std + epsilon) for value in values]

    scores = []
    for rewards in REWARDS:
        parts = [reward * weight for reward, weight in zip(rewards, weights) if reward is not None]
        scores.append(sum(parts) if parts else None)
    penalty = config.get("missing_eos_penalty") or 0.0
    scores = [None if s is None else s - penalty * cut for s, cut in zip(scores, TRUNCATED)]
    if config.get("normalize_reward"):
        scores = normalise(scores)
    bounds = config.get("reward_clip_range", [-10.0, 10.0] if is_old else None)
    if bounds and (config.get("normalize_reward") or not is_old):
        scores = [None if s is None else min(max(s, bounds[0]), bounds[1]) for s in scores]
    worth = [None if s is None else s - beta * kl for s, kl in zip(scores, DIVERGENCES)]
    out = []
    for group in (worth[:3], worth[3:]):
        for value in group:
            others = len(known(group)) - 1
            out.append(value - (sum(known(group)) - value) / others if value is not None and others else None)
    if config.get("normalize_advantages", config.get("normalize_advantage")):
        out = normalise(out)
    return {"config": config, "values": [value or 0.0 for value in out]}


out = {
    "about": "RLOOTrainer._compute_loss of TRL 1.16.0, and formulas of TRL 0.15 and 1.16, written by make.py.",
    "lengths": LENGTHS, "advantages": ADVANTAGES,
    "log_probs": flat(BASE), "old_log_probs": flat(OLD), "entropy": flat(ENTROPY),
    "rewards": REWARDS, "divergences": DIVERGENCES, "is_truncated": TRUNCATED,
    "losses": [current(0.2, None), current(0.02, 0.05), current(0.5, 0.01), older(0.2), older(0.05)],
    "advantage_cases": [advantages(config) for config in (
        {},
        {"beta": 0.0, "reward_weights": [0.5, 2.0]},
        {"beta": 0.2, "normalize_advantages": True},
        {"reward_clip_range": [0.5, 4.0]},
        {"missing_eos_penalty": 1.0},
        {"semantics": "trl-0.15", "kl_coef": 0.1},
        {"semantics": "trl-0.15", "token_level_kl": True, "missing_eos_penalty": 1.0},
        {"semantics": "trl-0.15", "normalize_reward": True, "reward_clip_range": [-0.5, 0.5]},
        {"semantics": "trl-0.15", "reward_clip_range": [-0.5, 0.5], "normalize_advantage": True},
    )],
}  # fmt: skip
(pathlib.Path(__file__).parent / "trl.json").write_text(json.dumps(out) + "\n")
