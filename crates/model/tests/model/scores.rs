//! Score heads against transformers, and what of them is trained.

use burn::module::Module;
use burn::tensor::Device;
use forethought_model::{
    LoraConfig, SaveOptions, ScoreModel, TargetModules, load, load_score_model, pack,
    save_score_model,
};
use forethought_seed::Seed;

use crate::gradients::gradient_norms;
use crate::{LOGITS, assert_close, fixtures, json, load_fixture, sequences, tensors, values};

fn reward_model(device: &Device) -> ScoreModel {
    load_score_model(&fixtures().join("models/tiny-qwen2-reward"), device).expect("it loads")
}

fn golden(key: &str) -> (Vec<Vec<u32>>, Vec<f32>) {
    let golden = json(&fixtures().join("forward/tiny-qwen2-reward.json"));
    (sequences(&golden), serde_json::from_value(golden[key].clone()).expect("numbers"))
}

fn scores(model: &ScoreModel, sequences: &[Vec<u32>]) -> Vec<f32> {
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    values(model.score_sequences(&pack(&sequences), None))
}

#[test]
fn scores_of_a_packed_row_equal_transformers_padded_and_not() {
    let model = reward_model(&Device::flex());
    for key in ["reward_unpadded", "reward_left_padded", "reward_right_padded"] {
        let (sequences, expected) = golden(key);
        assert_close(&scores(&model, &sequences), &expected, LOGITS);
    }
}

#[test]
fn the_score_of_a_sequence_is_its_last_value() {
    let model = reward_model(&Device::flex());
    let (sequences, expected) = golden("reward_unpadded");
    for (sequence, expected) in sequences.iter().zip(expected) {
        let all = values(model.values(&pack(&[sequence]).tokens, None));
        assert_eq!(all.len(), sequence.len());
        assert_close(&all[all.len() - 1..], &[expected], LOGITS);
    }
}

/// transformers reads the last token that is not `pad_token_id`, and the first where there is none.
#[test]
fn padding_at_the_end_is_not_scored() {
    let model = reward_model(&Device::flex());
    assert_eq!(model.pad_token_id(), Some(658));
    let alone = scores(&model, &[vec![5, 6, 7], vec![658]]);
    let padded = scores(&model, &[vec![5, 6, 7, 658, 658], vec![658, 658]]);
    assert_close(&padded, &alone, 1e-6);
    let other = model.with_pad_token_id(7);
    assert!((scores(&other, &[vec![5, 6, 7]])[0] - scores(&other, &[vec![5, 6]])[0]).abs() < 1e-6);
}

#[test]
#[should_panic(expected = "an empty sequence has no score")]
fn an_empty_sequence_is_refused() {
    let _ = scores(&reward_model(&Device::flex()), &[vec![]]);
}

#[test]
fn with_an_adapter_the_adapter_and_the_head_are_trained() {
    let device = Device::flex().autodiff();
    let config =
        LoraConfig { target_modules: TargetModules::from(["v_proj"]), ..LoraConfig::default() };
    let model =
        reward_model(&device).with_lora(&config, Seed::new(1), &device).expect("it is valid");
    let names = |model: &ScoreModel| -> Vec<String> {
        let gradients = model.values(&pack(&[&[1, 2, 3]]).tokens, None).sum().backward();
        gradient_norms(model, &gradients).into_keys().collect()
    };
    assert_eq!(
        names(&model),
        [
            "decoder.model.layers.0.self_attn.v_proj.adapter.a",
            "decoder.model.layers.0.self_attn.v_proj.adapter.b",
            "decoder.model.layers.1.self_attn.v_proj.adapter.a",
            "decoder.model.layers.1.self_attn.v_proj.adapter.b",
            "score.weight",
        ]
    );
    // Folded in, all of 12 weights a layer, embedding, last norm and score head are trained.
    assert_eq!(names(&model.merge()).len(), 2 * 12 + 3);
}

#[test]
fn a_score_model_that_is_written_and_read_is_the_same() {
    let (dir, device) = (tempfile::tempdir().expect("a folder"), Device::flex());
    let model = reward_model(&device);
    save_score_model(&model, dir.path(), &SaveOptions::default()).expect("it is written");
    let again = load_score_model(dir.path(), &device).expect("it is read");
    let (sequences, _) = golden("reward_unpadded");
    assert_eq!(scores(&again, &sequences), scores(&model, &sequences));
    let config = json(&dir.path().join("config.json"));
    assert_eq!(config["architectures"][0], "Qwen2ForSequenceClassification");
    assert_eq!((&config["num_labels"], &config["pad_token_id"]), (&1.into(), &658.into()));
    let read = |dir: &std::path::Path| tensors(&dir.join("model.safetensors"));
    assert_eq!(read(dir.path()), read(&fixtures().join("models/tiny-qwen2-reward")));
}

#[test]
fn a_decoder_and_a_score_model_are_not_mistaken_for_each_other() {
    let (dir, device) = (fixtures().join("models"), Device::flex());
    let error = load(&dir.join("tiny-qwen2-reward"), &device).expect_err("it has no logits");
    let message = error.to_string();
    assert!(message.contains(r#"architectures = ["Qwen2ForSequenceClassification"]"#), "{message}");
    let error = load_score_model(&dir.join("tiny-qwen2"), &device).expect_err("it has no scores");
    let message = error.to_string();
    assert!(message.contains("is read from the family's ForSequenceClassification"), "{message}");
}

#[test]
fn a_fresh_head_is_drawn_from_the_seed_and_replaces_the_other_head() {
    let device = Device::flex();
    let decoder = load_fixture("tiny-qwen2-untied", &device);
    let model = |seed| ScoreModel::from_decoder(decoder.clone(), Seed::new(seed));
    let ids = vec![vec![3, 4, 5]];
    assert_eq!(scores(&model(1), &ids), scores(&model(1), &ids));
    assert_ne!(scores(&model(1), &ids), scores(&model(2), &ids));
    let vocab = decoder.config().vocab_size;
    assert_eq!(decoder.num_params() - model(1).num_params(), vocab * 64 - 64);
}
