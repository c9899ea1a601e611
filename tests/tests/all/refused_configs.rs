//! What is wrong with a config is said with file, line, key, what is allowed, and the nearest valid name.

use forethought_pipeline::{PipelineConfig, parse_device};
use forethought_tests::Project;

use crate::attempt::Attempt;

/// The message about a pipeline with `from` replaced by `to`, without the path; and the line of `to`.
fn refusal(from: &str, to: &str) -> (String, usize) {
    let project = Project::new();
    let text = project.pipeline_with(from, to);
    let place = text.find(to).expect("it was put there");
    let line = text[..place].lines().count() + usize::from(text[..place].ends_with('\n'));
    let path = project.write("pipeline.yaml", &text);
    let error = PipelineConfig::read(&path, &[]).expect_err("it is wrong").to_string();
    let start = format!("{}:", path.display());
    let rest = error.strip_prefix(&start).unwrap_or_else(|| panic!("{error}: no path"));
    (rest.to_owned(), line)
}

/// Asserts the message that follows the path: line, key, what is wrong.
#[track_caller]
fn refused(from: &str, to: &str, rest: &str) {
    let (message, line) = refusal(from, to);
    assert_eq!(message, format!("{line}: {rest}"));
}

#[test]
fn an_unknown_key_has_its_line_what_is_allowed_and_the_nearest_name() {
    let (message, line) = refusal("learning_rate:", "learning_rat:");
    let start = format!("{line}: stages.5.sft.training.learning_rat: unknown field `learning_rat`");
    assert!(message.starts_with(&start), "{message}");
    assert!(message.contains("`warmup_ratio`"), "{message}");
    assert!(message.ends_with("did you mean `learning_rate`?"), "{message}");
}

#[test]
fn an_unknown_stage_has_its_line_and_the_nearest_name() {
    let (message, line) = refusal("- predict:", "- predcit:");
    assert!(message.starts_with(&format!("{line}: stages.7")), "{message}");
    assert!(message.ends_with("did you mean `predict`?"), "{message}");
}

#[test]
fn an_unknown_key_of_the_file_itself_has_its_line() {
    let (message, line) = refusal("seed: 7", "sede: 7");
    assert!(message.starts_with(&format!("{line}: sede: unknown field `sede`")), "{message}");
    assert!(message.ends_with("did you mean `seed`?"), "{message}");
}

#[test]
fn an_unknown_choice_is_told_what_there_is() {
    let (message, line) = refusal("overflow: subsample", "overflow: subsampel");
    let expected = format!(
        "{line}: stages.3.balance.overflow: unknown variant `subsampel`, expected `drop_largest_classes` or `subsample`; did you mean `subsample`?"
    );
    assert_eq!(message, expected);
}

#[test]
fn a_missing_key_is_named_at_what_should_hold_it() {
    let (message, line) = refusal("- convert:\n      prompt: ", "- convert: {} #");
    assert_eq!(message, format!("{line}: stages.4.convert: missing field `prompt`"));
}

#[test]
fn a_wrong_type_says_what_was_found_and_what_is_expected() {
    refused(
        "max_steps: 5",
        "max_steps: five",
        "stages.5.sft.training.max_steps: invalid type: string \"five\", expected u64",
    );
    refused(
        "min_count: 20",
        "min_count: -1",
        "stages.3.balance.min_count: invalid value: integer `-1`, expected usize",
    );
    refused(
        "label: {}",
        "label: {class_width: 0}",
        "stages.2.label.class_width: invalid value: integer `0`, expected a nonzero u32",
    );
}

#[test]
fn a_value_out_of_range_has_the_line_of_its_key() {
    for (from, to, rest) in [
        (
            "learning_rate: 3.0e-3",
            "learning_rate: -1",
            "stages.5.sft.training.learning_rate: learning_rate must be finite and greater than 0, got -1",
        ),
        (
            "per_device_train_batch_size: 4",
            "per_device_train_batch_size: 0",
            "stages.5.sft.per_device_train_batch_size: must be at least 1, got 0",
        ),
        (
            "min_count: 20",
            "min_count: 0",
            "stages.3.balance.min_count: min_count must be at least 1, got 0",
        ),
        (
            "validation: {ratio: 0.25}",
            "validation: {ratio: 1.5}",
            "stages.3.balance.validation.ratio: validation.ratio must be above 0 and below 1, got 1.5",
        ),
        (
            "num_generations: 4",
            "num_generations: 1",
            "stages.6.grpo.num_generations: must be at least 2, got 1",
        ),
        (
            "train: {vocab_size: 400}",
            "train: {vocab_size: 100}",
            "stages.1.model.scratch.tokenizer.train.vocab_size: vocab_size must be at least 259 and below 2^32, got 100",
        ),
        (
            "top_p: 0.7",
            "top_p: 1.7",
            "stages.7.predict.sampling.top_p: top_p must be in (0, 1], got 1.7",
        ),
        (
            "report: {}",
            "report: {neighbours: 0}",
            "stages.8.report.neighbours: must be at least 1, got 0",
        ),
    ] {
        refused(from, to, rest);
    }
}

/// The message about the pipeline with stages put before `predict`, without the path and the line.
fn refused_stage(stages: &str) -> String {
    let (message, _) = refusal("  - predict:", &format!("{stages}  - predict:"));
    message.split_once(": ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

const PAIRS: &str = "  - pairs: {source: {classes: {}}}\n";

#[test]
fn settings_of_methods_are_checked_with_their_line_and_key() {
    for (stages, rest) in [
        ("  - dpo: {}\n", "stages.7.dpo: the stage `dpo` needs the stage `pairs` before it"),
        (
            "  - pairs: {source: {classes: {rule: {lower: {min_distance: 0}}}}}\n",
            "stages.7.pairs.source.classes.rule.lower.min_distance: min_distance must be at least 1, got 0",
        ),
        (
            "  - pairs: {source: {files: {sources: [{path: a.jsonl, shape: triple}], validation_ratio: 1}}}\n",
            "stages.7.pairs.source.files.validation_ratio: validation_ratio must be above 0 and below 1, got 1",
        ),
        (
            "  - rloo: {num_generations: 1, rewards: [{tiered: 12/6/3}]}\n",
            "stages.7.rloo.num_generations: must be at least 2, got 1",
        ),
        (
            "  - ppo: {}\n",
            "stages.7.ppo.rewards: rewards must not be empty unless there is a reward_model",
        ),
        (
            "  - ppo: {reward_model: {}}\n",
            "stages.7.ppo: the stage `ppo` needs the stage `reward` before it",
        ),
        (
            "  - rloo: {rewards: [{tiered: 12/6/3}], loss: {reward_weights: [1, 2]}}\n",
            "stages.7.rloo.loss.reward_weights: must have one weight for each of the 1 rewards (rules, then the reward model), got 2",
        ),
        (
            "  - ppo: {base: nf4, rewards: [{tiered: 12/6/3}]}\n",
            "stages.7.ppo.base: weights in few bits cannot be trained: set lora, or base: f32",
        ),
        (
            "  - ppo: {lora: {}, freeze: {}, rewards: [{tiered: 12/6/3}]}\n",
            "stages.7.ppo.freeze: an adapter decides by itself what is trained: set lora or freeze",
        ),
        (
            "  - ppo: {name: a/b, rewards: [{tiered: 12/6/3}]}\n",
            "stages.7.ppo.name: must be of letters, digits, `-` and `_`, got `a/b`",
        ),
        (
            "  - ppo: {from: stf, rewards: [{tiered: 12/6/3}]}\n",
            "stages.7.ppo.from: no stage `stf` to read stands before this one; did you mean `sft`? there are: sft, grpo",
        ),
    ] {
        assert_eq!(refused_stage(stages), rest);
    }
    let message = refused_stage(&format!("{PAIRS}  - dpo: {{loss: {{beta: 0}}}}\n"));
    assert_eq!(message, "stages.8.dpo.loss.beta: beta must be finite and greater than 0, got 0");
    let message = refused_stage(&format!("{PAIRS}  - kto: {{data: pears}}\n"));
    assert!(message.contains("did you mean `pairs`?"), "{message}");
}

#[test]
fn samples_that_do_not_divide_into_steps_are_refused() {
    let (message, _) =
        refusal("num_generations: 4", "num_generations: 4\n      loss: {steps_per_generation: 3}");
    let rest = "stages.6.grpo.loss.steps_per_generation: steps_per_generation must be a multiple of the 2 micro-batches of a step, got 3";
    assert!(message.ends_with(rest), "{message}");
}

#[test]
fn rewards_are_checked_before_anything_runs() {
    let (message, line) = refusal("- tiered: 12/6/3", "- tiered: 12/6/4");
    assert!(message.starts_with(&format!("{line}: stages.6.grpo.rewards")), "{message}");
    assert!(message.contains("12/6/3"), "{message}");
}

#[test]
fn a_key_that_stands_twice_has_both_lines() {
    let (message, line) = refusal("max_steps: 5", "max_steps: 5\n        max_steps: 6");
    let (first, second) = (line, line + 1);
    let expected = format!(
        "{second}: key `stages.5.sft.training.max_steps` stands twice, first on line {first}; remove one of them"
    );
    assert_eq!(message, expected);
}

#[test]
fn a_stage_before_what_it_needs_or_twice_has_its_line() {
    refused(
        "- label: {}",
        "- convert: {prompt: a}\n  - label: {}",
        "stages.2.convert: the stage `convert` needs the stage `balance` or `clean` before it",
    );
    let (message, line) = refusal("- label: {}", "- label: {}\n  - label: {class_width: 10}");
    assert_eq!(message, format!("{}: stages.3.label: the stage `label` stands twice", line + 1));
}

#[test]
fn a_file_that_is_no_yaml_has_the_line_of_the_fault() {
    let project = Project::new();
    let path = project.write("pipeline.yaml", "name: a\nstages: [\n  - b: {\n");
    let error = PipelineConfig::read(&path, &[]).expect_err("no YAML").to_string();
    assert!(error.contains("not valid YAML") && error.contains("line"), "{error}");
    let path = project.path("none.yaml");
    let error = PipelineConfig::read(&path, &[]).expect_err("no file").to_string();
    assert!(error.starts_with(&format!("{}: cannot read", path.display())), "{error}");
}

#[test]
fn a_pipeline_without_stages_is_refused() {
    let project = Project::new();
    let path = project.write("pipeline.yaml", "name: empty\nstages: []\n");
    let error = PipelineConfig::read(&path, &[]).expect_err("no stage").to_string();
    assert_eq!(error, format!("{}:2: stages: a pipeline has at least one stage", path.display()));
}

#[test]
fn a_wrong_override_is_named_as_it_was_typed() {
    let project = Project::new();
    let error = |set: &str| {
        let error = PipelineConfig::read(&project.pipeline(), &[set.to_owned()]);
        error.expect_err("it is wrong").to_string()
    };
    let unknown = error("sft.training.learning_rat=1e-3");
    let start =
        "--set sft.training.learning_rat=1e-3: stages.5.sft.training.learning_rat: unknown field";
    assert!(unknown.starts_with(start), "{unknown}");
    assert!(unknown.ends_with("did you mean `learning_rate`?"), "{unknown}");
    assert_eq!(
        error("sft.training.learning_rate=0"),
        "--set sft.training.learning_rate=0: stages.5.sft.training.learning_rate: learning_rate must be finite and greater than 0, got 0"
    );
    let unknown = error("stf.training.learning_rate=1");
    assert!(unknown.contains("`stf`") && unknown.contains("did you mean `sft`?"), "{unknown}");
    assert!(error("sft").contains("expected key=value"));
    assert!(error("sft.lora=[1").contains("not valid YAML"));
}

#[test]
fn an_unknown_device_is_told_which_there_are() {
    let error = parse_device("gpu").expect_err("no such device");
    assert!(error.is_usage(), "exit code 2");
    assert_eq!(error.to_string(), "device `gpu` is unknown: use cpu, cuda or cuda:N");
}

#[test]
fn an_architecture_is_checked_as_a_pipeline_is() {
    let project = Project::new();
    let text = forethought_tests::ARCHITECTURE.replace("hidden_size: 32", "hiden_size: 32");
    let path = project.write("architecture.yaml", text);
    let error = Attempt::new(&project, "run").until("model").error();
    assert!(
        error.starts_with(&format!("{}:1: hiden_size: unknown field", path.display())),
        "{error}"
    );
    assert!(error.ends_with("did you mean `hidden_size`?"), "{error}");

    project.write(
        "architecture.yaml",
        forethought_tests::ARCHITECTURE.replace("heads: 4", "heads: 3"),
    );
    let error = Attempt::new(&project, "run").until("model").error();
    let rule = "1: hidden_size: hidden_size must be a multiple of num_attention_heads, got 32";
    assert_eq!(error, format!("{}:{rule}", path.display()));
}

#[test]
fn a_missing_file_that_a_config_names_is_named() {
    let project = Project::new();
    for key in ["convert.prompt", "model.scratch.architecture", "model.scratch.tokenizer"] {
        let path = project.path("missing").display().to_string();
        let value =
            if key.ends_with("tokenizer") { format!("{{folder: '{path}'}}") } else { path.clone() };
        let error = Attempt::new(&project, "run").set(format!("{key}={value}")).error();
        assert!(error.starts_with(&path) && error.contains("No such file"), "{key}: {error}");
    }
}

#[test]
fn a_model_that_no_machine_can_hold_is_refused_before_it_is_made() {
    let project = Project::new();
    let text = forethought_tests::ARCHITECTURE.replace("hidden_size: 32", "hidden_size: 65536");
    project.write("architecture.yaml", text.replace("layers: 1", "layers: 20"));
    let error = Attempt::new(&project, "run").until("model").error();
    assert!(error.starts_with("stage model: the weights need "), "{error}");
    assert!(error.contains(" GB of memory and the machine has "), "{error}");
}
