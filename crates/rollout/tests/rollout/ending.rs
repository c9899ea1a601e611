//! When a completion ends, and what may not end it.

use burn::tensor::Device;
use forethought_model::load_adapter;
use forethought_rollout::{
    Completion, Given, Request, RolloutError, Sampling, StopCheck, generate, given_log_probs,
};
use forethought_seed::Seed;

use crate::{fixtures_of_model, ids, model};

fn greedy(max_new_tokens: usize) -> Sampling {
    Sampling { temperature: 0.0, max_new_tokens, ..Sampling::default() }
}

fn complete(sampling: &Sampling, request: &Request<'_>) -> Result<Vec<Completion>, RolloutError> {
    generate(&model(), sampling, request, &mut |_| {})
}

#[test]
fn an_ending_token_that_comes_first_is_the_whole_completion() {
    let prompts = ids("ids");
    let first = ids("greedy")[0][0];
    let request = Request { eos_ids: &[first], ..Request::new(&prompts[..1], Seed::new(0)) };
    let completion = &complete(&greedy(16), &request).expect("valid")[0];
    assert_eq!((completion.ids.as_slice(), completion.is_finished), (&[first][..], true));
    // One token is all there may be, and this one ends it, too.
    assert_eq!(complete(&greedy(1), &request).expect("valid")[0], *completion);
}

#[test]
fn no_ending_token_is_drawn_before_the_least_length_and_any_after() {
    let prompts = ids("ids");
    let whole = &ids("greedy")[0];
    // The second token would end it; 5,000 is an id that a config names and the model does not have.
    let eos_ids = [whole[1], 5000];
    let request = Request { eos_ids: &eos_ids, ..Request::new(&prompts[..1], Seed::new(0)) };
    let with = |min_new_tokens| {
        let sampling = Sampling { min_new_tokens, ..greedy(16) };
        complete(&sampling, &request).expect("valid").remove(0)
    };
    assert_eq!(with(1).ids, whole[..2]);
    let later = with(3);
    assert_eq!(later.ids[0], whole[0]);
    assert!(!later.ids[..3].contains(&whole[1]), "{:?}", later.ids);
    // The ban is for drawing: what is recorded is the probability under the model.
    let sequence = [prompts[0].as_slice(), &later.ids].concat();
    let given = [Given { ids: &sequence, start: prompts[0].len() }];
    let again = given_log_probs(&model(), &given, 1.0).expect("valid");
    for (left, right) in later.log_probs.iter().zip(&again[0]) {
        assert!((left - right).abs() < 1e-4, "{left} is not {right}");
    }
}

#[test]
fn a_vocabulary_of_ending_tokens_cannot_go_on() {
    let prompts = ids("ids");
    let every: Vec<u32> = (0..1024).collect();
    let request = Request { eos_ids: &every, ..Request::new(&prompts, Seed::new(0)) };
    let sampling = Sampling { min_new_tokens: 1, ..greedy(2) };
    assert_eq!(complete(&sampling, &request), Err(RolloutError::EndsAlways));
    assert!(complete(&greedy(2), &request).expect("valid").iter().all(|one| one.ids.len() == 1));
}

#[test]
fn a_stop_check_ends_a_completion_with_the_token_it_was_asked_about() {
    let prompts = ids("ids");
    let whole = ids("greedy");
    let sampling = Sampling { stop_strings: vec!["end".to_owned()], ..greedy(16) };
    let check = |so_far: &[u32]| Ok(so_far.len() == 5);
    let request = Request { stop: Some(StopCheck(&check)), ..Request::new(&prompts, Seed::new(0)) };
    for (completion, whole) in complete(&sampling, &request).expect("valid").iter().zip(&whole) {
        assert_eq!((completion.ids.as_slice(), completion.is_finished), (&whole[..5], true));
    }
    // Without stop strings nobody asks.
    let completions = complete(&greedy(16), &request).expect("valid");
    assert!(completions.iter().all(|one| one.ids.len() == 16 && !one.is_finished));

    let without = complete(&sampling, &Request { stop: None, ..request });
    assert_eq!(without, Err(RolloutError::NoStopCheck));
    let failing = |_: &[u32]| Err("why".to_owned());
    let failed = complete(&sampling, &Request { stop: Some(StopCheck(&failing)), ..request });
    let text = failed.expect_err("the check fails").to_string();
    assert_eq!(text, "the search for stop strings failed: why");
}

#[test]
fn a_prompt_of_one_token_and_a_context_filled_to_its_end_are_completed() {
    let one = vec![vec![7]];
    let completions = complete(&greedy(3), &Request::new(&one, Seed::new(0))).expect("valid");
    assert_eq!(completions[0].ids.len(), 3);
    let full = vec![vec![7; 509]];
    let completions = complete(&greedy(3), &Request::new(&full, Seed::new(0))).expect("valid");
    assert_eq!(completions[0].ids.len(), 3);
}

#[test]
fn a_divided_request_draws_what_the_whole_one_draws() {
    let prompts = ids("ids");
    let sampling = Sampling { max_new_tokens: 8, top_k: 2000, ..Sampling::default() };
    let request = Request { samples_per_prompt: 2, ..Request::new(&prompts, Seed::new(3)) };
    let whole = complete(&sampling, &request).expect("valid");
    let rest = Request { prompts: &prompts[1..], first_prompt: 1, ..request };
    let rest = complete(&sampling, &rest).expect("valid");
    let tokens = |all: &[Completion]| all.iter().map(|one| one.ids.clone()).collect::<Vec<_>>();
    assert_eq!(tokens(&whole[2..]), tokens(&rest));
    assert_eq!(rest[0].prompt_index, 0);
}

#[test]
fn an_adapter_takes_part_as_if_it_were_merged() {
    let (prompts, base) = (ids("ids"), ids("greedy"));
    let dir = fixtures_of_model().join("adapters/lora");
    let adapted = load_adapter(model(), &dir, &Device::flex()).expect("it fits");
    let request = Request::new(&prompts, Seed::new(0));
    let with = |model| generate(model, &greedy(16), &request, &mut |_| {}).expect("valid");
    let (live, merged) = (with(&adapted), with(&adapted.clone().merge()));
    for (live, merged) in live.iter().zip(&merged) {
        assert_eq!(live.ids, merged.ids);
    }
    assert_ne!(live.iter().map(|one| one.ids.clone()).collect::<Vec<_>>(), base);
}

#[test]
fn given_tokens_have_their_log_probabilities_packed_or_alone() {
    let prompts = ids("ids");
    let given = |start| prompts.iter().map(move |ids| Given { ids, start }).collect::<Vec<_>>();
    let all = given_log_probs(&model(), &given(0), 0.7).expect("valid");
    for (index, sequence) in prompts.iter().enumerate() {
        assert_eq!(all[index].len(), sequence.len() - 1);
        let alone = given_log_probs(&model(), &given(4)[index..=index], 0.7).expect("valid");
        for (left, right) in all[index][3..].iter().zip(&alone[0]) {
            assert!((left - right).abs() < 1e-5, "{left} is not {right}");
        }
        assert_eq!(alone[0].len(), sequence.len() - 4);
    }
    let single = [Given { ids: &[5], start: 9 }];
    assert_eq!(given_log_probs(&model(), &single, 1.0), Ok(vec![vec![]]));
    assert_eq!(given_log_probs(&model(), &[], 1.0), Ok(vec![]));
    let error = |ids: &[u32]| {
        let all = [Given { ids: &[1], start: 1 }, Given { ids, start: 1 }];
        given_log_probs(&model(), &all, 1.0).expect_err("it is wrong").to_string()
    };
    assert_eq!(error(&[]), "sequence 1 is empty");
    assert_eq!(error(&[1024]), "sequence 1 has token id 1024, the model's vocabulary has 1024");
    assert_eq!(
        error(&[1; 513]),
        "sequence 1 has 513 tokens, more than the model's 512 positions (max_position_embeddings)"
    );
}

/// More sequences than one forward pass takes.
#[test]
fn many_given_sequences_are_scored_in_the_order_they_came_in() {
    let sequences: Vec<Vec<u32>> = (0..40).map(|first| vec![first % 7; 300]).collect();
    let given: Vec<Given<'_>> = sequences.iter().map(|ids| Given { ids, start: 290 }).collect();
    let all = given_log_probs(&model(), &given, 1.0).expect("valid");
    assert_eq!(all.len(), 40);
    for (index, log_probs) in all.iter().enumerate() {
        assert_eq!(log_probs.len(), 10);
        for (left, right) in log_probs.iter().zip(&all[index % 7]) {
            assert!((left - right).abs() < 1e-5, "{left} is not {right}");
        }
    }
}
