//! Micro-batches on several devices. There is one CPU; several replicas of a model share it.

use burn::tensor::Device;
use forethought_train::Fitted;

use crate::toy::{Setup, Toy, ToySource};

fn trained(num_replicas: usize, num_micro_batches: usize) -> Fitted<Toy> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let replicas = vec![Device::flex().autodiff(); num_replicas];
    let setup = Setup { replicas: &replicas, ..Setup::fresh(folder.path()) };
    let source = ToySource { num_micro_batches, ..ToySource::new(6) };
    setup.fit(Toy::new(0.0), source).expect("trained")
}

#[test]
fn several_devices_make_the_steps_of_one_bit_for_bit() {
    for num_micro_batches in [2, 3, 5] {
        let alone = trained(0, num_micro_batches);
        for num_replicas in 1..=3 {
            let together = trained(num_replicas, num_micro_batches);
            let place =
                format!("{num_micro_batches} micro-batches on {} devices", num_replicas + 1);
            assert_eq!(together.model.bits(), alone.model.bits(), "{place}");
            for (one, other) in alone.history.iter().zip(&together.history) {
                assert_eq!(one.loss.to_bits(), other.loss.to_bits(), "{place}");
                assert_eq!(one.grad_norm.to_bits(), other.grad_norm.to_bits(), "{place}");
                assert_eq!(one.metrics, other.metrics, "{place}");
            }
        }
    }
}
