//! The golden cases of the methods that sample, where `FORETHOUGHT_SHARED` names a folder that has them.

use std::path::PathBuf;

use burn::tensor::Device;
use forethought_parity::{Case, replay};

/// What is replayed.
const KINDS: [&str; 5] = ["advantages", "grpo", "lr_schedules", "ppo", "rloo"];

#[test]
fn every_case_of_the_online_methods_is_reproduced() {
    let Some(shared) = std::env::var_os("FORETHOUGHT_SHARED") else {
        eprintln!("FORETHOUGHT_SHARED is not set: nothing was replayed");
        return;
    };
    let folder = PathBuf::from(shared).join("goldens");
    let kinds = KINDS.map(str::to_owned);
    let mut show = |case: &Case| eprintln!("{case}");
    let summary = replay(&folder, &Device::flex(), &kinds, &mut show).expect("golden files");
    assert_eq!((summary.num_failed, summary.num_not_run), (0, 0));
    assert!(summary.num_passed > 200, "{summary}");
}
