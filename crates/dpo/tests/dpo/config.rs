//! Refused configs and defaults.

use forethought_dpo::{DpoConfig, DpoConfigError, FDivergence, LossType, Semantics};

fn error(config: &DpoConfig) -> String {
    config.init().map(|_| ()).expect_err("refused").to_string()
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let default = DpoConfig::default;
    let cases = [
        (DpoConfig { beta: 0.0, ..default() }, "beta must be finite and greater than 0, got 0"),
        (
            DpoConfig { beta: f64::NAN, ..default() },
            "beta must be finite and greater than 0, got NaN",
        ),
        (
            DpoConfig { label_smoothing: 0.5, ..default() },
            "label_smoothing must be in [0, 0.5), got 0.5",
        ),
        (DpoConfig { ld_alpha: Some(1.5), ..default() }, "ld_alpha must be in [0, 1], got 1.5"),
        (
            DpoConfig { discopop_tau: 0.0, ..default() },
            "discopop_tau must be finite and greater than 0, got 0",
        ),
        (
            DpoConfig { simpo_gamma: -1.0, ..default() },
            "simpo_gamma must be finite and at least 0, got -1",
        ),
        (
            DpoConfig { f_alpha_divergence_coef: f64::INFINITY, ..default() },
            "f_alpha_divergence_coef must be finite (and not 0 under trl-0.15), got inf",
        ),
        (
            DpoConfig { loss_type: vec![], ..default() },
            "loss_type must name at least one loss, got none",
        ),
        (
            DpoConfig { loss_weights: Some(vec![1.0, 2.0]), ..default() },
            "loss_weights must be as many as loss types, 1, got 2",
        ),
        (
            DpoConfig { loss_weights: Some(vec![f64::NAN]), ..default() },
            "loss_weights must be finite, got NaN",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(error(&config), expected);
    }
}

#[test]
fn what_contradicts_each_other_is_refused() {
    let exo = DpoConfig { loss_type: vec![LossType::ExoPair], ..DpoConfig::default() };
    assert_eq!(exo.init().map(|_| ()), Err(DpoConfigError::Exo));
    assert!(DpoConfig { semantics: Semantics::Trl015, ..exo }.init().is_ok());

    let divergent = DpoConfig {
        f_divergence_type: FDivergence::ForwardKl,
        loss_type: vec![LossType::Sigmoid, LossType::ApoZero],
        ..DpoConfig::default()
    };
    assert_eq!(divergent.init().map(|_| ()), Err(DpoConfigError::Divergence(LossType::ApoZero)));

    let simpo =
        |other| DpoConfig { loss_type: vec![LossType::Simpo, other], ..DpoConfig::default() };
    assert!(simpo(LossType::Sft).init().is_ok());
    assert_eq!(simpo(LossType::Ipo).init().map(|_| ()), Err(DpoConfigError::Simpo(LossType::Ipo)));

    let weighed =
        DpoConfig { use_weighting: true, loss_type: vec![LossType::Sft], ..DpoConfig::default() };
    assert_eq!(weighed.init().map(|_| ()), Err(DpoConfigError::Weighting));
}

#[test]
fn missing_keys_take_the_defaults_of_trl_and_unknown_ones_are_errors() {
    let parse = serde_json::from_str::<DpoConfig>;
    let config = parse("{}").expect("defaults");
    assert_eq!(config, DpoConfig::default());
    assert_eq!(
        (config.beta, config.label_smoothing, config.f_alpha_divergence_coef),
        (0.1, 0.0, 0.5)
    );
    assert_eq!((config.semantics, config.loss_type), (Semantics::Trl116, vec![LossType::Sigmoid]));
    let message = parse(r#"{"betta": 0.1}"#).expect_err("a typo").to_string();
    assert!(message.contains("unknown field `betta`"), "{message}");
    let message = parse(r#"{"semantics": "trl-1.17"}"#).expect_err("no such version").to_string();
    assert!(
        message.contains("expected one of `trl-1.16`, `trl-0.15`, `llama-factory`"),
        "{message}"
    );
}

#[test]
fn a_loss_type_is_a_name_or_a_list_of_names() {
    let parse = serde_json::from_str::<DpoConfig>;
    let of = |json| parse(json).map(|config| config.loss_type);
    assert_eq!(of(r#"{"loss_type": "ipo"}"#).expect("a name"), [LossType::Ipo]);
    let list = of(r#"{"loss_type": ["sigmoid", "sft"]}"#).expect("a list");
    assert_eq!(list, [LossType::Sigmoid, LossType::Sft]);
    let message = of(r#"{"loss_type": "sigmoidal"}"#).expect_err("no such loss").to_string();
    assert!(
        message.contains("unknown variant `sigmoidal`, expected one of `sigmoid`, `hinge`"),
        "{message}"
    );
    let message = of(r#"{"loss_type": 3}"#).expect_err("a number").to_string();
    assert!(message.contains("expected a loss type or a list of loss types"), "{message}");
}

#[test]
fn a_config_reads_back_what_it_writes() {
    let config = DpoConfig {
        loss_type: vec![LossType::Sigmoid, LossType::BcoPair],
        loss_weights: Some(vec![0.8, 0.2]),
        ld_alpha: Some(0.5),
        ..DpoConfig::default()
    };
    let json = serde_json::to_string(&config).expect("plain data");
    assert_eq!(serde_json::from_str::<DpoConfig>(&json).expect("read back"), config);
}
