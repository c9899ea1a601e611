//! Settings that no number of a run depends on, or that only say when a run stops: they are no part of what an artifact is made
//! of, and may be changed before a run is resumed.

use serde_json::{Map, Value};

/// Settings of a stage that say how much of it is written down, and which failures of rewards stop it.
const OF_STAGE: [&str; 2] = ["log_completions_steps", "max_unjudged_share"];

/// Settings of a training that say how often checkpoints and lines are written, how many checkpoints stay, and which steps stop
/// it.
const OF_TRAINING: [&str; 4] = ["save_steps", "save_total_limit", "logging_steps", "non_finite"];

/// The checkpoints of a run that goes back to one are part of its course.
const WHERE_RUNS_GO_BACK: &str = "save_steps";

/// The settings of a stage, an object with its kind as the only key, without those that change no number.
pub(crate) fn without_harmless(mut config: Value) -> Value {
    let settings = config.as_object_mut().and_then(|kind| kind.values_mut().next());
    let Some(settings) = settings.and_then(Value::as_object_mut) else { return config };
    for key in OF_STAGE {
        settings.shift_remove(key);
    }
    if let Some(training) = settings.get_mut("training").and_then(Value::as_object_mut) {
        let goes_back = training.get("loss_spike").is_some_and(|spike| !spike.is_null());
        for key in OF_TRAINING {
            if !(goes_back && key == WHERE_RUNS_GO_BACK) {
                Map::shift_remove(training, key);
            }
        }
    }
    config
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
}
