//! Compares two expressions, cheapest means first.

mod antiderivative;
mod call;
mod cases;
mod clock;
mod collection;
mod derivative;
mod family;
mod line;
mod matrix;
mod measure;
mod multiple;
mod relation;
mod scalar;
mod scale;
mod vector;
mod word;

use serde::{Deserialize, Serialize};

use crate::expression::{Arena, Constant, Function, Id, MAX_HEIGHT, Node};
use crate::limits::{Budget, Limits};
use crate::numeric::Logarithm;
use crate::settle::same;
use crate::verdict::{Finding, Rule};

/// How names of variables are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// `x` is not `y`.
    #[default]
    Matter,
    /// Variables may be renamed, in alphabetical order.
    MayChange,
}

/// Where an inequality may stand for the set of its solutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inequalities {
    /// Gold and answer alike: `x > 2` is `(2, ∞)`.
    #[default]
    AreSets,
    /// In the gold answer alone, which is what Math-Verify does by default.
    AreSetsInGold,
}

/// How lenient a comparison is where notation and meaning part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// 5 cm is not 5 m, 0.5 % is not 0.5 (but 50 % may be answered by 50), and the pair (1, 2) is not the set {1, 2}.
    #[default]
    Strict,
    /// Units and per cent signs that one side lacks or writes otherwise are passed over, and pairs are compared with
    /// sets, as Math-Verify does.
    MathVerify,
}

/// What counts as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Comparison {
    /// Decimal places up to which a decimal is compared with another number. Default 6, as in Math-Verify.
    pub rounding: u32,
    /// Names of variables. Default: they matter.
    pub names: Names,
    /// Inequalities and sets. Default: an inequality is a set.
    pub inequalities: Inequalities,
    /// Units, per cent and pairs. Default: strict.
    pub manner: Manner,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            rounding: 6,
            names: Names::default(),
            inequalities: Inequalities::default(),
            manner: Manner::default(),
        }
    }
}

/// Compares expressions of one arena.
pub(crate) struct Judge {
    pub(crate) arena: Arena,
    pub(crate) budget: Budget,
    pub(crate) comparison: Comparison,
    logarithm: Logarithm,
}

impl Judge {
    pub(crate) fn new(arena: Arena, comparison: Comparison, limits: Limits) -> Self {
        Self { arena, budget: Budget::new(limits), comparison, logarithm: Logarithm::Natural }
    }

    /// Compares a gold answer with an answer: as they stand, then with letters of one case, then with common logarithms.
    pub(crate) fn judge(&mut self, gold: Id, answer: Id) -> Finding {
        let (gold, answer) = self.renamed(gold, answer);
        let mut finding = self.answers(gold, answer);
        if finding.is_equal() {
            return finding;
        }
        if let Some((gold, answer)) = self.in_one_case(gold, answer) {
            finding = finding.or(|| self.answers(gold, answer));
        }
        let bare = |node: &Node| matches!(node, Node::Call(Function::Log, _));
        if !finding.is_equal() && (self.arena.any(gold, &bare) || self.arena.any(answer, &bare)) {
            self.logarithm = Logarithm::Decimal;
            finding = finding.or(|| self.answers(gold, answer));
            self.logarithm = Logarithm::Natural;
        }
        finding
    }

    /// Units and names of values settled, then compared.
    fn answers(&mut self, gold: Id, answer: Id) -> Finding {
        if same(&self.arena, gold, answer, &self.budget) {
            return Finding::new(true, Rule::SameForm);
        }
        let (gold, answer) = self.factored(gold, answer);
        let (gold, answer) = self.unfolded(gold, answer);
        self.measured(gold, answer)
    }

    /// Compares what stands on either side by its kind.
    pub(crate) fn compare(&mut self, gold: Id, answer: Id) -> Finding {
        if self.budget.spend(4).is_none() || self.is_too_high(gold) || self.is_too_high(answer) {
            return Finding::UNKNOWN;
        }
        if same(&self.arena, gold, answer, &self.budget) {
            return Finding::new(true, Rule::SameForm);
        }
        if let Some(finding) = self.clocks(gold, answer) {
            return finding;
        }
        let (gold, answer) = self.called(gold, answer);
        let relations = (self.is_chain(gold), self.is_chain(answer));
        if relations.0 || relations.1 {
            return self.relations(gold, answer);
        }
        if let Some(finding) = self.piecewise(gold, answer) {
            return finding;
        }
        if let Some(finding) = self.matrices(gold, answer) {
            return finding;
        }
        if self.is_collection(gold) || self.is_collection(answer) {
            return self.collections(gold, answer);
        }
        if let Some(finding) = self.words(gold, answer) {
            return finding;
        }
        let finding = self.scalars(gold, answer);
        if finding.is_equal() { finding } else { finding.or(|| self.antiderivatives(gold, answer)) }
    }

    fn is_too_high(&self, id: Id) -> bool {
        self.arena.height(id) > MAX_HEIGHT
    }

    pub(crate) fn is_chain(&self, id: Id) -> bool {
        matches!(self.arena.node(id), Node::Chain(..))
    }

    /// Whether a node is a set or a tuple of some kind.
    pub(crate) fn is_collection(&self, id: Id) -> bool {
        matches!(
            self.arena.node(id),
            Node::Tuple(_)
                | Node::List(_)
                | Node::Set(_)
                | Node::Interval(..)
                | Node::Union(_)
                | Node::Intersection(_)
                | Node::Difference(..)
                | Node::Constant(Constant::EmptySet)
        )
    }

    /// The answer's variables under the names of the gold answer's, where names do not matter.
    fn renamed(&mut self, gold: Id, answer: Id) -> (Id, Id) {
        if self.comparison.names == Names::Matter {
            return (gold, answer);
        }
        let (wanted, found) = (self.arena.symbols(gold), self.arena.symbols(answer));
        let (wanted, found) =
            (self.argument_symbols(gold, wanted), self.argument_symbols(answer, found));
        if wanted.len() != found.len() {
            return (gold, answer);
        }
        let answer = self.arena.with_symbols(answer, &|name| match found
            .iter()
            .position(|each| each == name)
        {
            Some(index) => wanted[index].clone(),
            None => name.to_owned(),
        });
        (gold, answer)
    }

    /// Symbols, those inside arguments of unknown functions included.
    fn argument_symbols(&self, id: Id, mut names: Vec<String>) -> Vec<String> {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if let Node::Symbol(name) = self.arena.node(id)
                && !names.contains(name)
            {
                names.push(name.clone());
            }
            open.extend(self.arena.node(id).children());
            if names.len() > 64 || self.budget.spend(1).is_none() {
                break;
            }
        }
        names.retain(|name| !name.ends_with("()"));
        names.sort();
        names
    }

    /// Both in lower case, unless that would make two names of one side the same.
    fn in_one_case(&mut self, gold: Id, answer: Id) -> Option<(Id, Id)> {
        let mut has_upper = false;
        for id in [gold, answer] {
            let names = self.argument_symbols(id, self.arena.symbols(id));
            let mut folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
            folded.sort();
            folded.dedup();
            if folded.len() != names.len() {
                return None;
            }
            has_upper |= names.iter().any(|name| *name != fold(name));
        }
        if !has_upper {
            return None;
        }
        Some((self.arena.with_symbols(gold, &fold), self.arena.with_symbols(answer, &fold)))
    }
}

/// A name in lower case. Commands keep theirs, for `\Phi` is no `\phi`.
fn fold(name: &str) -> String {
    if name.starts_with('\\') { name.to_owned() } else { name.to_lowercase() }
}
