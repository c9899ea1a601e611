//! Memory: what a stage will take, what the machine has, and what to change where the one is more than the other.

mod advice;
mod budget;
mod machine;
mod parts;
mod plan;
mod sampled;
mod stage;

pub(crate) use advice::Lowerable;
use advice::{advice, remedies};
pub(crate) use budget::{Budget, Held, Seen};
pub use machine::Machine;
pub use plan::MemoryPlan;
#[cfg(test)]
use plan::Steps;
pub(crate) use plan::{Demand, Load, Logits, Reference, SampledAtOnce, in_words};
pub(crate) use sampled::Asked;
pub(crate) use stage::{Evaluated, Sizes, require_weights};

/// The plan, if it fits; else an error in words with the settings that would make it fit.
pub(crate) fn fit(
    demand: &Demand,
    lowerable: Lowerable<'_>,
    machine: Option<Machine>,
) -> Result<MemoryPlan, String> {
    let plan = MemoryPlan::of(demand);
    let Some(machine) = machine.filter(|machine| plan.peak() > machine.available) else {
        return Ok(plan);
    };
    Err(format!(
        "needs {} of memory and the machine has {}: {}; {}",
        in_words(plan.peak()),
        in_words(machine.available),
        plan.describe(),
        advice(demand, &remedies(demand, lowerable), machine.available)
    ))
}

#[cfg(test)]
mod tests;
