"""Writes trl-1.10.json: rollouts and losses of the experimental PPOTrainer of TRL 1.10-dev, without their padding.

The file given holds what the trainer computed for four responses of a small Qwen2, a reference and a critic: padded lists of
log-probabilities and values, the advantages and returns it made of them, and the losses of one update.

    python make.py PPO.json
"""

import json
import pathlib
import sys

golden = json.loads(pathlib.Path(sys.argv[1]).read_text())
PAD, EOS = golden["pad"], golden["eos"]
LENGTHS = [(row + [PAD]).index(PAD) for row in golden["responses"]]
LIMIT = len(golden["responses"][0])
VALUES = [min(length + 1, LIMIT) for length in LENGTHS]
TOKENS = sum(LENGTHS)


def flat(rows, lengths):
    return [round(value, 7) for row, length in zip(rows, lengths) for value in row[:length]]


def case(recorded):
    config = {name: value for name, value in recorded["config"].items() if name != "temperature"}
    rollout = recorded["rollout"]
    share = LIMIT * len(LENGTHS) / TOKENS  # these two means are over padding there
    return {
        "config": {**config, "max_completion_length": LIMIT},
        "log_probs": flat(recorded["raw_logprobs"], LENGTHS),
        "reference_log_probs": flat(recorded["raw_ref_logprobs"], LENGTHS),
        "values": flat(recorded["raw_values"], VALUES),
        "advantages": flat(rollout["advantages"], LENGTHS),
        "returns": flat(rollout["returns"], VALUES),
        "kl": rollout["objective_kl"],
        "rlhf_reward": rollout["objective_rlhf_reward"],
        "new_log_probs": flat(recorded["new_logprobs"], LENGTHS),
        "new_values": flat(recorded["vpred"], VALUES),
        "loss": recorded["loss"],
        "metrics": {
            "loss/policy_avg": recorded["pg_loss"],
            "policy/clipfrac_avg": recorded["pg_clipfrac"],
            "policy/approxkl_avg": recorded["approxkl"] * share,
            "val/ratio": (recorded["ratio_mean"] - 1.0) * share + 1.0,
            "loss/value_avg": recorded["vf_loss"],
            "val/clipfrac_avg": recorded["vf_clipfrac"],
        },
    }


first = next(iter(golden["cases"].values()))
out = {
    "about": "PPOTrainer of TRL 1.10-dev (experimental), float32, CPU; written by make.py.",
    "lengths": LENGTHS,
    "is_truncated": [EOS not in row for row in golden["responses"]],
    "scores": first["scores"],
    "cases": [case(recorded) for recorded in golden["cases"].values()],
}
text = json.dumps({**out, "cases": []})[:-2] + "\n" + ",\n".join(json.dumps(one) for one in out["cases"]) + "\n]}\n"
(pathlib.Path(__file__).parent / "trl-1.10.json").write_text(text)
