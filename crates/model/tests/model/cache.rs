//! Decoding with a cache computes what the whole sequence computes at once.

use burn::tensor::Device;
use forethought_model::{AttentionPlan, PackedTokens, Segment, pack};

use crate::{assert_close, fixtures, json, load_fixture, sequences, values};

/// Two samples of one prompt, in steps of one token each, their slots interleaved with gaps.
#[test]
fn cached_decoding_equals_the_full_forward_pass() {
    let decoder = load_fixture("tiny-qwen2", &Device::flex());
    let golden = json(&fixtures().join("forward/tiny-qwen2.json"));
    let prompt = &sequences(&golden)[1];
    let ends: [[u32; 4]; 2] = [[5, 6, 7, 8], [300, 20, 10, 1]];
    let (first_slots, num_slots) = ([40, 30], 50);
    let mut cache = decoder.cache(num_slots);

    let mut tokens = pack(&[prompt]).tokens;
    tokens.plan = AttentionPlan::new(prompt.len(), num_slots, tokens.plan.segments().to_vec());
    let mut cached = vec![values(decoder.forward(&tokens, Some(&mut cache)))];
    for step in 0..4 {
        let segment = |sample: usize| {
            let own = first_slots[sample] + step;
            let context = vec![0..prompt.len(), first_slots[sample]..own];
            Segment { queries: sample..sample + 1, context, own }
        };
        let position = u32::try_from(prompt.len() + step).expect("small");
        let tokens = PackedTokens {
            ids: ends.iter().map(|end| end[step]).collect(),
            positions: vec![position; 2],
            plan: AttentionPlan::new(2, num_slots, vec![segment(0), segment(1)]),
        };
        cached.push(values(decoder.forward(&tokens, Some(&mut cache))));
    }

    let width = decoder.config().hidden_size;
    for (sample, end) in ends.iter().enumerate() {
        let whole =
            values(decoder.forward(&pack(&[&[prompt, end.as_slice()].concat()]).tokens, None));
        let (start, rest) = whole.split_at(prompt.len() * width);
        assert_close(&cached[0], start, 1e-5);
        let steps = cached[1..].iter().flat_map(|step| &step[sample * width..][..width]);
        assert_close(&steps.copied().collect::<Vec<_>>(), rest, 1e-5);
    }
}

#[test]
#[should_panic(expected = "numbers of slots and of keys of the plan")]
fn a_plan_for_another_cache_is_refused() {
    let decoder = load_fixture("tiny-qwen2", &Device::flex());
    let mut cache = decoder.cache(9);
    let _ = decoder.forward(&pack(&[&[1, 2]]).tokens, Some(&mut cache));
}
