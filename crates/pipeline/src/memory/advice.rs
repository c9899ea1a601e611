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
    /// The key of the size of a micro-batch, and its value.
    pub(crate) micro_batch: (&'static str, usize),
    /// The key of the length of an example, and its value.
    pub(crate) length: (&'static str, usize),
    /// Whether an adapter is trained.
    pub(crate) lora: Option<&'a LoraConfig>,
}

/// The remedies of a stage, in the order in which one would try them.
pub(crate) fn remedies(lowerable: Lowerable<'_>) -> Vec<Remedy> {
    let (key, now) = lowerable.micro_batch;
    let micro_batch = halves(now, move |value| {
        let words = if key == "per_device_train_batch_size" {
            format!(
                "{key}: {value} with gradient_accumulation_steps {} times as large",
                now / value
            )
        } else {
            format!("{key}: {value}")
        };
        let change = move |demand: &Demand| Demand {
            load: demand.load.scaled(value, now),
            micro_batches: demand.micro_batches * now.div_ceil(value),
            ..demand.clone()
        };
        (words, Box::new(change) as Change)
    });
    let (key, longest) = lowerable.length;
    let length = halves(longest, move |value| {
        let change = move |demand: &Demand| Demand {
            load: demand.load.scaled(value, longest),
            sampling: demand.sampling.map(|mut sampling| {
                sampling.cached_tokens = sampling.cached_tokens * value / longest;
                sampling
            }),
            ..demand.clone()
        };
        (format!("{key}: {value}"), Box::new(change) as Change)
    });
    vec![micro_batch, weights(lowerable.lora), length]
}

/// Ever fewer trained weights, in ever fewer bits.
fn weights(adapter: Option<&LoraConfig>) -> Remedy {
    let lora = |demand: &Demand| {
        if demand.footprint.adapter > 0 {
            return demand.clone();
        }
        let config = LoraConfig::default();
        let device = burn::tensor::Device::flex();
        let footprint =
            Footprint::of(&demand.architecture, Some(&config), &device).unwrap_or(demand.footprint);
        let trained = footprint.adapter.min(demand.trained);
        Demand { footprint, trained, critic: demand.critic, ..demand.clone() }
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
