//! Memory: what a training will take, what the machine has, and what to change where the one is more than the other.

mod advice;
mod machine;
mod plan;
mod stage;

pub(crate) use advice::{Lowerable, advice, remedies};
pub use machine::Machine;
pub(crate) use machine::{peak, reset_peak};
pub use plan::MemoryPlan;
pub(crate) use plan::{Demand, Load, Logits, Reference, SampledAtOnce, in_words};
pub(crate) use stage::Sizes;

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
        advice(demand, &remedies(lowerable), machine.available)
    ))
}

#[cfg(test)]
mod tests {
    use forethought_model::{DecoderConfig, Footprint};

    use super::*;
    use crate::tuning::Base;

    fn architecture() -> DecoderConfig {
        serde_json::from_value(serde_json::json!({
            "vocab_size": 1000, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true,
        }))
        .expect("a configuration")
    }

    fn demand() -> Demand {
        let architecture = architecture();
        let device = burn::tensor::Device::flex();
        let footprint = Footprint::of(&architecture, None, &device).expect("no adapter");
        Demand {
            trained: footprint.parameters,
            architecture,
            footprint,
            base: Base::F32,
            load: Load { tokens: 10_000, scored: 100 },
            micro_batches: 1,
            reference: Reference::None,
            critic: 0,
            entropy: Logits::Chunk,
            sampling: None,
            other: 1_000_000,
        }
    }

    fn lowerable() -> Lowerable<'static> {
        Lowerable {
            micro_batch: ("per_device_train_batch_size", 16),
            length: ("max_length", 512),
            lora: None,
        }
    }

    #[test]
    fn a_plan_adds_up_what_stands_and_the_most_that_comes_on_top() {
        let demand = demand();
        let parameters = demand.footprint.parameters;
        // Embedding, per layer q and o 64 × 64, k and v 64 × 32, three of 64 × 96, biases 64 + 32 + 32, two norms; a norm.
        let layer = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96 + 128 + 128;
        assert_eq!(parameters, 1000 * 64 + 2 * layer + 64);
        let activations = 4 * 10_000 * (2 * (4 * 64 + 2 * 64 + 2 * 32 + 3 * 96) + 2 * 64);
        let logits = 4 * 100 * 1000;
        let expected = 1_000_000 + (4 + 8 + 4) * parameters + activations + logits;
        assert_eq!(MemoryPlan::of(&demand).peak(), expected);
        let two = Demand { micro_batches: 2, ..demand };
        assert_eq!(MemoryPlan::of(&two).peak(), expected + 4 * parameters);
    }

    #[test]
    fn the_larger_of_sampling_and_training_counts() {
        let sampled = SampledAtOnce { cached_tokens: 1_000_000, sequences: 10 };
        let with = Demand { sampling: Some(sampled), ..demand() };
        let plan = MemoryPlan::of(&with);
        let standing: u64 = plan.standing.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(plan.peak(), standing + 4 * 1_000_000 * (2 * 32 * 2) + 8 * 10 * 1000);
        assert!(plan.describe().contains("keys and values 512 MB"), "{}", plan.describe());
    }

    #[test]
    fn a_base_in_few_bits_is_smaller_by_what_its_layers_are() {
        let bytes = |base| {
            let plan = MemoryPlan::of(&Demand { base, ..demand() });
            plan.standing.iter().find(|(name, _)| *name == "weights").expect("a part").1
        };
        let projections = demand().footprint.projections;
        assert_eq!(bytes(Base::F32) - bytes(Base::Int8), 3 * projections - projections / 128);
        assert!(bytes(Base::Nf4) < bytes(Base::Int8));
    }

    #[test]
    fn what_fits_is_let_through_and_what_does_not_is_told_settings_that_would() {
        let machine = |available| Some(Machine { available, resident: 0 });
        assert!(fit(&demand(), lowerable(), machine(1_000_000_000)).is_ok());
        assert!(fit(&demand(), lowerable(), None).is_ok(), "nothing is known of the machine");
        let error = fit(&demand(), lowerable(), machine(40_000_000)).expect_err("too little");
        assert!(error.starts_with("needs 67 MB of memory and the machine has 40 MB: "), "{error}");
        assert!(
            error.contains("any of these makes it fit: per_device_train_batch_size: 8 with gradient_accumulation_steps 2 times as large (36 MB)"),
            "{error}"
        );
        assert!(error.contains("max_length: 256 (35 MB)"), "{error}");
        let settings = error.split_once("makes it fit: ").expect("settings").1;
        assert_eq!(settings.split("; ").count(), 2, "an adapter alone is not enough: {error}");
    }

    #[test]
    fn several_settings_are_named_where_none_alone_is_enough() {
        let machine = Some(Machine { available: 4_000_000, resident: 0 });
        let error = fit(&demand(), lowerable(), machine).expect_err("too little");
        assert!(error.contains("together these make it fit"), "{error}");
        let machine = Some(Machine { available: 1_000, resident: 0 });
        let error = fit(&demand(), lowerable(), machine).expect_err("far too little");
        assert!(error.contains("take a smaller model or a larger machine"), "{error}");
    }
}
