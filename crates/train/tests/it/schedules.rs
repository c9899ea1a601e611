//! The learning rate of every step, against those of transformers.

use forethought_train::{SchedulerKwargs, SchedulerType, TrainConfig};
use proptest::prelude::*;

fn rates(lr_scheduler_type: SchedulerType, lr_scheduler_kwargs: SchedulerKwargs) -> Vec<f64> {
    let config = TrainConfig {
        learning_rate: 1e-3,
        warmup_steps: 3,
        lr_scheduler_type,
        lr_scheduler_kwargs,
        ..TrainConfig::default()
    };
    let schedule = config.init().expect("parameters are in range").schedule(20);
    (0..=20).map(|step| schedule.at(step)).collect()
}

fn assert_rates(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (step, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert!((actual - expected).abs() < 1e-17, "step {step}: {actual} is not {expected}");
    }
}

/* transformers 5.23.0, torch 2.15.0:
import torch, transformers
for name, kwargs in [("linear", None), ("cosine", None), ("constant_with_warmup", None),
                     ("cosine_with_min_lr", {"min_lr_rate": 0.1})]:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    scheduler = transformers.get_scheduler(name, optimizer, 3, 20, scheduler_specific_kwargs=kwargs)
    rates = []
    for _ in range(21):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step(); scheduler.step()
    print(name, rates)
*/
const LINEAR: [f64; 21] = [
    0.0,
    0.000_333_333_333_333_333_3,
    0.000_666_666_666_666_666_6,
    0.001,
    0.000_941_176_470_588_235_3,
    0.000_882_352_941_176_470_6,
    0.000_823_529_411_764_705_8,
    0.000_764_705_882_352_941_1,
    0.000_705_882_352_941_176_5,
    0.000_647_058_823_529_411_8,
    0.000_588_235_294_117_647_1,
    0.000_529_411_764_705_882_4,
    0.000_470_588_235_294_117_66,
    0.000_411_764_705_882_352_9,
    0.000_352_941_176_470_588_26,
    0.000_294_117_647_058_823_56,
    0.000_235_294_117_647_058_83,
    0.000_176_470_588_235_294_13,
    0.000_117_647_058_823_529_42,
    5.882_352_941_176_471e-05,
    0.0,
];
const COSINE: [f64; 21] = [
    0.0,
    0.000_333_333_333_333_333_3,
    0.000_666_666_666_666_666_6,
    0.001,
    0.000_991_486_549_841_951,
    0.000_966_236_114_702_177_9,
    0.000_925_108_567_864_807_2,
    0.000_869_504_458_610_329_5,
    0.000_801_317_318_189_628_2,
    0.000_722_869_177_888_269_2,
    0.000_636_831_495_036_041_6,
    0.000_546_134_179_731_651,
    0.000_453_865_820_268_349_03,
    0.000_363_168_504_963_958_6,
    0.000_277_130_822_111_730_9,
    0.000_198_682_681_810_371_85,
    0.000_130_495_541_389_670_5,
    7.489_143_213_519_301e-05,
    3.376_388_529_782_215e-05,
    8.513_450_158_049_108e-06,
    0.0,
];
const COSINE_WITH_MIN_LR: [f64; 21] = [
    0.0,
    0.000_333_333_333_333_333_3,
    0.000_666_666_666_666_666_6,
    0.001,
    0.000_992_337_894_857_755_9,
    0.000_969_612_503_231_96,
    0.000_932_597_711_078_326_4,
    0.000_882_554_012_749_296_5,
    0.000_821_185_586_370_665_4,
    0.000_750_582_260_099_442_3,
    0.000_673_148_345_532_437_4,
    0.000_591_520_761_758_485_9,
    0.000_508_479_238_241_514_2,
    0.000_426_851_654_467_562_8,
    0.000_349_417_739_900_557_8,
    0.000_278_814_413_629_334_67,
    0.000_217_445_987_250_703_47,
    0.000_167_402_288_921_673_7,
    0.000_130_387_496_768_039_94,
    0.000_107_662_105_142_244_2,
    0.0001,
];

#[test]
fn linear_is_that_of_transformers() {
    assert_rates(&rates(SchedulerType::Linear, SchedulerKwargs::default()), &LINEAR);
}

#[test]
fn cosine_is_that_of_transformers() {
    assert_rates(&rates(SchedulerType::Cosine, SchedulerKwargs::default()), &COSINE);
}

#[test]
fn cosine_with_min_lr_is_that_of_transformers_whichever_way_the_minimum_is_given() {
    let by_rate = SchedulerKwargs { min_lr_rate: Some(0.1), ..SchedulerKwargs::default() };
    let by_value = SchedulerKwargs { min_lr: Some(1e-4), ..SchedulerKwargs::default() };
    for kwargs in [by_rate, by_value] {
        assert_rates(&rates(SchedulerType::CosineWithMinLr, kwargs), &COSINE_WITH_MIN_LR);
    }
}

/* As above, with a rate of 1e-3 and 20 steps of which 3 are of the warm-up, at some of the steps:
for name, kwargs in [("cosine_with_restarts", {"num_cycles": 2}), ("polynomial", {"power": 2.0, "lr_end": 1e-7}),
                     ("inverse_sqrt", {}), ("warmup_stable_decay", {"num_decay_steps": 5})]: */
#[test]
fn the_other_schedulers_are_those_of_transformers() {
    let none = SchedulerKwargs::default;
    let restarts = SchedulerKwargs { num_cycles: Some(2.0), ..none() };
    let polynomial = SchedulerKwargs { power: Some(2.0), lr_end: Some(1e-7), ..none() };
    let decay = SchedulerKwargs { num_decay_steps: Some(5), ..none() };
    let cases = [
        (
            SchedulerType::CosineWithRestarts,
            restarts,
            [
                (4, 0.000_966_236_114_702_177_9),
                (11, 8.513_450_158_049_108e-6),
                (12, 0.000_991_486_549_841_951),
                (20, 0.0),
            ],
        ),
        (
            SchedulerType::Polynomial,
            polynomial,
            [
                (3, 0.001),
                (4, 0.000_885_824_567_474_048_3),
                (11, 0.000_280_348_788_927_335_66),
                (20, 1e-7),
            ],
        ),
        (
            SchedulerType::InverseSqrt,
            none(),
            [
                (1, 0.000_333_333_333_333_333_3),
                (4, 0.000_866_025_403_784_438_7),
                (12, 0.0005),
                (20, 0.000_387_298_334_620_741_7),
            ],
        ),
        (
            SchedulerType::WarmupStableDecay,
            decay,
            [
                (2, 0.000_666_666_666_666_666_6),
                (15, 0.001),
                (17, 0.000_654_508_497_187_473_7),
                (20, 0.0),
            ],
        ),
    ];
    for (scheduler, kwargs, expected) in cases {
        let rates = rates(scheduler, kwargs);
        for (step, expected) in expected {
            assert!(
                (rates[step] - expected).abs() < 1e-15,
                "{scheduler:?} {step}: {}",
                rates[step]
            );
        }
    }
}

#[test]
fn parameters_of_the_other_schedulers_have_ranges() {
    let message = |lr_scheduler_type, lr_scheduler_kwargs| {
        let config =
            TrainConfig { lr_scheduler_type, lr_scheduler_kwargs, ..TrainConfig::default() };
        config.init().expect_err("out of range").to_string()
    };
    let none = SchedulerKwargs::default;
    assert_eq!(
        message(SchedulerType::WarmupStableDecay, none()),
        "num_decay_steps must be at least 1, got 0"
    );
    assert_eq!(
        message(SchedulerType::Polynomial, SchedulerKwargs { lr_end: Some(1.0), ..none() }),
        "lr_end must be below learning_rate, got 1"
    );
    assert_eq!(
        message(SchedulerType::Cosine, SchedulerKwargs { power: Some(1.0), ..none() }),
        "lr_scheduler_kwargs.power is of no use to the scheduler cosine"
    );
}

#[test]
fn constant_has_no_warm_up_and_constant_with_warmup_has_one() {
    let none = SchedulerKwargs::default();
    assert_rates(&rates(SchedulerType::Constant, none), &[1e-3; 21]);
    let mut expected = [1e-3; 21];
    expected[..3].copy_from_slice(&LINEAR[..3]);
    assert_rates(&rates(SchedulerType::ConstantWithWarmup, none), &expected);
}

#[test]
fn a_warm_up_ratio_is_rounded_up_and_steps_override_it() {
    let schedule = |warmup_ratio, warmup_steps| {
        let config = TrainConfig { warmup_ratio, warmup_steps, ..TrainConfig::default() };
        config.init().expect("parameters are in range").schedule(25)
    };
    // ceil(0.1 * 25) = 3
    assert_eq!(schedule(0.1, 0), schedule(0.0, 3));
    assert_eq!(schedule(0.5, 3), schedule(0.0, 3));
    assert_ne!(schedule(0.1, 0), schedule(0.0, 2));
}

#[test]
fn a_run_never_has_more_steps_than_its_data() {
    let num_steps = |max_steps| {
        let config = TrainConfig { max_steps, ..TrainConfig::default() };
        config.init().expect("parameters are in range").num_steps(40)
    };
    assert_eq!([num_steps(None), num_steps(Some(7)), num_steps(Some(70))], [40, 7, 40]);
}

#[test]
fn parameters_out_of_range_are_named_with_their_rule() {
    let message = |config: TrainConfig| config.init().expect_err("out of range").to_string();
    let default = TrainConfig::default;
    let kwargs = SchedulerKwargs { min_lr_rate: Some(1.5), ..SchedulerKwargs::default() };
    let lr_scheduler_type = SchedulerType::CosineWithMinLr;
    let cases = [
        (
            TrainConfig { learning_rate: -1.0, ..default() },
            "learning_rate must be finite and greater than 0, got -1",
        ),
        (
            TrainConfig { max_grad_norm: f64::NAN, ..default() },
            "max_grad_norm must be finite and at least 0, got NaN",
        ),
        (
            TrainConfig { weight_decay: f64::INFINITY, ..default() },
            "weight_decay must be finite and at least 0, got inf",
        ),
        (TrainConfig { adam_beta2: 1.0, ..default() }, "adam_beta2 must be in [0, 1), got 1"),
        (
            TrainConfig { adam_epsilon: 0.0, ..default() },
            "adam_epsilon must be finite and greater than 0, got 0",
        ),
        (TrainConfig { warmup_ratio: 1.5, ..default() }, "warmup_ratio must be in [0, 1], got 1.5"),
        (
            TrainConfig { save_total_limit: 1, ..default() },
            "save_total_limit must be at least 2, got 1",
        ),
        (TrainConfig { save_steps: 0, ..default() }, "save_steps must be at least 1, got 0"),
        (TrainConfig { max_steps: Some(0), ..default() }, "max_steps must be at least 1, got 0"),
        (
            TrainConfig { lr_scheduler_type, lr_scheduler_kwargs: kwargs, ..default() },
            "min_lr_rate must be in [0, 1], got 1.5",
        ),
        (
            TrainConfig { lr_scheduler_type, ..default() },
            "lr_scheduler_kwargs must set exactly one of min_lr and min_lr_rate for cosine_with_min_lr, got neither",
        ),
        (
            TrainConfig { lr_scheduler_kwargs: kwargs, ..default() },
            "lr_scheduler_kwargs.min_lr_rate is of no use to the scheduler linear",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(message(config), expected);
    }
}

#[test]
fn keys_are_those_of_hugging_face_and_no_others() {
    let parse = |text: &str| serde_json::from_str::<TrainConfig>(text);
    let config = parse(
        r#"{"learning_rate": 1e-3, "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": 0.1}, "warmup_ratio": 0.1, "max_steps": 5}"#,
    )
    .expect("known keys");
    assert_eq!(config.lr_scheduler_kwargs.min_lr_rate, Some(0.1));
    assert_eq!(parse("{}").expect("all have defaults"), TrainConfig::default());
    let unknown = parse(r#"{"learning_rat": 1e-3}"#).expect_err("misspelt").to_string();
    assert!(unknown.contains("unknown field `learning_rat`"), "{unknown}");
    assert!(parse(r#"{"lr_scheduler_kwargs": {"min": 1}}"#).is_err());
}

proptest! {
    #[test]
    fn a_rate_rises_while_warming_up_then_never_again_and_stays_in_range(
        warmup_steps in 1u64..50,
        num_steps in 1u64..200,
        lr_scheduler_type in prop::sample::select(vec![
            SchedulerType::Linear,
            SchedulerType::Cosine,
            SchedulerType::ConstantWithWarmup,
        ]),
    ) {
        let config = TrainConfig { warmup_steps, lr_scheduler_type, ..TrainConfig::default() };
        let schedule = config.init().expect("parameters are in range").schedule(num_steps);
        let rates: Vec<f64> = (0..=num_steps).map(|step| schedule.at(step)).collect();
        prop_assert!(rates.iter().all(|rate| (0.0..=config.learning_rate).contains(rate)));
        for (step, pair) in rates.windows(2).enumerate() {
            if (step as u64) < warmup_steps {
                prop_assert!(pair[0] < pair[1], "step {}", step);
            } else {
                prop_assert!(pair[0] >= pair[1], "step {}", step);
            }
        }
    }
}
