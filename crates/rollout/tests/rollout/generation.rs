//! Whole completions.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use forethought_model::{Decoder, DecoderConfig, pack};
use forethought_rollout::{Completion, Progress, Request, RolloutError, Sampling, generate};
use forethought_seed::Seed;
use rayon::ThreadPoolBuilder;

use crate::{ids, model};

fn greedy() -> Sampling {
    Sampling { temperature: 0.0, max_new_tokens: 16, ..Sampling::default() }
}

fn warm() -> Sampling {
    Sampling { temperature: 0.9, top_p: 0.95, max_new_tokens: 12, ..Sampling::default() }
}

fn complete(sampling: &Sampling, request: &Request<'_>) -> Vec<Completion> {
    generate(&model(), sampling, request, &mut |_| {}).expect("a valid request")
}

fn token_ids(completions: &[Completion]) -> Vec<&[u32]> {
    completions.iter().map(|completion| completion.ids.as_slice()).collect()
}

/// Log-probabilities that may differ by rounding alone.
#[track_caller]
fn assert_close(left: &[Completion], right: &[Completion], tolerance: f32) {
    for (left, right) in left.iter().zip(right) {
        for (left, right) in left.log_probs.iter().zip(&right.log_probs) {
            assert!((left - right).abs() <= tolerance, "{left} is not {right}");
        }
    }
}

#[test]
fn greedy_tokens_equal_transformers() {
    let prompts = ids("ids");
    let request = Request::new(&prompts, Seed::new(0));
    assert_eq!(token_ids(&complete(&greedy(), &request)), ids("greedy"));
    let penalised = Sampling { repetition_penalty: 1.05, ..greedy() };
    assert_eq!(token_ids(&complete(&penalised, &request)), ids("greedy_rep1.05"));
}

#[test]
fn a_strong_penalty_keeps_tokens_of_prompt_and_completion_from_coming_again() {
    let prompts = ids("ids");
    let sampling = Sampling { repetition_penalty: 1000.0, ..greedy() };
    for completion in complete(&sampling, &Request::new(&prompts, Seed::new(0))) {
        let mut seen = prompts[completion.prompt_index].clone();
        for id in &completion.ids {
            assert!(!seen.contains(id), "{id} comes again");
            seen.push(*id);
        }
    }
    // Without the penalty a token does come twice in a row.
    assert!(ids("greedy")[0].windows(2).any(|pair| pair[0] == pair[1]));
}

#[test]
fn a_completion_does_not_depend_on_what_is_completed_beside_it() {
    let prompts = ids("ids");
    let request =
        Request { samples_per_prompt: 3, step: 4, ..Request::new(&prompts, Seed::new(2)) };
    let together = complete(&warm(), &request);
    let chunked = complete(&warm(), &Request { max_cached_tokens: 1, ..request });
    assert_eq!(token_ids(&together), token_ids(&chunked));
    assert_close(&together, &chunked, 1e-5);
    let first = complete(&warm(), &Request { prompts: &prompts[..1], ..request });
    assert_eq!(token_ids(&together[..3]), token_ids(&first));
    assert_close(&together, &first, 1e-5);
    let places: Vec<_> = together.iter().map(|one| (one.prompt_index, one.sample_index)).collect();
    let expected: Vec<_> =
        (0..3).flat_map(|prompt| (0..3).map(move |sample| (prompt, sample))).collect();
    assert_eq!(places, expected);
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let prompts = ids("ids");
    let request = Request { samples_per_prompt: 4, ..Request::new(&prompts, Seed::new(2)) };
    let with = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| complete(&warm(), &request))
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn samples_steps_and_seeds_draw_differently_and_repeat() {
    let prompts = [ids("ids")[0].clone()];
    let request = Request { samples_per_prompt: 2, ..Request::new(&prompts, Seed::new(2)) };
    let base = complete(&warm(), &request);
    assert_eq!(base, complete(&warm(), &request));
    assert_ne!(base[0].ids, base[1].ids);
    assert_ne!(base[0].ids, complete(&warm(), &Request { step: 1, ..request })[0].ids);
    assert_ne!(base[0].ids, complete(&warm(), &Request { seed: Seed::new(3), ..request })[0].ids);
}

/// Log-probabilities of a completion as a loss computes them: packed with its siblings, on the tracked model.
fn rescored(
    model: &Decoder,
    prompts: &[Vec<u32>],
    all: &[Completion],
    temperature: f64,
) -> Vec<f32> {
    let sequences: Vec<Vec<u32>> =
        all.iter().map(|one| [prompts[one.prompt_index].as_slice(), &one.ids].concat()).collect();
    let packed = pack(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let (mut before, mut targets) = (Vec::new(), Vec::new());
    for (completion, row) in all.iter().zip(&packed.rows) {
        let start = prompts[completion.prompt_index].len();
        for (index, id) in completion.ids.iter().enumerate() {
            before.push(i64::try_from(row[start + index - 1]).expect("small"));
            targets.push(i64::from(*id));
        }
    }
    let device = model.device();
    let tensor = |values: Vec<i64>| {
        let length = values.len();
        Tensor::<1, Int>::from_data(TensorData::new(values, [length]), &device)
    };
    let hidden = model.forward(&packed.tokens, None).select(0, tensor(before));
    let scores = model.score(hidden, tensor(targets), temperature);
    scores.log_probs.into_data().try_to_vec().expect("32-bit floats")
}

#[test]
fn log_probabilities_are_those_that_a_loss_recomputes() {
    let prompts = ids("ids");
    let tracked = model().train();
    for temperature in [0.0, 0.7, 1.0, 1.3] {
        let sampling = Sampling { temperature, top_k: 50, repetition_penalty: 1.1, ..warm() };
        let request = Request { samples_per_prompt: 3, ..Request::new(&prompts, Seed::new(6)) };
        let completions = generate(&tracked, &sampling, &request, &mut |_| {}).expect("valid");
        let sampled: Vec<f32> = completions.iter().flat_map(|one| one.log_probs.clone()).collect();
        let again = rescored(&tracked, &prompts, &completions, sampling.score_temperature());
        assert_eq!(sampled.len(), again.len());
        let differences = sampled.iter().zip(&again).map(|(left, right)| (left - right).abs());
        let largest = differences.fold(0.0, f32::max);
        assert!(largest < 1e-4, "temperature {temperature}: {largest}");
    }
}

#[test]
fn a_completion_ends_with_its_first_ending_token() {
    let prompts = ids("ids");
    let whole = ids("greedy");
    let eos_ids = [whole[0][3], whole[1][0]]; // 408 comes twice in a row
    let request = Request { eos_ids: &eos_ids, ..Request::new(&prompts, Seed::new(0)) };
    let completions = complete(&greedy(), &request);
    let end = whole[0].iter().position(|id| *id == eos_ids[0]).expect("it is there");
    assert_eq!(completions[0].ids, whole[0][..=end]);
    assert_eq!(completions[1].ids, whole[1][..1]);
    assert_eq!(completions[2].ids, whole[2]);
    assert_eq!(
        completions.iter().map(|one| one.is_finished).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert!(completions.iter().all(|one| one.ids.len() == one.log_probs.len()));
}

#[test]
fn progress_grows_to_the_end() {
    let prompts = ids("ids");
    let request = Request { max_cached_tokens: 60, ..Request::new(&prompts, Seed::new(0)) };
    let mut seen: Vec<Progress> = Vec::new();
    let sampling = Sampling { max_new_tokens: 4, ..greedy() };
    generate(&model(), &sampling, &request, &mut |progress| seen.push(progress)).expect("valid");
    let tokens: Vec<usize> = seen.iter().map(|progress| progress.num_tokens).collect();
    // Prompts of 9 and 23 tokens fit together, the one of 49 comes after them.
    assert_eq!(tokens, [2, 4, 6, 8, 9, 10, 11, 12]);
    let completed: Vec<usize> = seen.iter().map(|progress| progress.num_completed).collect();
    assert_eq!(completed, [0, 0, 0, 2, 2, 2, 2, 3]);
    assert!(seen.iter().all(|progress| progress.num_samples == 3));
}

#[test]
fn a_model_without_finite_logits_is_reported() {
    let huge = DecoderConfig { initializer_range: 1e38, ..model().config().clone() };
    let broken = Decoder::init(&huge, Seed::new(0), &Device::flex());
    let prompts = ids("ids");
    let error = generate(&broken, &warm(), &Request::new(&prompts, Seed::new(0)), &mut |_| {});
    assert_eq!(error, Err(RolloutError::NotFinite));
}

#[test]
fn requests_that_cannot_be_answered_say_why() {
    let error = |prompts: &[Vec<u32>], sampling: &Sampling| {
        let request = Request::new(prompts, Seed::new(0));
        generate(&model(), sampling, &request, &mut |_| {}).expect_err("it is wrong").to_string()
    };
    assert_eq!(error(&[vec![1], vec![]], &greedy()), "prompt 1 is empty");
    assert_eq!(
        error(&[vec![0; 500]], &greedy()),
        "prompt 0 has 500 tokens, with 16 new ones more than the model's 512 positions (max_position_embeddings)"
    );
    assert_eq!(
        error(&[vec![1024]], &greedy()),
        "prompt 0 has token id 1024, the model's vocabulary has 1024"
    );
    let bad = Sampling { top_p: 2.0, ..greedy() };
    assert_eq!(error(&[], &bad), "top_p must be in (0, 1], got 2");
    let nothing = generate(&model(), &greedy(), &Request::new(&[], Seed::new(0)), &mut |_| {});
    assert_eq!(nothing, Ok::<_, RolloutError>(vec![]));
}
