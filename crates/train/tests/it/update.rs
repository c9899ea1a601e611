//! What one optimiser step does to the weights.

use forethought_train::TrainConfig;

use crate::toy::{Setup, Toy, ToySource, config};

fn largest_difference(a: &Toy, b: &Toy) -> f32 {
    let flat = |model: &Toy| -> Vec<f32> {
        model.bits().into_iter().flat_map(|(_, bits)| bits).map(f32::from_bits).collect()
    };
    flat(a).into_iter().zip(flat(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn train(config: TrainConfig, num_micro_batches: usize) -> forethought_train::Fitted<Toy> {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup { config, ..Setup::fresh(folder.path()) };
    let source = ToySource { num_micro_batches, ..ToySource::new(3) };
    setup.fit(Toy::new(0.0), source).expect("a run")
}

#[test]
fn the_first_step_of_a_warm_up_moves_nothing() {
    let config = TrainConfig { max_steps: Some(1), ..config() };
    let fitted = train(config, 2);
    assert_eq!(fitted.history.len(), 1);
    assert_eq!(fitted.model.bits(), Toy::new(0.0).bits());
}

#[test]
fn a_clipped_step_has_the_norm_from_before_clipping_in_its_record() {
    let clipped = train(TrainConfig { max_steps: Some(1), ..config() }, 2);
    let free = train(TrainConfig { max_steps: Some(1), max_grad_norm: 0.0, ..config() }, 2);
    assert!(clipped.history[0].grad_norm > 0.1);
    assert_eq!(clipped.history[0].grad_norm.to_bits(), free.history[0].grad_norm.to_bits());
}

#[test]
fn records_carry_rate_reward_and_the_metric_of_the_loss() {
    let history = train(config(), 2).history;
    let rates: Vec<f64> = history.iter().map(|record| record.learning_rate).collect();
    // Two steps of warm-up of three, then the top of the line.
    assert_eq!(rates, [0.0, 0.025, 0.05]);
    let names: Vec<&str> = history[0].metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["num_tokens", "reward", "largest_error"]);
    assert!(history.iter().all(|record| record.tokens_per_second > 0.0));
}

#[test]
fn training_lowers_the_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let history =
        Setup::fresh(folder.path()).fit(Toy::new(0.0), ToySource::new(40)).expect("a run").history;
    let mean = |records: &[forethought_train::StepRecord]| {
        records.iter().map(|record| record.loss).sum::<f64>() / records.len() as f64
    };
    assert!(mean(&history[30..]) < 0.2 * mean(&history[..10]), "{:?}", mean(&history[30..]));
}

#[test]
fn weights_differ_between_decay_and_none_but_norms_and_biases_only_by_what_follows() {
    // With the whole loss masked out only the decay is left to move a weight.
    let decayed = train(TrainConfig { weight_decay: 0.5, max_steps: Some(2), ..config() }, 2);
    let plain = train(TrainConfig { weight_decay: 0.0, max_steps: Some(2), ..config() }, 2);
    for ((name, decayed), (_, plain)) in decayed.model.bits().into_iter().zip(plain.model.bits()) {
        // The second step is the first with a rate, so both runs have had the same gradients.
        let is_exempt = name.contains("bias") || name.contains("norm");
        assert_eq!(decayed == plain, is_exempt, "{name}");
    }
    assert!(largest_difference(&decayed.model, &plain.model) > 1e-3);
}
