"""Times the steps of `examples/cpu` in transformers and TRL, and prints them as one line of JSON.

    python cpu.py WORK [--model DIR | --shape NAME] [--steps N] [--threads N]

`grpo` and `dpo` run TRL's trainers, which tokenise text and so need `--model` with a tokenizer; `sft`, `causal` and
`sample` run transformers on random tokens. The first step is not counted.
"""

import argparse
import json
import os
import random
import resource
import tempfile
import time

arguments = argparse.ArgumentParser()
arguments.add_argument("work", choices=["grpo", "sft", "sft-shared", "dpo", "causal", "sample"])
arguments.add_argument("--model")
arguments.add_argument("--shape", default="smollm2", choices=["smollm2", "mid", "tiny"])
arguments.add_argument("--steps", type=int, default=3)
arguments.add_argument("--threads", type=int, default=2)
arguments = arguments.parse_args()
os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402  (after the number of threads)
import transformers  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
random.seed(0)

SHAPES = {  # vocabulary, width, inner width, layers, heads, key-value heads
    "smollm2": (49152, 576, 1536, 30, 9, 3),
    "mid": (8192, 512, 1536, 8, 8, 4),
    "tiny": (4096, 128, 512, 4, 4, 2),
}


def load():
    """The model in single precision."""
    if arguments.model:
        return transformers.AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32)
    vocab, width, inner, layers, heads, kv_heads = SHAPES[arguments.shape]
    config = transformers.LlamaConfig(
        vocab_size=vocab,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        tie_word_embeddings=True,
        max_position_embeddings=8192,
    )
    return transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def draw(vocab, rows, length):
    return torch.randint(0, vocab, (rows, length))


def supervised(steps):
    """Optimiser steps of a plain loop."""
    model = load()
    model.train()
    vocab = model.config.vocab_size
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.0)
    times = []
    for _ in range(steps + 1):
        if arguments.work == "causal":
            ids = draw(vocab, 4, 256)
            labels = ids.clone()
        else:
            ids = draw(vocab, 4, 354)
            if arguments.work == "sft-shared":
                ids[:, :300] = ids[0, :300]
            labels = ids.clone()
            labels[:, :350] = -100
        start = time.perf_counter()
        model(input_ids=ids, labels=labels, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(time.perf_counter() - start)
    return times[1:]


def sample(steps):
    model = load()
    model.eval()
    times = []
    for _ in range(steps + 1):
        ids = draw(model.config.vocab_size, 16, 32)
        start = time.perf_counter()
        with torch.no_grad():
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                min_new_tokens=96,
                max_new_tokens=96,
                pad_token_id=0,
            )
        times.append(time.perf_counter() - start)
        assert out.shape == (16, 128), out.shape
    return times[1:]


WORDS = "time year people way day man thing woman life child world school state family student group country problem".split()


def text(tokenizer, length):
    """Words of about `length` tokens."""
    words = [" " + random.choice(WORDS) for _ in range(2 * length)]
    ids = tokenizer("".join(words), add_special_tokens=False)["input_ids"][:length]
    return tokenizer.decode(ids)


class Clock(transformers.TrainerCallback):
    """The time from the end of one step to the end of the next."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())

    def times(self):
        return [after - before for before, after in zip(self.ends, self.ends[1:])]


COMMON = dict(
    learning_rate=1e-6,
    logging_steps=1,
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    bf16=False,
    gradient_checkpointing=False,
    disable_tqdm=True,
    dataloader_pin_memory=False,
)


def grpo(steps, folder):
    import trl
    from datasets import Dataset

    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
    rows = [{"prompt": text(tokenizer, 358)} for _ in range(steps + 2)]
    clock = Clock()

    def reward(completions, **_):
        return [float(len(completion) % 13) for completion in completions]

    trainer = trl.GRPOTrainer(
        model=load(),
        reward_funcs=reward,
        args=trl.GRPOConfig(
            output_dir=folder,
            per_device_train_batch_size=8,
            num_generations=8,
            max_completion_length=20,
            max_steps=steps + 1,
            generation_kwargs={"min_new_tokens": 20},
            **COMMON,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[clock],
    )
    trainer.train()
    return clock.times()


def dpo(steps, folder):
    import trl
    from datasets import Dataset

    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
    answer = lambda: " " + text(tokenizer, 19)  # noqa: E731  (the end of the turn is the 20th token)
    rows = [
        {"prompt": text(tokenizer, 350), "chosen": answer(), "rejected": answer()}
        for _ in range(2 * (steps + 2))
    ]
    clock = Clock()
    trainer = trl.DPOTrainer(
        model=load(),
        args=trl.DPOConfig(
            output_dir=folder, per_device_train_batch_size=2, max_steps=steps + 1, **COMMON
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[clock],
    )
    trainer.train()
    return clock.times()


def main():
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    if arguments.work in ("grpo", "dpo"):
        import trl

        versions["trl"] = trl.__version__
        with tempfile.TemporaryDirectory() as folder:
            seconds = {"grpo": grpo, "dpo": dpo}[arguments.work](arguments.steps, folder)
    elif arguments.work == "sample":
        seconds = sample(arguments.steps)
    else:
        seconds = supervised(arguments.steps)
    print(
        json.dumps(
            {
                "work": arguments.work,
                "shape": arguments.shape,
                "threads": arguments.threads,
                "seconds": seconds,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "versions": versions,
            }
        )
    )


main()
