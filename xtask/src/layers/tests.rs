//! The rules of the layers, on small trees.

use super::*;

fn problems(package: &str, tree: &str) -> Vec<String> {
    let lines: Vec<&str> = tree.split_whitespace().collect();
    let tree = lines.join(" v1.0.0\n") + " v1.0.0";
    let graph = Graph::parse(&tree).expect("a well-formed tree");
    judge(package, &graph).iter().map(ToString::to_string).collect()
}

#[test]
fn a_pure_crate_with_burn_below_it_is_found_with_the_chain() {
    let tree = "0forethought-reward 1serde 1forethought-logprob 2burn-core";
    assert_eq!(
        problems("forethought-reward", tree),
        [
            "forethought-reward: a pure crate may not know Burn: forethought-reward -> forethought-logprob -> burn-core"
        ]
    );
    assert!(problems("forethought-reward", "0forethought-reward 1serde 1burnish").is_empty());
}

#[test]
fn polars_is_reached_through_dataset_alone() {
    let through_the_door = "0forethought-pipeline 1forethought-dataset 2polars 3polars-core";
    assert!(problems("forethought-pipeline", through_the_door).is_empty());
    assert!(problems("forethought-dataset", "0forethought-dataset 1polars").is_empty());
    let beside_it = "0forethought-pipeline 1forethought-dataset 2polars 1burn 2polars-core";
    assert_eq!(
        problems("forethought-pipeline", beside_it),
        [
            "forethought-pipeline: only forethought-dataset may know polars: forethought-pipeline -> burn -> polars-core"
        ]
    );
}

#[test]
fn tokenizers_is_reached_through_tokenize_alone() {
    assert!(problems("forethought-tokenize", "0forethought-tokenize 1tokenizers").is_empty());
    let found = problems("forethought-model", "0forethought-model 1tokenizers");
    assert!(found[0].contains("only forethought-tokenize may know tokenizers"), "{found:?}");
}

#[test]
fn an_algorithm_sees_objective_and_logprob_alone() {
    let fine = "0forethought-grpo 1burn 1forethought-objective 1forethought-logprob";
    assert!(problems("forethought-grpo", fine).is_empty());
    for other in ["sft", "model", "rollout", "train", "schema", "pipeline"] {
        let found =
            problems("forethought-grpo", &format!("0forethought-grpo 1forethought-{other}"));
        assert!(
            found[0].ends_with(&format!("alone: forethought-grpo -> forethought-{other}")),
            "{found:?}"
        );
    }
}

#[test]
fn only_the_pipeline_and_the_parity_check_know_two_algorithms() {
    let tree = "0forethought-pipeline 1forethought-sft 1forethought-grpo";
    assert!(problems("forethought-pipeline", tree).is_empty());
    assert!(problems("forethought", &format!("0forethought {}", deeper(tree))).is_empty());
    let tree = "0forethought-parity 1forethought-sft 1forethought-grpo";
    assert!(problems("forethought-parity", tree).is_empty());
    let found =
        problems("forethought-tests", "0forethought-tests 1forethought-sft 1forethought-grpo");
    assert!(found[0].contains("more than one algorithm"), "{found:?}");
    assert!(problems("forethought-tests", "0forethought-tests 1forethought-sft").is_empty());
}

#[test]
fn train_knows_no_model_and_xtask_knows_nobody() {
    let found = problems("forethought-train", "0forethought-train 1forethought-rollout");
    assert!(found[0].contains("train is generic over models"), "{found:?}");
    let found = problems("xtask", "0xtask 1forethought-seed");
    assert!(found[0].contains("xtask links no crate"), "{found:?}");
    assert!(problems("xtask", "0xtask 1lexopt").is_empty());
}

#[test]
fn a_crate_without_a_layer_is_found() {
    let files = ["crates/sft/Cargo.toml", "crates/mystery/Cargo.toml", "xtask/Cargo.toml"];
    let found = check_folders(&files.map(String::from));
    assert_eq!(
        found,
        [Finding::new("crates/mystery", "stands in no layer: add it in xtask/src/layers.rs")]
    );
}

/// The same tree, one level further down.
fn deeper(tree: &str) -> String {
    tree.replace('1', "2").replace('0', "1")
}
