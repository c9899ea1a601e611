//! Which artifacts a stage reads: those of the stages before it, by kind, or by name where its config says so.

use crate::config::{Problem, StageConfig, nearest};

/// The stages whose artifact is a model that writes, in the order in which a pipeline usually has them.
pub(crate) const POLICIES: [&str; 7] = ["sft", "dpo", "kto", "orpo", "grpo", "rloo", "ppo"];

/// The stages that split labelled questions into training and validation.
pub(crate) const SPLITTERS: [&str; 2] = ["balance", "clean"];

/// The stages whose artifact is examples with what is known of each.
pub(crate) const EXAMPLES: [&str; 2] = ["convert", "problems"];

/// The stages before one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before<'a>(pub(crate) &'a [StageConfig]);

impl<'a> Before<'a> {
    /// The names of the stages of these kinds, in their order.
    pub(crate) fn of(self, kinds: &[&str]) -> Vec<&'a str> {
        let found = self.0.iter().filter(|stage| kinds.contains(&stage.kind()));
        found.map(StageConfig::name).collect()
    }

    /// The stage named, or else the nearest of these kinds.
    pub(crate) fn pick(self, name: Option<&'a str>, kinds: &[&str]) -> Option<&'a str> {
        name.or_else(|| self.of(kinds).pop())
    }

    /// The stage whose model a stage started from; none where that is the model the pipeline starts from.
    pub(crate) fn start(self, name: &str) -> Option<&'a str> {
        let place = self.0.iter().position(|stage| stage.name() == name)?;
        let (stage, from) = (&self.0[place], self.0[place].branch().1);
        match stage.kind() {
            "sft" => from,
            _ => Before(&self.0[..place]).pick(from, &POLICIES),
        }
    }
}

/// The inputs of one stage, while they are collected.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    stage: &'a str,
    before: Before<'a>,
    names: Vec<&'a str>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(stage: &'a str, before: Before<'a>) -> Self {
        Self { stage, before, names: Vec::new() }
    }

    /// The stages of these kinds, each of which must be there.
    pub(crate) fn need(mut self, kinds: &[&str]) -> Result<Self, Problem> {
        for kind in kinds {
            let name = self.before.pick(None, &[kind]).ok_or_else(|| self.lacks(kind))?;
            self.add(name);
        }
        Ok(self)
    }

    /// The nearest stage that splits the questions, which must be there.
    pub(crate) fn split(self) -> Result<Self, Problem> {
        self.pick("", None, &SPLITTERS)
    }

    /// All stages of these kinds that are there.
    pub(crate) fn all(mut self, kinds: &[&str]) -> Self {
        for name in self.before.of(kinds) {
            self.add(name);
        }
        self
    }

    /// The stage that `key` names, or else the nearest one of these kinds; it must be there.
    pub(crate) fn pick(
        mut self,
        key: &str,
        name: Option<&'a str>,
        kinds: &[&str],
    ) -> Result<Self, Problem> {
        let known = self.before.of(kinds);
        let Some(name) = name else {
            let nearest = known.last().ok_or_else(|| self.lacks(&kinds.join("` or `")))?;
            self.add(nearest);
            return Ok(self);
        };
        if !known.contains(&name) {
            let hint = nearest(name, known.iter().copied());
            let hint = hint.map_or(String::new(), |name| format!("did you mean `{name}`? "));
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!(
                "no stage `{name}` to read stands before this one; {hint}there are: {known}"
            );
            return Err((key.to_owned(), message));
        }
        self.add(name);
        Ok(self)
    }

    /// The nearest stage of these kinds, if there is one.
    pub(crate) fn nearest(mut self, kinds: &[&str]) -> Self {
        if let Some(name) = self.before.pick(None, kinds) {
            self.add(name);
        }
        self
    }

    fn lacks(&self, kind: &str) -> Problem {
        let message = format!("the stage `{}` needs the stage `{kind}` before it", self.stage);
        (String::new(), message)
    }

    /// Whether a stage of these kinds is there.
    pub(crate) fn has(&self, kinds: &[&str]) -> bool {
        self.before.pick(None, kinds).is_some()
    }

    pub(crate) fn names(self) -> Vec<&'a str> {
        self.names
    }

    fn add(&mut self, name: &'a str) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }
}
