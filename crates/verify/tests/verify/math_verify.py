"""Writes math_verify.jsonl: the short cases of Math-Verify's test suite that a file of recorded cases holds.

    python math_verify.py CASES.json > math_verify.jsonl

CASES.json has `versions` (math-verify 0.9.0, latex2sympy2_extended 1.11.0, sympy 1.14.0) and `cases`, each with gold,
pred, expected and the arguments of parse and verify. Math-Verify is licensed under Apache-2.0.
"""

import json
import sys


def rules(configs):
    if configs is None:
        return {"notation": "any", "boxed": 50}
    kinds = {config["type"][0] for config in configs}
    found = {"notation": "any" if len(kinds) > 1 else {"L": "latex", "E": "plain"}[kinds.pop()]}
    for config in configs:
        if config["type"][0] == "L":
            found["boxed"] = config.get("boxed_match_priority", 50)
    return found


def comparison(arguments):
    return {
        "rounding": arguments.get("float_rounding", 6),
        "names": "matter" if arguments.get("strict", True) else "may_change",
        "inequalities": "are_sets" if arguments.get("allow_set_relation_comp") else "are_sets_in_gold",
        "manner": "math_verify",
    }


recorded = json.load(open(sys.argv[1]))
for case in recorded["cases"]:
    if len(case["gold"]) + len(case["pred"]) < 420:
        row = {
            "id": case["id"].split("::")[1],
            "gold": case["gold"],
            "answer": case["pred"],
            "expected": bool(case["expected"]),
            "gold_rules": rules(case["gold_config"]),
            "answer_rules": rules(case["pred_config"]),
            "comparison": comparison(case["verify_kwargs"]),
        }
        print(json.dumps(row, ensure_ascii=False))
