//! The kinds of golden files, and how each is recognised.

use crate::goldens::{Goldens, Missed};
use crate::{
    ParityError, Replay, forward, losses, lr_schedules, math_verify, reference, rewards,
    task_metrics, tokenizer,
};

/// A kind of golden file.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// Whether a file, relative to the folder, is of this kind.
    is: fn(&str) -> bool,
    /// Compares all cases of a file.
    pub(crate) run: fn(&Goldens, &mut Replay<'_>) -> Result<(), Missed>,
}

/// Every kind; a file is of the first that recognises it.
const KINDS: &[Kind] = &[
    Kind { name: "forward", is: |file| file.starts_with("forward/"), run: forward::run },
    Kind {
        name: "train_sft",
        is: |file| file == "losses/train_sft.json",
        run: losses::train_sft::run,
    },
    Kind { name: "dpo", is: |file| is_loss(file, "dpo"), run: losses::dpo::run },
    Kind { name: "kto", is: |file| is_loss(file, "kto"), run: losses::kto::run },
    Kind { name: "orpo", is: |file| is_loss(file, "orpo"), run: losses::orpo::run },
    Kind { name: "reward", is: |file| is_loss(file, "reward"), run: losses::reward::run },
    Kind {
        name: "advantages",
        is: |file| is_current_loss(file, "advantages"),
        run: losses::advantages::run,
    },
    Kind { name: "grpo", is: |file| is_current_loss(file, "grpo"), run: losses::grpo::run },
    Kind {
        name: "lr_schedules",
        is: |file| is_current_loss(file, "lr_schedules"),
        run: lr_schedules::run,
    },
    Kind { name: "ppo", is: |file| is_current_loss(file, "ppo"), run: losses::ppo::run },
    Kind { name: "rloo", is: |file| is_current_loss(file, "rloo"), run: losses::rloo::run },
    Kind { name: "sft", is: |file| is_loss(file, "sft"), run: losses::sft::run },
    Kind { name: "reference", is: |file| file.ends_with("/reference.json"), run: reference::run },
    Kind { name: "tokenizer", is: |file| file == "tokenizer.json", run: tokenizer::run },
    Kind {
        name: "chat_templates",
        is: |file| file == "chat_templates.json",
        run: tokenizer::run_chat_templates,
    },
    Kind { name: "task_metrics", is: |file| file == "task_metrics.json", run: task_metrics::run },
    Kind {
        name: "math_verify",
        is: |file| file.starts_with("math_verify/") && file.ends_with("cases.json"),
        run: math_verify::run,
    },
    Kind {
        name: "open_r1_calls",
        is: |file| is_reward(file, "open_r1_test"),
        run: rewards::calls::run,
    },
    Kind { name: "open_r1", is: |file| is_reward(file, "open_r1"), run: rewards::open_r1::run },
    Kind { name: "trl_rewards", is: |file| is_reward(file, "trl"), run: rewards::trl::run },
    Kind { name: "boxed", is: |file| is_reward(file, "boxed"), run: rewards::boxed::run },
    Kind {
        name: "levenshtein",
        is: |file| is_reward(file, "levenshtein"),
        run: rewards::levenshtein::run,
    },
    Kind {
        name: "task_repo_numeric",
        is: |file| is_reward(file, "task_repo_numeric"),
        run: rewards::numeric::run,
    },
];

/// Whether a file holds rewards: `rewards/NAME.json` or `rewards/NAME_SOMETHING.json`.
fn is_reward(file: &str, name: &str) -> bool {
    let rest = file.strip_prefix("rewards/").and_then(|file| file.strip_prefix(name));
    rest.is_some_and(|rest| rest == ".json" || rest.starts_with('_'))
}

/// Whether a file holds losses of a method: `losses/METHOD.json` or `losses/METHOD_SOMETHING.json`, or the same in a
/// folder of another version, `losses-VERSION`.
fn is_loss(file: &str, method: &str) -> bool {
    let (folder, name) = file.split_once('/').unwrap_or_default();
    let is_folder = folder == "losses" || folder.starts_with("losses-");
    let name = name.strip_suffix(".json").filter(|_| is_folder);
    let rest = name.and_then(|name| name.strip_prefix(method));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// [`is_loss`], of the version that is reproduced and no other.
fn is_current_loss(file: &str, method: &str) -> bool {
    file.starts_with("losses/") && is_loss(file, method)
}

/// The names of all kinds.
#[must_use]
pub fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

/// The kind of a file.
pub(crate) fn kind_of(file: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| (kind.is)(file))
}

/// Checks the kinds that somebody asked for.
pub(crate) fn refuse_unknown(only: &[String]) -> Result<(), ParityError> {
    let known = kinds();
    match only.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(kind) => Err(ParityError::UnknownKind { kind: kind.clone(), known: known.join(", ") }),
    }
}
