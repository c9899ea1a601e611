//! Settings that no number of a run depends on, or that only say when a run stops: they are no part of what an artifact is made
//! of, and may be changed before a run is resumed.

use serde_json::Value;

/// How much of a stage is written down and how often, how many checkpoints stay, which failures of rewards and which steps stop
/// a run, and where a server that samples is and how it is asked: what it answered is kept, and asked for again by the name of
/// the model alone.
const HARMLESS: [&[&str]; 15] = [
    &["log_completions_steps"],
    &["max_unjudged_share"],
    &["training", WHERE_RUNS_GO_BACK],
    &["training", "save_total_limit"],
    &["training", "logging_steps"],
    &["training", "non_finite"],
    &["rollout", "endpoint", "url"],
    &["rollout", "endpoint", "api_key_env"],
    &["rollout", "endpoint", "concurrency"],
    &["rollout", "endpoint", "timeout_seconds"],
    &["rollout", "endpoint", "retries"],
    &["rollout", "endpoint", "first_wait_seconds"],
    &["rollout", "endpoint", "longest_wait_seconds"],
    &["rollout", "adapter_folder_on_server"],
    &["rollout", "max_log_prob_difference"],
];

/// The checkpoints of a run that goes back to one are part of its course.
const WHERE_RUNS_GO_BACK: &str = "save_steps";

/// The settings of a stage, an object with its kind as the only key, without those that change no number.
pub(crate) fn without_harmless(mut config: Value) -> Value {
    let settings = config.as_object_mut().and_then(|kind| kind.values_mut().next());
    let Some(settings) = settings else { return config };
    let goes_back = settings.pointer("/training/loss_spike").is_some_and(|spike| !spike.is_null());
    for path in HARMLESS {
        if !(goes_back && path.contains(&WHERE_RUNS_GO_BACK)) {
            remove(settings, path);
        }
    }
    config
}

/// Removes what stands at the end of a path of keys, if it is there.
fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, before)) = path.split_last() else { return };
    let below = before.iter().try_fold(value, |value, key| value.get_mut(key));
    if let Some(map) = below.and_then(Value::as_object_mut) {
        map.shift_remove(*last);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_down_how_often_and_what_stops_a_run_are_left_out() {
        let config = json!({"grpo": {
            "log_completions_steps": 10,
            "max_unjudged_share": 0.5,
            "training": {"learning_rate": 1.0, "save_steps": 3, "save_total_limit": 2, "logging_steps": 4, "loss_spike": null,
                "non_finite": {"skip": 3}},
        }});
        let expected = json!({"grpo": {"training": {"learning_rate": 1.0, "loss_spike": null}}});
        assert_eq!(without_harmless(config), expected);
        let config = json!({"convert": {"prompt": "save_steps"}});
        assert_eq!(without_harmless(config.clone()), config);
    }

    #[test]
    fn a_run_that_may_go_back_to_a_checkpoint_depends_on_where_they_are() {
        let spike = json!({"max_rollbacks": 1});
        let config = json!({"sft": {"training": {"save_steps": 3, "logging_steps": 4, "loss_spike": spike}}});
        let expected = json!({"sft": {"training": {"save_steps": 3, "loss_spike": spike}}});
        assert_eq!(without_harmless(config), expected);
    }

    #[test]
    fn where_a_server_is_and_how_patiently_it_is_asked_is_left_out_and_what_it_serves_is_not() {
        let endpoint = json!({"url": "http://127.0.0.1:1/v1", "model": "base", "api_key_env": null, "concurrency": 8,
            "timeout_seconds": 1.0, "retries": 2, "first_wait_seconds": 1.0, "longest_wait_seconds": 9.0});
        let config = json!({"grpo": {"rollout": {"engine": "server", "api": "vllm", "endpoint": endpoint,
            "reload_every": 2, "adapter_folder": "a", "adapter_folder_on_server": "b", "max_log_prob_difference": 1.0}}});
        let expected = json!({"grpo": {"rollout": {"engine": "server", "api": "vllm", "endpoint": {"model": "base"},
            "reload_every": 2, "adapter_folder": "a"}}});
        assert_eq!(without_harmless(config), expected);
    }
}
