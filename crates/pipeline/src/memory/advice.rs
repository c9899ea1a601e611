//! Which settings would make a training fit: tried on the plan, not known by heart.

use forethought_model::{Footprint, LoraConfig};

use super::plan::{Demand, MemoryPlan, in_words};
use crate::tuning::Base;

/// A change of a setting and what the training demands then.
type Change = Box<dyn Fn(&Demand) -> Demand>;

/// A setting that takes less memory, at ever stronger values.
pub(crate) struct Remedy {
    /// The value in words, and the change; the mildest first.
    values: Vec<(String, Change)>,
}

/// What of a stage can be lowered. `None` and 1 where the stage has no such thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lowerable<'a> {
    /// The key of what is computed at once, of a micro-batch for example, and its value.
    pub(crate) at_once: Option<(&'static str, usize)>,
    /// The key of the length of an example or of an answer, and its value.
    pub(crate) length: (&'static str, usize),
    /// Whether an adapter is trained.
    pub(crate) lora: Option<&'a LoraConfig>,
}

/// The remedies of a stage, in the order in which one would try them.
pub(crate) fn remedies(demand: &Demand, lowerable: Lowerable<'_>) -> Vec<Remedy> {
    let Lowerable { at_once, length, lora } = lowerable;
    let at_once = at_once.map(|key| halves(key.1, move |value| fewer(key, value)));
    let length = halves(length.1, move |value| shorter(length, value));
    // Only what is trained can be trained otherwise.
    let weights = demand.steps.map(|_| weights(lora));
    [at_once, weights, Some(length)].into_iter().flatten().collect()
}

/// Fewer at a time.
fn fewer((key, now): (&'static str, usize), value: usize) -> (String, Change) {
    let words = if key == "per_device_train_batch_size" {
        format!("{key}: {value} with gradient_accumulation_steps {} times as large", now / value)
    } else {
        format!("{key}: {value}")
    };
    let change = move |demand: &Demand| {
        let mut demand = demand.clone();
        match (&mut demand.steps, &mut demand.sampling) {
            (Some(steps), _) => {
                steps.load = steps.load.scaled(value, now);
                steps.micro_batches *= now.div_ceil(value);
            }
            (None, Some(sampling)) => sampling.sequences = sampling.sequences * value / now,
            (None, None) => {}
        }
        demand.read = demand.read.scaled(value, now);
        demand
    };
    (words, Box::new(change))
}

/// Shorter ones.
fn shorter((key, longest): (&'static str, usize), value: usize) -> (String, Change) {
    let change = move |demand: &Demand| {
        let mut demand = demand.clone();
        if let Some(steps) = &mut demand.steps {
            steps.load = steps.load.scaled(value, longest);
        }
        if let Some(sampling) = &mut demand.sampling {
            sampling.new_tokens = sampling.new_tokens * value / longest;
        }
        demand.read = demand.read.scaled(value, longest);
        demand
    };
    (format!("{key}: {value}"), Box::new(change))
}

/// Ever fewer trained weights, in ever fewer bits.
fn weights(adapter: Option<&LoraConfig>) -> Remedy {
    let lora = |demand: &Demand| {
        let mut adapted = demand.clone();
        if demand.footprint.adapter == 0
            && let Some(steps) = &mut adapted.steps
        {
            let config = LoraConfig::default();
            let device = burn::tensor::Device::flex();
            let footprint = Footprint::of(&demand.architecture, Some(&config), &device);
            adapted.footprint = footprint.unwrap_or(demand.footprint);
            steps.trained = steps.trained.min(adapted.footprint.adapter);
            steps.critic = steps.critic.min(adapted.footprint.adapter);
        }
        adapted
    };
    let quantised = move |base: Base| move |demand: &Demand| Demand { base, ..lora(demand) };
    let mut values: Vec<(String, Change)> = Vec::new();
    if adapter.is_none() {
        values.push(("lora: {}".to_owned(), Box::new(lora)));
    }
    let with = if adapter.is_some() { "" } else { "lora: {} and " };
    values.push((format!("{with}base: int8"), Box::new(quantised(Base::Int8))));
    values.push((format!("{with}base: nf4"), Box::new(quantised(Base::Nf4))));
    Remedy { values }
}

fn halves(now: usize, value: impl Fn(usize) -> (String, Change)) -> Remedy {
    let lower = std::iter::successors(Some(now / 2), |last| Some(last / 2));
    Remedy { values: lower.take_while(|one| *one > 0).map(value).collect() }
}

/// What would make the plan fit: up to three settings of which each alone is enough, or else several together.
pub(crate) fn advice(demand: &Demand, remedies: &[Remedy], available: u64) -> String {
    let peak = |demand: &Demand| MemoryPlan::of(demand).peak();
    let enough = |remedy: &Remedy| {
        let fits = |(words, change): &(String, Change)| {
            let needed = peak(&change(demand));
            (needed <= available).then(|| format!("{words} ({})", in_words(needed)))
        };
        remedy.values.iter().find_map(fits)
    };
    let alone: Vec<String> = remedies.iter().filter_map(enough).take(3).collect();
    if !alone.is_empty() {
        return format!("any of these makes it fit: {}", alone.join("; "));
    }
    let (mut together, mut least) = (Vec::new(), demand.clone());
    for (words, change) in remedies.iter().filter_map(|remedy| remedy.values.last()) {
        least = change(&least);
        together.push(words.clone());
        if peak(&least) <= available {
            let needed = in_words(peak(&least));
            return format!("together these make it fit ({needed}): {}", together.join("; "));
        }
    }
    format!(
        "even with {} it needs {}: take a smaller model or a larger machine",
        together.join("; "),
        in_words(peak(&least))
    )
}
