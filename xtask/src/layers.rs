//! Who may depend on whom: the walls between the crates, held against cargo's own dependency trees.

mod graph;
mod source;

use crate::finding::Finding;
use crate::workspace::{Workspace, output};
use graph::Graph;

/// Crates without tensors.
const PURE: [&str; 9] =
    ["dataset", "evaluate", "hub", "preference", "reward", "schema", "seed", "tokenize", "verify"];

/// Crates without tensors that talk to programs and machines outside.
const OUTSIDE: [&str; 4] = ["endpoint", "external-reward", "remote-rollout", "teacher"];

/// Crates of tensors, models and loops.
const TENSORS: [&str; 6] = ["kernels", "logprob", "model", "objective", "rollout", "train"];

/// Crates of one training method each.
pub(crate) const ALGORITHMS: [&str; 8] =
    ["dpo", "grpo", "kto", "orpo", "ppo", "reward-model", "rloo", "sft"];

/// Crates that put the others together; they may know more than one algorithm.
const TOP: [&str; 3] = ["cli", "parity", "pipeline"];

/// Whether a package is meant, by its name.
type Is = fn(&str) -> bool;

/// A package that may be reached through one door only.
struct Wall {
    what: &'static str,
    is: Is,
    door: &'static str,
}

/// Heavy dependencies, each behind one crate.
const WALLS: [Wall; 2] = [
    Wall { what: "polars", is: |name| is_family(name, "polars"), door: "forethought-dataset" },
    Wall { what: "tokenizers", is: |name| name == "tokenizers", door: "forethought-tokenize" },
];

/// Checks every wall.
///
/// # Errors
///
/// If cargo cannot resolve the dependencies or a file cannot be read; a broken wall is a finding, no error.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for name in members(workspace)? {
        let arguments =
            ["tree", "--locked", "--package", &name, "--edges", "normal", "--prefix", "depth"];
        let tree = output(workspace.cargo().args(arguments))?;
        findings.extend(judge(&name, &Graph::parse(&tree)?));
    }
    findings.extend(check_folders(&workspace.files()?));
    findings.extend(source::check(workspace)?);
    findings.sort();
    Ok(findings)
}

/// The packages of the workspace.
fn members(workspace: &Workspace) -> Result<Vec<String>, String> {
    let arguments = ["tree", "--locked", "--workspace", "--depth", "0", "--prefix", "none"];
    let tree = output(workspace.cargo().args(arguments))?;
    Ok(tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Every crate has its layer, so that no new one slips past the rules.
fn check_folders(files: &[String]) -> Vec<Finding> {
    let manifests =
        files.iter().filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
    let known = [&PURE[..], &OUTSIDE, &TENSORS, &ALGORITHMS, &TOP].concat();
    let unknown = manifests.filter(|name| !known.contains(name));
    unknown
        .map(|name| {
            Finding::new(
                format!("crates/{name}"),
                "stands in no layer: add it in xtask/src/layers.rs",
            )
        })
        .collect()
}

/// Holds the dependencies of one package against the rules of its layer.
fn judge(package: &str, graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut forbid = |rule: &str, is: &dyn Fn(&str) -> bool, door: Option<&str>| {
        if let Some(chain) = graph.chain(is, door.as_slice()) {
            findings.push(Finding::new(package, format!("{rule}: {}", chain.join(" -> "))));
        }
    };
    for wall in WALLS.iter().filter(|wall| wall.door != package) {
        let rule = format!("only {} may know {}", wall.door, wall.what);
        forbid(&rule, &wall.is, Some(wall.door));
    }
    match package.strip_prefix("forethought-") {
        Some(name) if PURE.contains(&name) => {
            forbid("a pure crate may not know Burn", &|name| is_family(name, "burn"), None);
        }
        Some(name) if OUTSIDE.contains(&name) => {
            forbid(
                "a crate without tensors may not know Burn",
                &|name| is_family(name, "burn"),
                None,
            );
        }
        Some(name) if ALGORITHMS.contains(&name) => {
            forbid("an algorithm sees objective and logprob alone", &is_beyond_an_algorithm, None);
        }
        Some("train") => forbid("train is generic over models", &is_model, None),
        None if package == "xtask" => {
            forbid("xtask links no crate of the workspace", &is_ours, None);
        }
        _ => {}
    }
    findings.extend(judge_algorithms(package, graph));
    findings
}

/// The packages that may know more than one algorithm: they run them, compare them with a peer, or time them.
const KNOW_ALGORITHMS: [&str; 3] =
    ["forethought-benches", "forethought-parity", "forethought-pipeline"];

/// Nobody else knows more than one algorithm, except through one of them.
fn judge_algorithms(package: &str, graph: &Graph) -> Option<Finding> {
    if KNOW_ALGORITHMS.contains(&package) {
        return None;
    }
    let chains: Vec<_> = ALGORITHMS
        .iter()
        .filter_map(|algorithm| {
            graph.chain(
                &|name| name.strip_prefix("forethought-") == Some(*algorithm),
                &KNOW_ALGORITHMS,
            )
        })
        .map(|chain| chain.join(" -> "))
        .collect();
    (chains.len() > 1).then(|| {
        Finding::new(
            package,
            format!("only pipeline and parity know more than one algorithm: {}", chains.join("; ")),
        )
    })
}

/// Whether a package is `family` or one of the packages named after it.
fn is_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether a package is a crate of this workspace.
fn is_ours(name: &str) -> bool {
    is_family(name, "forethought")
}

/// Whether a package is a crate of this workspace that an algorithm has no business with.
fn is_beyond_an_algorithm(name: &str) -> bool {
    is_ours(name) && !["forethought-logprob", "forethought-objective"].contains(&name)
}

/// Whether a package knows what a decoder is.
fn is_model(name: &str) -> bool {
    ["forethought-model", "forethought-rollout"].contains(&name)
}

#[cfg(test)]
mod tests;
