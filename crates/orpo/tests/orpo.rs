//! The loss against TRL, closed forms and finite differences; its invariances, extremes and refused configs.

use burn::tensor::{Device, Tensor};
use forethought_objective::{
    LossOutput, PairLengths, PreferenceBatch, PreferenceLoss, PreferenceTotals,
};
use forethought_orpo::{OrpoConfig, OrpoLoss, Semantics};
use proptest::prelude::*;
use serde::Deserialize;

/// What TRL computed; `make.py` beside it says how.
#[derive(Deserialize)]
struct Golden {
    chosen: Vec<usize>,
    rejected: Vec<usize>,
    log_probs: Vec<f32>,
    prompt_log_probs: Vec<f32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    beta: f64,
    loss: f32,
    metrics: serde_json::Map<String, serde_json::Value>,
    gradient: Vec<f32>,
    prompt_gradient: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Sample {
    pairs: Vec<PairLengths>,
    log_probs: Vec<f32>,
    prompt_log_probs: Vec<f32>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("trl-1.16.0.json")).expect("the golden file parses")
}

fn sample() -> Sample {
    let golden = golden();
    let lengths = golden.chosen.into_iter().zip(golden.rejected);
    Sample {
        pairs: lengths.map(|(chosen, rejected)| PairLengths { chosen, rejected }).collect(),
        log_probs: golden.log_probs,
        prompt_log_probs: golden.prompt_log_probs,
    }
}

/// One pair of single tokens, without a prompt.
fn single(chosen: f32, rejected: f32) -> Sample {
    let pairs = vec![PairLengths { chosen: 1, rejected: 1 }];
    Sample { pairs, log_probs: vec![chosen, rejected], prompt_log_probs: vec![] }
}

fn tensor(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

fn init(semantics: Semantics, beta: f64) -> OrpoLoss {
    OrpoConfig { semantics, beta }.init().expect("parameters are in range")
}

fn value(output: LossOutput) -> f32 {
    output.loss.into_scalar()
}

fn metric(output: &LossOutput, name: &str) -> f32 {
    let found = output.metrics.iter().find(|(metric, _)| *metric == name);
    found.unwrap_or_else(|| panic!("no metric {name}")).1.clone().into_scalar()
}

#[track_caller]
fn assert_close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    let allowed = tolerance * expected.abs().max(0.1);
    assert!((actual - expected).abs() <= allowed, "{what}: {actual} is not {expected}");
}

impl Sample {
    fn batch(&self, log_probs: Tensor<1>, prompt: Tensor<1>) -> PreferenceBatch {
        let totals = PreferenceTotals::of(&[&self.pairs]);
        PreferenceBatch::new(log_probs, self.pairs.clone(), totals)
            .with_prompt_log_probs(prompt, self.prompt_log_probs.len())
    }

    fn forward(&self, loss: &OrpoLoss) -> LossOutput {
        loss.forward(self.batch(tensor(&self.log_probs), tensor(&self.prompt_log_probs)))
    }

    /// Of the completions and of the prompts.
    fn gradients(&self, loss: &OrpoLoss) -> [Vec<f32>; 2] {
        let device = Device::flex().autodiff();
        let leaves = [&self.log_probs, &self.prompt_log_probs]
            .map(|values| Tensor::<1>::from_floats(values.as_slice(), &device).require_grad());
        let [completions, prompts] = leaves.clone();
        let gradients = loss.forward(self.batch(completions, prompts)).loss.backward();
        leaves.map(|leaf| {
            let gradient = leaf.grad(&gradients).unwrap_or_else(|| leaf.zeros_like().inner());
            gradient.into_data().try_to_vec().expect("single precision")
        })
    }
}

#[test]
fn losses_metrics_and_gradients_are_those_of_trl() {
    let golden = golden();
    for case in &golden.cases {
        for semantics in [Semantics::Trl116, Semantics::Trl015] {
            let loss = init(semantics, case.beta);
            let what = format!("beta {} under {semantics:?}", case.beta);
            let output = sample().forward(&loss);
            assert_close(output.loss.clone().into_scalar(), case.loss, 1e-5, &what);
            assert_eq!(output.metrics.len(), case.metrics.len() + 1, "and skipped_pairs");
            for (name, expected) in &case.metrics {
                #[allow(clippy::cast_possible_truncation, reason = "it was written as an f32")]
                let expected = expected.as_f64().expect("a number") as f32;
                assert_close(metric(&output, name), expected, 1e-5, &format!("{what} {name}"));
            }
            let [completions, prompts] = sample().gradients(&loss);
            let expected = case.gradient.iter().chain(&case.prompt_gradient);
            for (actual, expected) in completions.iter().chain(&prompts).zip(expected) {
                assert_close(*actual, *expected, 1e-4, &what);
            }
        }
    }
}

/* Python, float64:
from math import exp, log, log1p
chosen, rejected, beta = -0.2, -1.5, 0.5
log_odds = chosen - rejected - (log(1 - exp(chosen)) - log(1 - exp(rejected)))
ratio = log1p(exp(-log_odds))
print(ratio, -chosen + beta * ratio)  # 0.061650558955674804 0.2308252794778374
*/
#[test]
fn a_pair_of_single_tokens_costs_the_closed_form() {
    let output = single(-0.2, -1.5).forward(&init(Semantics::LlamaFactory, 0.5));
    assert_close(metric(&output, "odds_ratio_loss"), 0.061_650_56, 1e-5, "odds ratio");
    assert_close(metric(&output, "sft_loss"), 0.2, 1e-6, "likelihood");
    assert_close(value(output), 0.230_825_28, 1e-5, "loss");
}

/// Means of completions are -1.5 and -3; with two prompt tokens of -1 the mean over all tokens is -8 / 5.
#[test]
fn the_likelihoods_of_trl_and_llama_factory_are_different_numbers() {
    let sample = Sample {
        pairs: vec![PairLengths { chosen: 2, rejected: 1 }, PairLengths { chosen: 1, rejected: 1 }],
        log_probs: vec![-1.0, -2.0, -3.0, -1.0, -1.0],
        prompt_log_probs: vec![-1.0, -1.0],
    };
    let [trl, llama_factory] = [Semantics::Trl116, Semantics::LlamaFactory]
        .map(|semantics| sample.forward(&init(semantics, 0.1)));
    assert_close(metric(&trl, "nll_loss"), 1.6, 1e-6, "trl");
    assert_close(metric(&llama_factory, "sft_loss"), 2.25, 1e-6, "llama-factory");
    let difference = value(llama_factory) - value(trl);
    assert_close(difference, 2.25 - 1.6, 1e-5, "the odds ratio is the same");
    assert!(init(Semantics::Trl116, 0.1).needs_prompt());
    assert!(!init(Semantics::LlamaFactory, 0.1).needs_prompt());
}

#[test]
fn gradients_are_finite_differences() {
    const STEP: f32 = 1e-2;
    for semantics in [Semantics::Trl116, Semantics::LlamaFactory] {
        let loss = init(semantics, 0.7);
        let [gradient, _] = sample().gradients(&loss);
        for (token, actual) in gradient.into_iter().enumerate() {
            let value_at = |step: f32| {
                let mut moved = sample();
                moved.log_probs[token] += step;
                value(moved.forward(&loss))
            };
            let slope = (value_at(STEP) - value_at(-STEP)) / (2.0 * STEP);
            assert!((actual - slope).abs() < 1e-3, "{semantics:?} {token}: {actual} {slope}");
        }
    }
}

/// Both forms of `log(1 - e^x)` meet at -log 2.
#[test]
fn the_odds_have_no_step_where_their_formula_changes() {
    let odds = |chosen| {
        let output = single(chosen, -1.0).forward(&init(Semantics::Trl116, 1.0));
        metric(&output, "log_odds_chosen")
    };
    let (below, above) =
        (odds(-std::f32::consts::LN_2 - 1e-6), odds(-std::f32::consts::LN_2 + 1e-6));
    assert!((above - below).abs() < 1e-5, "{below} {above}");
}

/* Python, float64:
from math import expm1, log
for x in (-1e-6, -1e-3, -60.0): print(x - log(-expm1(x)) - (-1.0 - log(-expm1(-1.0))))
# 14.356834912577153, 7.448580091928388, -59.45867514538708
*/
#[test]
fn odds_of_nearly_certain_and_nearly_impossible_completions_keep_their_digits() {
    for (chosen, expected) in [(-1e-6, 14.356_835), (-1e-3, 7.448_58), (-60.0, -59.458_675)] {
        let output = single(chosen, -1.0).forward(&init(Semantics::Trl116, 1.0));
        assert_close(metric(&output, "log_odds_chosen"), expected, 2e-6, &chosen.to_string());
    }
}

#[test]
fn certain_and_impossible_completions_give_finite_losses_and_gradients() {
    for (chosen, rejected) in
        [(0.0, -1.0), (-1.0, 0.0), (0.0, 0.0), (-1e4, 0.0), (0.0, -1e4), (-1e4, -1e4)]
    {
        for semantics in [Semantics::Trl116, Semantics::LlamaFactory] {
            let (sample, loss) = (single(chosen, rejected), init(semantics, 0.1));
            let what = format!("{chosen} against {rejected}");
            assert!(value(sample.forward(&loss)).is_finite(), "{what}");
            let [gradient, _] = sample.gradients(&loss);
            assert!(gradient.iter().all(|value| value.is_finite()), "{what}: {gradient:?}");
        }
    }
}

#[test]
fn a_pair_of_equal_sides_has_even_odds() {
    let output = single(-0.7, -0.7).forward(&init(Semantics::LlamaFactory, 0.5));
    assert_close(value(output), 0.7 + 0.5 * 2f32.ln(), 1e-6, "log 2");
}

#[test]
fn pairs_that_hold_an_infinity_or_nan_or_nothing_are_left_out_and_counted() {
    for semantics in [Semantics::Trl116, Semantics::LlamaFactory] {
        let loss = init(semantics, 0.5);
        for bad in [f32::NEG_INFINITY, f32::NAN] {
            let mut sample = sample();
            sample.log_probs[4] = bad; // the chosen token of the second pair
            let output = sample.forward(&loss);
            assert_close(metric(&output, "skipped_pairs"), 1.0, 0.0, "skipped");
            assert!(value(output).is_finite());
            let [gradient, prompts] = sample.gradients(&loss);
            assert!(gradient.iter().chain(&prompts).all(|value| value.is_finite()));
            assert_eq!(gradient[4..5], [0.0]);
        }
        let mut empty = single(-1.0, -2.0);
        empty.pairs[0].rejected = 0;
        empty.log_probs.pop();
        let output = empty.forward(&loss);
        assert_close(metric(&output, "skipped_pairs"), 1.0, 0.0, "an empty side");
        assert_close(value(output), 0.0, 0.0, "nothing is left");
    }
}

#[test]
fn a_prompt_token_that_is_not_finite_counts_as_0() {
    let loss = init(Semantics::Trl116, 0.5);
    let (mut zero, mut bad) = (sample(), sample());
    zero.prompt_log_probs[1] = 0.0;
    bad.prompt_log_probs[1] = f32::NEG_INFINITY;
    assert_close(value(bad.forward(&loss)), value(zero.forward(&loss)), 0.0, "replaced");
}

#[test]
fn a_micro_batch_without_pairs_adds_nothing() {
    let totals = PreferenceTotals { num_pairs: 2, num_chosen_tokens: 5 };
    let batch = PreferenceBatch::new(tensor(&[]), vec![], totals);
    let output = init(Semantics::Trl116, 0.1).forward(batch);
    assert!(output.metrics.is_empty());
    assert_close(value(output), 0.0, 0.0, "nothing");
}

#[test]
#[should_panic(expected = "the likelihood of TRL needs prompt_log_probs, but the batch has none")]
fn a_missing_prompt_is_named() {
    let sample = sample();
    let totals = PreferenceTotals::of(&[&sample.pairs]);
    let batch = PreferenceBatch::new(tensor(&sample.log_probs), sample.pairs, totals);
    let _ = init(Semantics::Trl116, 0.1).forward(batch);
}

#[test]
fn configs_are_checked_and_default_to_those_of_trl() {
    let parse = serde_json::from_str::<OrpoConfig>;
    assert_eq!(
        parse("{}").expect("defaults"),
        OrpoConfig { semantics: Semantics::Trl116, beta: 0.1 }
    );
    let message = parse(r#"{"lambda": 0.1}"#).expect_err("the paper's name").to_string();
    assert!(message.contains("unknown field `lambda`"), "{message}");
    for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = OrpoConfig { beta, ..OrpoConfig::default() };
        let message = config.init().map(|_| ()).expect_err("refused").to_string();
        assert_eq!(message, format!("beta must be finite and greater than 0, got {beta}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However a step is cut into micro-batches, their losses add up to the loss of the step.
    #[test]
    fn micro_batches_add_up(beta in 0.05f64..2.0, is_trl in any::<bool>()) {
        let loss = init(if is_trl { Semantics::Trl116 } else { Semantics::LlamaFactory }, beta);
        let whole = sample();
        let totals = PreferenceTotals::of(&[&whole.pairs]);
        // The first pair has 4 of 8 chosen tokens, 2 of 10 rejected ones, and 2 of 6 prompt tokens.
        let part = |pairs: &[PairLengths], tokens: Vec<f32>, prompt: &[f32]| {
            let batch = PreferenceBatch::new(tensor(&tokens), pairs.to_vec(), totals)
                .with_prompt_log_probs(tensor(prompt), whole.prompt_log_probs.len());
            value(loss.forward(batch))
        };
        let tokens = |chosen: std::ops::Range<usize>, rejected: std::ops::Range<usize>| {
            [&whole.log_probs[chosen], &whole.log_probs[rejected]].concat()
        };
        let first = part(&whole.pairs[..1], tokens(0..4, 8..10), &whole.prompt_log_probs[..2]);
        let second = part(&whole.pairs[1..], tokens(4..8, 10..18), &whole.prompt_log_probs[2..]);
        let expected = value(whole.forward(&loss));
        prop_assert!((first + second - expected).abs() < 1e-5);
    }

    /// Swapped sides have the opposite odds.
    #[test]
    fn swapping_a_pair_negates_its_log_odds(chosen in -8f32..-0.01, rejected in -8f32..-0.01) {
        let odds = |chosen, rejected| {
            let output = single(chosen, rejected).forward(&init(Semantics::Trl116, 1.0));
            metric(&output, "log_odds_chosen")
        };
        prop_assert!((odds(chosen, rejected) + odds(rejected, chosen)).abs() < 1e-5);
    }

    /// A more probable chosen completion costs less.
    #[test]
    fn the_loss_falls_with_the_chosen_side(
        chosen in -8f32..-0.2,
        rejected in -8f32..-0.01,
        more in 0.05f32..0.19,
    ) {
        let loss = |chosen| value(single(chosen, rejected).forward(&init(Semantics::LlamaFactory, 1.0)));
        prop_assert!(loss(chosen + more) < loss(chosen));
    }
}
