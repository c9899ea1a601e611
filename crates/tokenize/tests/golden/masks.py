"""Makes masks.json: what transformers says the assistant wrote. Run in this folder.

With the folder of the full golden values as argument (it holds chat_templates.json and models/tiny-qwen2), the masks of
its template qwen2.5_training are made too.
"""

import json
import sys

import transformers
from transformers import AutoTokenizer

# Our own: ChatML whose marks begin behind the name and end before the line break.
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}\n"
    "{%- if m.role == 'assistant' %}\n"
    "  {%- generation -%}\n"
    "    {{ m.content }}{{ '<|im_end|>' }}\n"
    "  {%- endgeneration %}\n"
    "{%- else %}{{ m.content + '<|im_end|>' }}{% endif %}\n"
    "{{ '\\n' }}{% endfor %}"
)
CONVERSATIONS = [
    [("user", "Hi"), ("assistant", "Hello")],
    [("user", "Hi"), ("assistant", "x = 5"), ("user", "a"), ("assistant", " so 北京 \n")],
    [("system", "Be short."), ("user", "Why?")],
    [("assistant", ""), ("user", "é"), ("assistant", "1 2 3<|im_end|>4")],
]


def runs(mask):
    starts = [i for i, m in enumerate(mask) if m and (i == 0 or not mask[i - 1])]
    ends = [i + 1 for i, m in enumerate(mask) if m and (i + 1 == len(mask) or not mask[i + 1])]
    return [list(pair) for pair in zip(starts, ends)]


def encode(tokenizer, messages, template, **more):
    return tokenizer.apply_chat_template(
        messages, chat_template=template, return_assistant_tokens_mask=True, return_dict=True, **more
    )


tokenizer = AutoTokenizer.from_pretrained(".")
cases = []
for conversation in CONVERSATIONS:
    messages = [{"role": role, "content": content} for role, content in conversation]
    out = encode(tokenizer, messages, TEMPLATE)
    cases.append({"messages": messages, "ids": out["input_ids"], "runs": runs(out["assistant_masks"])})
result = {"transformers": transformers.__version__, "template": TEMPLATE, "cases": cases}

if len(sys.argv) > 1:
    golden = json.load(open(sys.argv[1] + "/chat_templates.json"))
    tokenizer = AutoTokenizer.from_pretrained(sys.argv[1] + "/models/tiny-qwen2")
    result["qwen2.5_training"] = [
        runs(
            encode(
                tokenizer,
                case["conversation"],
                golden["templates"][case["template"]],
                tools=case.get("tools"),
                add_generation_prompt=case["add_generation_prompt"],
            )["assistant_masks"]
        )
        for case in golden["cases"]
        if case["template"] == "qwen2.5_training"
    ]
json.dump(result, open("masks.json", "w"), ensure_ascii=False)
