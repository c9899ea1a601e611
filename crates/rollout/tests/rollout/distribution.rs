//! Which tokens may come next, with which probability, and how often they do.

use forethought_model::pack;
use forethought_rollout::{Candidate, Past, Request, Sampling, distribution, generate};
use forethought_seed::Seed;
use safetensors::SafeTensors;

use crate::{fixture, ids, model};

fn sampling() -> Sampling {
    Sampling {
        temperature: 0.7,
        top_k: 20,
        top_p: 0.8,
        repetition_penalty: 1.05,
        max_new_tokens: 1,
        ..Sampling::default()
    }
}

fn seen(prompt: &[u32]) -> Past<'_> {
    Past { seen: prompt, banned: &[] }
}

/// Draws of each prompt in the frequency test.
const NUM_DRAWS: usize = 6_000;

/// Logits after the last token of a prompt.
fn last_logits(prompt: &[u32]) -> Vec<f32> {
    let model = model();
    let hidden = model.forward(&pack(&[prompt]).tokens, None).narrow(0, prompt.len() - 1, 1);
    model.logits(hidden).into_data().try_to_vec().expect("32-bit floats")
}

fn expected(name: &str) -> Vec<f32> {
    let bytes = fixture("sampling.safetensors");
    let file = SafeTensors::deserialize(&bytes).expect("the fixture is valid");
    let tensor = file.tensor(name).expect("the tensor is there");
    let fours = tensor.data().chunks_exact(4);
    fours.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

/// Every token that has a probability there has it here, and no other token has one.
fn assert_equal(candidates: &[Candidate], expected: &[f32]) {
    let ids: Vec<u32> = candidates.iter().map(|candidate| candidate.id).collect();
    let kept = expected.iter().zip(0..).filter(|(probability, _)| 0.0 < **probability);
    assert_eq!(ids, kept.map(|(_, id)| id).collect::<Vec<u32>>());
    for Candidate { id, probability } in candidates {
        let expected = f64::from(expected[*id as usize]);
        assert!((probability - expected).abs() < 2e-6, "{id}: {probability} is not {expected}");
    }
}

#[test]
fn penalty_temperature_top_k_and_top_p_equal_transformers() {
    for (i, prompt) in ids("ids").iter().enumerate() {
        let logits = last_logits(prompt);
        let top_k = Sampling { top_p: 1.0, ..sampling() };
        assert_equal(
            &distribution(&logits, seen(prompt), &top_k),
            &expected(&format!("sample.{i}.probs_topk")),
        );
        assert_equal(
            &distribution(&logits, seen(prompt), &sampling()),
            &expected(&format!("sample.{i}.probs")),
        );
    }
}

#[test]
fn after_the_penalty_nothing_is_left_of_the_prompt() {
    for (i, prompt) in ids("ids").iter().enumerate() {
        let penalised = expected(&format!("sample.{i}.after_rep"));
        let without = Sampling { repetition_penalty: 1.0, ..sampling() };
        let once = distribution(&penalised, seen(prompt), &without);
        assert_equal(&once, &expected(&format!("sample.{i}.probs")));
    }
}

/// `filters.json`: min-p alone, and every filter in transformers' order.
#[test]
fn min_p_and_all_filters_together_equal_transformers() {
    let golden: serde_json::Value =
        serde_json::from_slice(&fixture("filters.json")).expect("the fixture is JSON");
    let min_p = Sampling { temperature: 0.7, min_p: 0.3, ..Sampling::default() };
    let all = Sampling {
        repetition_penalty: 1.3,
        temperature: 1.5,
        top_k: 30,
        top_p: 0.9,
        min_p: 0.55,
        ..Sampling::default()
    };
    for (chain, (sampling, banned)) in [(&min_p, &[][..]), (&all, &[482, 660])].iter().enumerate() {
        let chain = &golden["chains"][chain];
        for (i, prompt) in ids("ids").iter().enumerate() {
            let past = Past { seen: prompt, banned };
            let candidates = distribution(&last_logits(prompt), past, sampling);
            let row = &chain["rows"][i];
            let kept: Vec<u32> = candidates.iter().map(|candidate| candidate.id).collect();
            assert_eq!(serde_json::json!(kept), row["ids"], "{} {i}", chain["name"]);
            for (candidate, expected) in candidates.iter().zip(row["probs"].as_array().unwrap()) {
                let expected = expected.as_f64().expect("a number");
                // Logits that differ by 1e-5, which is rounding, differ by 1.4e-5 of a probability at a temperature of 0.7.
                let error = (candidate.probability - expected).abs();
                assert!(error < 2e-5 * expected, "{candidate:?}, not {expected}");
            }
        }
    }
}

/// Hundreds of tokens hold 0.9 of a flat distribution.
#[test]
fn top_p_alone_equals_transformers_for_a_wide_nucleus() {
    let top_p = Sampling { top_p: 0.9, ..Sampling::default() };
    for (i, prompt) in ids("ids").iter().enumerate() {
        let expected = expected(&format!("sample.{i}.top_p_0.9_only"));
        assert!(300 < expected.iter().filter(|probability| 0.0 < **probability).count());
        assert_equal(&distribution(&last_logits(prompt), seen(prompt), &top_p), &expected);
    }
}

/// Pearson's statistic of 6,000 draws stays below the 99.9 % quantile of its distribution: the draws have the
/// probabilities that they should have.
#[test]
fn tokens_come_as_often_as_their_probability_says() {
    // 99.9 % quantiles of chi-square with 9 to 11 degrees of freedom.
    let quantile = |freedom| [27.88, 29.59, 31.26][freedom - 9];
    let prompts = ids("ids");
    let request =
        Request { samples_per_prompt: NUM_DRAWS, ..Request::new(&prompts, Seed::new(11)) };
    let completions =
        generate(&model(), &sampling(), &request, &mut |_| {}).expect("a valid request");
    for (i, prompt) in prompts.iter().enumerate() {
        let candidates = distribution(&last_logits(prompt), seen(prompt), &sampling());
        let drawn: Vec<u32> =
            completions.iter().filter(|one| one.prompt_index == i).map(|one| one.ids[0]).collect();
        assert_eq!(drawn.len(), NUM_DRAWS);
        let mut statistic = 0.0;
        let mut counted = 0;
        for Candidate { id, probability } in &candidates {
            let observed = drawn.iter().filter(|other| *other == id).count();
            let expected = NUM_DRAWS as f64 * probability;
            statistic += (observed as f64 - expected).powi(2) / expected;
            counted += observed;
        }
        assert_eq!(counted, NUM_DRAWS, "no token outside the nucleus was drawn");
        let limit = quantile(candidates.len() - 1);
        assert!(statistic < limit, "prompt {i}: {statistic} is not below {limit}");
        assert!(0.5 < statistic, "prompt {i}: {statistic} is too regular for independent draws");
    }
}
