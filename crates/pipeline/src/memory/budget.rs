//! A plan that is made before the work of a stage, and held against what the work took.

use burn::tensor::Device;

use super::advice::Lowerable;
use super::fit;
use super::machine::{Machine, peak, reset_peak};
use super::plan::{Demand, Load, MemoryPlan, in_words};
use crate::PipelineError;
use crate::purpose::Purpose;
use crate::stages::Context;

/// Whether the weights that a stage works with are in memory already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    Weights,
}

/// What a stage may take. A check and a replay have none, and neither has a stage on another device than the CPU.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Option<(Demand, MemoryPlan)>);

impl Budget {
    /// Plans the memory of a stage and says how much it is. What does not fit is refused, with the settings that would
    /// make it fit; in a check it is one problem among others. Of the memory of other devices than the CPU nothing is known.
    pub(crate) fn begin(
        context: &Context<'_>,
        mut demand: Demand,
        (lowerable, held): (Lowerable<'_>, Held),
    ) -> Result<Self, PipelineError> {
        if *context.device != Device::flex() || matches!(context.purpose, Purpose::Replay(_)) {
            return Ok(Self(None));
        }
        // What stages before have freed is no part of this one.
        forethought_kernels::memory::give_back_freed_memory();
        let machine = Machine::read();
        let resident = machine.map_or(0, |machine| machine.resident);
        let is_held = held == Held::Weights && !context.purpose.is_check();
        demand.other = resident.saturating_sub(if is_held { demand.weights() } else { 0 });
        let plan = match (fit(&demand, lowerable, machine), context.purpose) {
            (Ok(plan), Purpose::Check(findings)) => {
                findings.plan(context.name, plan);
                return Ok(Self(None));
            }
            (Err(problem), Purpose::Check(findings)) => {
                findings.problem(context.name, problem);
                return Ok(Self(None));
            }
            (Err(problem), _) => return Err(PipelineError::stage(context.name, problem)),
            (Ok(plan), _) => plan,
        };
        let words = in_words(plan.peak());
        context.console.line(format!("      memory: up to {words}: {}", plan.describe()));
        reset_peak();
        Ok(Self(Some((demand, plan))))
    }

    /// Once the first answers of a training are there: what it takes as long as none is longer. The plan is for answers of the
    /// greatest length that is allowed, since any answer may have it.
    pub(crate) fn after_first(&self, seen: Seen) -> Option<String> {
        let bytes = self.planned_for(seen).filter(|_| seen.longest > 0)?;
        Some(format!(
            "memory: up to {} while micro-batches are like those of the first step, whose longest answer has {} tokens",
            in_words(bytes),
            seen.longest
        ))
    }

    /// Says what was planned, and what was taken. Where answers were shorter than they might have been, the plan for these
    /// is said too.
    pub(crate) fn end(self, context: &Context<'_>, seen: Seen) {
        let (Some((_, plan)), Some(taken)) = (&self.0, peak()) else { return };
        let mut text = format!("{} at most, {} planned", in_words(taken), in_words(plan.peak()));
        if let Some(bytes) = self.planned_for(seen) {
            text = format!("{text}; {} for the lengths that there were", in_words(bytes));
        }
        context.console.line(format!("      memory: {text}"));
    }

    /// The plan for what was seen, where that is another one in words than what was planned for.
    fn planned_for(&self, seen: Seen) -> Option<u64> {
        let (demand, plan) = self.0.as_ref()?;
        let mut demand = demand.clone();
        let steps = demand.steps.as_mut()?;
        steps.load = if seen.load.tokens > 0 { seen.load } else { steps.load };
        if let Some(sampling) = demand.sampling.as_mut().filter(|_| seen.longest > 0) {
            sampling.new_tokens = sampling.new_tokens.min(seen.longest);
        }
        let bytes = MemoryPlan::of(&demand).peak();
        (in_words(bytes) != in_words(plan.peak())).then_some(bytes)
    }
}

/// What a training turned out to be made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The largest micro-batch.
    pub(crate) load: Load,
    /// Tokens of the longest sampled answer; 0 where nothing is sampled.
    pub(crate) longest: usize,
}

impl Seen {
    /// The larger of both, each number by itself.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { load: self.load.max(other.load), longest: self.longest.max(other.longest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::SampledAtOnce;
    use crate::memory::tests::demand;

    #[test]
    fn the_first_answers_say_what_is_taken_while_none_is_longer_and_the_plan_stays() {
        let sampled = SampledAtOnce { prompt_tokens: 100, sequences: 10, new_tokens: 1_000 };
        let demand = Demand { sampling: Some(sampled), ..demand() };
        let plan = MemoryPlan::of(&demand);
        let budget = Budget(Some((demand, plan.clone())));
        let seen = Seen { load: Load { tokens: 200, scored: 100 }, longest: 10 };
        let text = budget.after_first(seen).expect("shorter answers");
        // The checkpoint is the most then: 1 MB, 64 MB, and 36 bytes for each of 126,016 parameters.
        let expected = "memory: up to 70 MB while micro-batches are like those of the first step, whose longest answer has 10 tokens";
        assert_eq!(text, expected);
        assert!(plan.peak() > 100_000_000);
        let examples = Seen { longest: 0, ..seen };
        assert_eq!(budget.after_first(examples), None, "nothing was sampled");
        let longest = Seen { load: Load { tokens: 10_000, scored: 100 }, longest: 1_000 };
        assert_eq!(budget.after_first(longest), None, "it is what was planned");
    }
}
