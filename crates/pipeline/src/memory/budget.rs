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

    /// Says what was planned, and what was taken. `largest` is the largest micro-batch that there was: where answers were
    /// shorter than they might have been, the plan for these is said too.
    pub(crate) fn end(self, context: &Context<'_>, largest: Option<Load>) {
        let (Some((mut demand, plan)), Some(taken)) = (self.0, peak()) else { return };
        let mut text = format!("{} at most, {} planned", in_words(taken), in_words(plan.peak()));
        if let (Some(steps), Some(largest)) = (&mut demand.steps, largest) {
            let is_smaller = largest.tokens < steps.load.tokens;
            steps.load = largest;
            if is_smaller {
                let planned = in_words(MemoryPlan::of(&demand).peak());
                text = format!("{text}; {planned} for the lengths that there were");
            }
        }
        context.console.line(format!("      memory: {text}"));
    }
}
