//! Plans by hand.

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

pub(super) fn demand() -> Demand {
    let architecture = architecture();
    let device = burn::tensor::Device::flex();
    let footprint = Footprint::of(&architecture, None, &device).expect("no adapter");
    Demand {
        architecture,
        footprint,
        base: Base::F32,
        models: 1,
        steps: Some(Steps {
            trained: footprint.parameters,
            layers: 2,
            load: Load { tokens: 10_000, scored: 100 },
            micro_batches: 1,
            reference: Reference::None,
            critic: 0,
            logits: Logits::Chunk,
        }),
        sampling: None,
        read: Load::default(),
        other: 1_000_000,
    }
}

fn with_steps(change: impl Fn(&mut Steps)) -> Demand {
    let mut demand = demand();
    change(demand.steps.as_mut().expect("a training"));
    demand
}

fn lowerable() -> Lowerable<'static> {
    Lowerable {
        at_once: Some(("per_device_train_batch_size", 16)),
        length: ("max_length", 512),
        lora: None,
    }
}

/// What a layer keeps of every token: its input of 64, normalised too, keys and values of 32.
const OF_ALL: u64 = 2 * 64 + 2 * 32;

/// And of one that goes on: queries and their result of 64, two rows of 64, three of 96.
const OF_KEPT: u64 = 2 * 64 + 2 * 64 + 3 * 96;

/// Numbers of 10,000 tokens of which 100 are scored, in two layers, the last of which goes on with 100.
const STATES: u64 = 10_000 * (2 * OF_ALL + OF_KEPT) + 100 * (OF_KEPT + 2 * 64) + 100 * 64;

/// What it holds where there is no backward pass: three rows of 64 and attention, or two rows of 64 and three of 96.
const WORK: u64 = 2 * 64 + 3 * 96;

/// Threads and the allocator.
const SCRATCH: u64 = 64_000_000;

#[test]
fn a_plan_adds_up_what_stands_and_the_most_that_comes_on_top() {
    let demand = demand();
    let parameters = demand.footprint.parameters;
    // Embedding, per layer q and o 64 × 64, k and v 64 × 32, three of 64 × 96, biases 64 + 32 + 32, two norms; a norm.
    let layer = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96 + 128 + 128;
    assert_eq!(parameters, 1000 * 64 + 2 * layer + 64);
    let head = 4 * 1000 * 64;
    let (activations, logits) = (4 * STATES, 4 * 100 * 1000);
    let expected = 1_000_000 + SCRATCH + (4 + 8) * parameters + head + activations + logits;
    assert_eq!(MemoryPlan::of(&demand).peak(), expected);
    let two = with_steps(|steps| steps.micro_batches = 2);
    assert_eq!(MemoryPlan::of(&two).peak(), expected + 4 * parameters);
}

/// The bytes of a part when the way back begins.
fn on_the_way_back(demand: &Demand, part: &str) -> u64 {
    let plan = MemoryPlan::of(demand);
    plan.times[0].iter().find(|(name, _)| *name == part).expect("a part").1
}

#[test]
fn what_scores_goes_on_with_every_token_and_has_no_logits_but_gradients_of_its_layer() {
    let scorer = with_steps(|steps| steps.logits = Logits::None);
    let states = 10_000 * (2 * (OF_ALL + OF_KEPT) + 64);
    assert_eq!(on_the_way_back(&scorer, "activations"), 4 * states);
    assert_eq!(on_the_way_back(&scorer, "logits"), 4 * 10_000 * 2 * 96);
    assert_eq!(on_the_way_back(&scorer, "gradients"), 0, "there is no head");
    let both = with_steps(|steps| steps.critic = 5);
    assert_eq!(on_the_way_back(&both, "activations"), 4 * (STATES + states));
}

#[test]
fn layers_below_the_trained_ones_keep_nothing() {
    let last = with_steps(|steps| (steps.layers, steps.trained) = (1, 5));
    let below = 10_000 * (OF_ALL + OF_KEPT);
    assert_eq!(on_the_way_back(&last, "activations"), 4 * (STATES - below));
}

#[test]
fn logits_are_held_as_the_loss_needs_them() {
    let logits = |logits| on_the_way_back(&with_steps(|steps| steps.logits = logits), "logits");
    assert_eq!(logits(Logits::Chunk), 4 * 100 * 1000);
    assert_eq!(logits(Logits::Squares), 4 * (100 + 4 * 100) * 1000);
    assert_eq!(logits(Logits::All), 4 * (100 + 4 * 100) * 1000);
    let many = with_steps(|steps| steps.load.scored = 5_000);
    assert_eq!(on_the_way_back(&many, "logits"), 4 * 1024 * 1000);
}

#[test]
fn a_reference_is_a_copy_only_where_its_weights_are_trained() {
    let reference = |demand: &Demand| {
        let plan = MemoryPlan::of(demand);
        plan.times[0].iter().find(|(name, _)| *name == "reference").expect("a part").1
    };
    let copied = with_steps(|steps| steps.reference = Reference::Copy);
    assert_eq!(reference(&copied), 4 * copied.footprint.parameters);
    let lora = forethought_model::LoraConfig::default();
    let device = burn::tensor::Device::flex();
    let footprint = Footprint::of(&architecture(), Some(&lora), &device).expect("it fits");
    let adapted = Demand { footprint, ..copied };
    assert_eq!(reference(&adapted), 0);
    // Seven layers of rank 8 in each of two keep their first product.
    let more = on_the_way_back(&adapted, "activations") - 4 * STATES;
    assert_eq!(more, 4 * 10_000 * 2 * 7 * 8);
}

#[test]
fn of_few_tokens_the_checkpoint_is_the_most_and_without_one_the_update() {
    let few = with_steps(|steps| steps.load = Load { tokens: 10, scored: 10 });
    let parameters = few.footprint.parameters;
    let plan = MemoryPlan::of(&few);
    assert_eq!(plan.peak(), 1_000_000 + SCRATCH + (4 + 8 + 24) * parameters);
    assert!(plan.describe().contains("checkpoint in memory 3 MB"), "{}", plan.describe());
    // All gradients, and two more of the embedding that is the head.
    let sum = |parts: &[(&str, u64)]| parts.iter().map(|(_, bytes)| bytes).sum::<u64>();
    assert_eq!(sum(&plan.times[1]), (8 + 4) * parameters + 2 * 4 * 64_000);
}

#[test]
fn the_larger_of_sampling_and_training_counts() {
    let sampled = SampledAtOnce { prompt_tokens: 900_000, sequences: 10, new_tokens: 10_000 };
    let with = Demand { sampling: Some(sampled), ..demand() };
    let plan = MemoryPlan::of(&with);
    let standing: u64 = plan.standing.iter().map(|(_, bytes)| bytes).sum();
    let moments = 8 * with.footprint.parameters;
    let on_top = 4 * 1_000_000 * (2 * 32 * 2) + 4 * 900_000 * WORK + 3 * 4 * 10 * 1000;
    assert_eq!(plan.peak(), standing + moments + on_top);
    assert!(plan.describe().contains("keys and values 512 MB"), "{}", plan.describe());

    let alone = Demand { steps: None, ..with };
    assert_eq!(MemoryPlan::of(&alone).peak(), standing + on_top, "nothing is learnt");
    let read = Demand { sampling: None, read: Load { tokens: 5_000, scored: 0 }, ..alone };
    assert_eq!(MemoryPlan::of(&read).peak(), standing + 4 * 5_000 * WORK);
}

#[test]
fn a_base_in_few_bits_is_smaller_by_what_its_layers_are_until_an_adapter_is_folded_in() {
    let bytes = |base| {
        let plan = MemoryPlan::of(&Demand { base, ..demand() });
        plan.standing.iter().find(|(name, _)| *name == "weights").expect("a part").1
    };
    let projections = demand().footprint.projections;
    assert_eq!(bytes(Base::F32) - bytes(Base::Int8), 3 * projections - projections / 128);
    assert!(bytes(Base::Nf4) < bytes(Base::Int8));

    let merged = |base| {
        let plan = MemoryPlan::of(&Demand { base, ..demand() });
        plan.times.concat().iter().find(|(name, _)| *name == "merged weights").expect("a part").1
    };
    assert_eq!((merged(Base::F32), merged(Base::Nf4)), (0, 4 * projections));
}

#[test]
fn the_largest_tensor_is_there_twice_while_it_is_written() {
    let parts = MemoryPlan::of(&demand()).times.concat();
    let tensor = parts.iter().find(|(name, _)| *name == "tensor on its way into the file");
    // 1,000 rows of 64.
    assert_eq!(tensor.expect("a part").1, 2 * 4 * 1000 * 64);
}

#[test]
fn what_fits_is_let_through_and_what_does_not_is_told_settings_that_would() {
    let machine = |available| Some(Machine { available, resident: 0 });
    assert!(fit(&demand(), lowerable(), machine(1_000_000_000)).is_ok());
    assert!(fit(&demand(), lowerable(), None).is_ok(), "nothing is known of the machine");
    let error = fit(&demand(), lowerable(), machine(104_000_000)).expect_err("too little");
    assert!(error.starts_with("needs 105 MB of memory and the machine has 104 MB: "), "{error}");
    assert!(
        error.contains("any of these makes it fit: per_device_train_batch_size: 8 with gradient_accumulation_steps 2 times as large (86 MB)"),
        "{error}"
    );
    assert!(error.contains("max_length: 256 (86 MB)"), "{error}");
    let settings = error.split_once("makes it fit: ").expect("settings").1;
    assert_eq!(settings.split("; ").count(), 2, "an adapter alone is not enough: {error}");
}

#[test]
fn what_only_answers_is_told_to_answer_less_and_not_to_train_otherwise() {
    let sampled = SampledAtOnce { prompt_tokens: 1_000, sequences: 80, new_tokens: 1_000 };
    let alone = Demand { steps: None, sampling: Some(sampled), ..demand() };
    let lowerable = Lowerable {
        at_once: Some(("num_samples", 8)),
        length: ("max_new_tokens", 1_000),
        lora: None,
    };
    let machine = Some(Machine { available: 94_000_000, resident: 0 });
    let error = fit(&alone, lowerable, machine).expect_err("too little");
    let settings = error.split_once("any of these makes it fit: ").expect("settings").1;
    assert_eq!(settings, "num_samples: 4 (89 MB); max_new_tokens: 500 (89 MB)");
}

#[test]
fn several_settings_are_named_where_none_alone_is_enough() {
    let machine = Some(Machine { available: 68_000_000, resident: 0 });
    let error = fit(&demand(), lowerable(), machine).expect_err("too little");
    assert!(error.contains("together these make it fit"), "{error}");
    let machine = Some(Machine { available: 1_000, resident: 0 });
    let error = fit(&demand(), lowerable(), machine).expect_err("far too little");
    assert!(error.contains("take a smaller model or a larger machine"), "{error}");
}
