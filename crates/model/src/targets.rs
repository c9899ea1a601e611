//! Which modules an adapter is attached to, by the rules of PEFT's `target_modules`.

use std::collections::BTreeSet;

use fancy_regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lora::{LoraConfig, LoraError};

/// The word that stands for every linear layer but the output layer.
pub(crate) const ALL_LINEAR: &str = "all-linear";

/// Longest pattern, in bytes: one that lists every layer of a large model by its path is a tenth of it.
const MAX_PATTERN: usize = 64 * 1024;
/// Steps back that a search in one path may take: a path has some dozen characters.
const MAX_STEPS: usize = 100_000;

/// Modules by name or by pattern, with the meaning of PEFT's `target_modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TargetModules {
    /// `all-linear`, or a regular expression in Python's syntax that has to match the whole path of a module.
    Pattern(String),
    /// Names such as `q_proj` or `layers.0.mlp.up_proj`: whole paths, or their ends behind a dot. `all-linear` is
    /// understood here too.
    Names(Vec<String>),
}

impl TargetModules {
    /// Whether every linear layer but the output layer is meant.
    #[must_use]
    pub fn is_all_linear(&self) -> bool {
        match self {
            Self::Pattern(word) => word.eq_ignore_ascii_case(ALL_LINEAR),
            Self::Names(names) => names.iter().any(|name| name == ALL_LINEAR),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_empty(),
            Self::Names(names) => names.is_empty(),
        }
    }
}

impl From<&str> for TargetModules {
    fn from(pattern: &str) -> Self {
        Self::Pattern(pattern.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for TargetModules {
    fn from(names: [&str; N]) -> Self {
        Self::Names(names.map(str::to_owned).to_vec())
    }
}

/// The modules of a model, by path.
#[derive(Clone, Debug)]
pub(crate) struct Modules {
    /// Every module that holds parameters, and every module around one.
    pub(crate) paths: Vec<String>,
    /// The linear layers among them.
    pub(crate) linear: Vec<String>,
    /// The output layer, which `all-linear` leaves out.
    pub(crate) output: String,
    /// Modules that share their weight with another one.
    pub(crate) tied: Vec<String>,
}

impl Modules {
    /// The last parts of the paths of all linear layers, each once.
    fn linear_names(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for path in &self.linear {
            let name = path.rsplit('.').next().unwrap_or(path);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }
}

/// The paths of the linear layers that get an adapter.
pub(crate) fn select(config: &LoraConfig, modules: &Modules) -> Result<Vec<String>, LoraError> {
    let target = Matcher::new(&config.target_modules, config.layers_to_transform.as_deref())?;
    let exclude = match &config.exclude_modules {
        Some(exclude) => Some(Matcher::new(exclude, None)?),
        None => None,
    };
    refuse_unmatched(&config.target_modules, modules)?;
    let mut selected = Vec::new();
    for path in &modules.paths {
        if config.modules_to_save.iter().any(|name| is_inside(name, path)) {
            continue;
        }
        if let Some(exclude) = &exclude
            && exclude.matches(path, modules)?
        {
            continue;
        }
        if !target.matches(path, modules)? {
            continue;
        }
        if modules.tied.contains(path) {
            return Err(LoraError::Tied(path.clone()));
        }
        if !modules.linear.contains(path) {
            let linear = modules.linear_names();
            return Err(LoraError::NotLinear { module: path.clone(), linear });
        }
        selected.push(path.clone());
    }
    if selected.is_empty() {
        return Err(LoraError::NothingSelected { linear: modules.linear_names() });
    }
    Ok(selected)
}

/// The paths of the modules that are trained whole: PEFT takes every path that ends with one of the names.
pub(crate) fn select_saved(names: &[String], modules: &Modules) -> Result<Vec<String>, LoraError> {
    let mut saved = Vec::new();
    for name in names {
        let found = modules.paths.iter().filter(|path| path.ends_with(name.as_str()));
        let before = saved.len();
        saved.extend(found.cloned());
        if saved.len() == before {
            return Err(LoraError::NoSuchModule(name.clone()));
        }
    }
    match saved.iter().find(|path| modules.tied.contains(path)) {
        Some(path) => Err(LoraError::Tied(path.clone())),
        None => Ok(saved),
    }
}

/// Every name of a list has to name a module: a misspelt one would silently train less.
fn refuse_unmatched(target: &TargetModules, modules: &Modules) -> Result<(), LoraError> {
    let TargetModules::Names(names) = target else { return Ok(()) };
    let is_known =
        |name: &&String| *name == ALL_LINEAR || modules.paths.iter().any(|path| is_end(name, path));
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => {
            Err(LoraError::Target { target: name.clone(), linear: modules.linear_names() })
        }
        None => Ok(()),
    }
}

/// One compiled rule.
enum Matcher<'a> {
    AllLinear,
    Pattern(Box<Regex>),
    /// Each name once, however often it is listed.
    Names {
        names: BTreeSet<&'a str>,
        layers: Option<&'a [usize]>,
    },
}

impl<'a> Matcher<'a> {
    fn new(target: &'a TargetModules, layers: Option<&'a [usize]>) -> Result<Self, LoraError> {
        match target {
            target if target.is_all_linear() => Ok(Self::AllLinear),
            TargetModules::Pattern(pattern) if MAX_PATTERN < pattern.len() => {
                Err(LoraError::PatternTooLong { bytes: pattern.len(), allowed: MAX_PATTERN })
            }
            TargetModules::Pattern(pattern) => {
                let compiled = compile(pattern);
                Ok(Self::Pattern(Box::new(compiled.map_err(|error| refused(pattern, &error))?)))
            }
            TargetModules::Names(names) => {
                Ok(Self::Names { names: names.iter().map(String::as_str).collect(), layers })
            }
        }
    }

    fn matches(&self, path: &str, modules: &Modules) -> Result<bool, LoraError> {
        Ok(match self {
            Self::AllLinear => path != modules.output && modules.linear.iter().any(|l| l == path),
            Self::Pattern(pattern) => {
                pattern.is_match(path).map_err(|error| refused(pattern.as_str(), &error))?
            }
            Self::Names { names, layers } => {
                // A whole path is meant as it stands; layers restrict only names that stand for several.
                names.contains(path)
                    || (names.iter().any(|name| is_end(name, path))
                        && layers.is_none_or(|layers| {
                            layer_index(path).is_some_and(|index| layers.contains(&index))
                        }))
            }
        })
    }
}

/// A pattern for whole paths: Python's `fullmatch`.
fn compile(pattern: &str) -> Result<Regex, fancy_regex::Error> {
    let whole = format!(r"\A(?:{pattern})\z");
    RegexBuilder::new(&whole).backtrack_limit(MAX_STEPS).build()
}

fn refused(pattern: &str, error: &fancy_regex::Error) -> LoraError {
    LoraError::Pattern { pattern: pattern.chars().take(200).collect(), message: error.to_string() }
}

/// Whether a path is `name` or ends with it behind a dot.
fn is_end(name: &str, path: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether `path` is the module `name` or inside it.
fn is_inside(name: &str, path: &str) -> bool {
    format!(".{path}.").contains(&format!(".{name}."))
}

/// The first number in a path that stands behind two names and before another one.
fn layer_index(path: &str) -> Option<usize> {
    let parts: Vec<&str> = path.split('.').collect();
    let inner = parts.get(2..parts.len().saturating_sub(1))?;
    inner.iter().find_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules() -> Modules {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut paths = owned(&["model", "model.embed_tokens", "model.layers"]);
        let mut linear = Vec::new();
        for layer in 0..11 {
            let at = |name: &str| format!("model.layers.{layer}.{name}");
            linear.extend(["self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj"].map(at));
            paths.extend(["self_attn", "mlp", "input_layernorm"].map(at));
        }
        linear.push("lm_head".to_owned());
        paths.extend(linear.clone());
        Modules { paths, linear, output: "lm_head".to_owned(), tied: Vec::new() }
    }

    fn selected(config: &LoraConfig) -> Vec<String> {
        select(config, &modules()).expect("the targets are there")
    }

    fn error(config: &LoraConfig) -> String {
        select(config, &modules()).expect_err("the targets are wrong").to_string()
    }

    fn targets(targets: impl Into<TargetModules>) -> LoraConfig {
        LoraConfig { target_modules: targets.into(), ..LoraConfig::default() }
    }

    #[test]
    fn a_name_is_a_whole_path_or_its_end_behind_a_dot() {
        let path = "model.layers.0.self_attn.q_proj";
        assert!(is_end("q_proj", path) && is_end("self_attn.q_proj", path) && is_end(path, path));
        assert!(!is_end("_proj", path) && !is_end("k_proj", path));
        assert_eq!(selected(&targets(["q_proj"])).len(), 11);
        assert_eq!(selected(&targets(["layers.10.mlp.up_proj"])), ["model.layers.10.mlp.up_proj"]);
    }

    #[test]
    fn all_linear_leaves_the_output_layer_out() {
        for all in [targets("all-linear"), targets("ALL-LINEAR"), targets(["all-linear"])] {
            assert_eq!(selected(&all).len(), 33);
        }
        assert_eq!(selected(&targets(["lm_head"])), ["lm_head"]);
    }

    #[test]
    fn a_string_is_a_pattern_for_the_whole_path() {
        let config = targets(r".*\.(?!10)\d+\.self_attn\.(q|v)_proj");
        assert_eq!(selected(&config).len(), 20);
        assert_eq!(selected(&targets(r".*layers\.1\..*_proj")).len(), 3);
        assert!(error(&targets("q_proj")).contains("select no linear layer"), "no path is q_proj");
        assert!(
            error(&targets("(q_proj")).starts_with("target_modules: \"(q_proj\" is no regular")
        );
    }

    #[test]
    fn layers_restrict_names_but_not_whole_paths() {
        let layers_to_transform = Some(vec![1, 10]);
        let config = LoraConfig { layers_to_transform, ..targets(["q_proj"]) };
        let expected = [1, 10].map(|layer| format!("model.layers.{layer}.self_attn.q_proj"));
        assert_eq!(selected(&config), expected);
        let whole = TargetModules::from(["model.layers.3.mlp.up_proj"]);
        let config = LoraConfig { target_modules: whole, ..config };
        assert_eq!(selected(&config), ["model.layers.3.mlp.up_proj"]);
    }

    #[test]
    fn excluded_and_saved_modules_get_no_adapter() {
        let exclude_modules = Some(TargetModules::from(["up_proj", "layers.0.self_attn.q_proj"]));
        let config = LoraConfig { exclude_modules, ..targets("all-linear") };
        assert_eq!(selected(&config).len(), 33 - 11 - 1);
        let modules_to_save = vec!["self_attn".to_owned()];
        let config = LoraConfig { modules_to_save, ..targets("all-linear") };
        assert_eq!(selected(&config).len(), 11);
    }

    #[test]
    fn a_target_that_is_not_there_or_not_linear_is_named_with_the_linear_layers() {
        let expected = "target_modules: \"query\" is no module of the model; its linear layers are q_proj, v_proj, \
                        up_proj, lm_head";
        assert_eq!(error(&targets(["q_proj", "query"])), expected);
        let norm = error(&targets(["input_layernorm"]));
        assert!(norm.contains("model.layers.0.input_layernorm is no linear layer"), "{norm}");
        assert!(error(&targets(".*")).contains("model is no linear layer"), "a module of modules");
    }

    #[test]
    fn a_saved_module_is_any_path_with_that_end() {
        let saved = |name: &str| select_saved(&[name.to_owned()], &modules());
        assert_eq!(saved("lm_head").expect("it is there"), ["lm_head"]);
        assert_eq!(saved("layernorm").expect("they are there").len(), 11);
        assert_eq!(saved("score"), Err(LoraError::NoSuchModule("score".to_owned())));
        let tied = Modules { tied: vec!["lm_head".to_owned()], ..modules() };
        let error = select_saved(&["lm_head".to_owned()], &tied).expect_err("it is tied");
        assert_eq!(error, LoraError::Tied("lm_head".to_owned()));
    }
}
