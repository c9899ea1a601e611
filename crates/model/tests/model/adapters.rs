//! LoRA adapters against PEFT, and what they leave alone.

use burn::tensor::Device;
use forethought_model::{
    Decoder, LoraConfig, LoraError, ModelError, TargetModules, TensorProblem, load_adapter, pack,
    save_adapter,
};
use forethought_seed::Seed;

use crate::goldens::assert_equals_transformers;
use crate::gradients::gradient_norms;
use crate::{LOGITS, assert_close, fixtures, load_fixture, logits, tiny_config, values};

const IDS: [u32; 6] = [3, 1, 4, 1, 5, 9];

fn with_adapter(name: &str) -> Decoder {
    let device = Device::flex();
    let decoder = load_fixture("tiny-qwen2", &device);
    load_adapter(decoder, &fixtures().join("adapters").join(name), &device).expect("it loads")
}

fn fresh(config: &LoraConfig, device: &Device) -> Decoder {
    let decoder = Decoder::init(&tiny_config(), Seed::new(1), device);
    decoder.with_lora(config, Seed::new(2), device).expect("the configuration is valid")
}

#[test]
fn adapters_of_peft_equal_peft_beside_the_weights_and_folded_into_them() {
    for name in ["lora", "lora-r4-qv", "rslora", "dora"] {
        let decoder = with_adapter(name);
        let golden = format!("adapter-{name}");
        assert_equals_transformers(&decoder, &golden, LOGITS);
        let merged = decoder.merge();
        assert!(merged.lora().is_none());
        assert_equals_transformers(&merged, &golden, LOGITS);
    }
}

#[test]
fn an_adapter_that_is_written_and_read_is_the_same() {
    let decoder = with_adapter("lora-r4-qv");
    let dir = tempfile::tempdir().expect("a folder");
    save_adapter(&decoder, dir.path()).expect("it is written");
    let base = load_fixture("tiny-qwen2", &Device::flex());
    let again = load_adapter(base, dir.path(), &Device::flex()).expect("it is read");
    assert_eq!(values(logits(&decoder, &IDS)), values(logits(&again, &IDS)));
    assert_eq!(again.lora(), decoder.lora());
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let decoder = Decoder::init(&tiny_config(), Seed::new(1), &Device::flex());
    let adapted = fresh(&LoraConfig::default(), &Device::flex());
    assert_eq!(values(logits(&decoder, &IDS)), values(logits(&adapted, &IDS)));
}

#[test]
fn only_the_adapter_is_trained() {
    let config =
        LoraConfig { target_modules: TargetModules::from(["v_proj"]), ..LoraConfig::default() };
    let decoder = fresh(&config, &Device::flex().autodiff());
    let gradients = logits(&decoder, &IDS).sum().backward();
    let names: Vec<String> = gradient_norms(&decoder, &gradients).into_keys().collect();
    let expected = |layer| {
        ["a", "b"].map(|factor| format!("model.layers.{layer}.self_attn.v_proj.adapter.{factor}"))
    };
    assert_eq!(names, [expected(0), expected(1)].concat());
    // Folded in, the weights are trained as ever: 12 of a layer, the embedding, the head, the last norm.
    let merged = decoder.merge();
    let gradients = logits(&merged, &IDS).sum().backward();
    assert_eq!(gradient_norms(&merged, &gradients).len(), 2 * 12 + 3);
}

#[test]
fn dropout_repeats_for_a_seed_and_is_off_outside_training() {
    let config = LoraConfig { dropout: 0.5, ..LoraConfig::default() };
    let tokens = pack(&[&IDS]).tokens;
    let device = Device::flex().autodiff();
    let decoder = fresh(&config, &device);
    // B is zero in a fresh adapter; only a gradient of B sees what was dropped.
    let gradient = |seed| {
        let hidden = decoder.forward_training(&tokens, Seed::new(seed));
        gradient_norms(&decoder, &hidden.sum().backward())
    };
    let b = "model.layers.1.mlp.up_proj.adapter.b";
    assert_eq!(gradient(7), gradient(7));
    assert!((gradient(7)[b] - gradient(8)[b]).abs() > 1e-6, "another seed drops other inputs");
    let without = decoder.forward(&tokens, None);
    let off = gradient_norms(&decoder, &without.sum().backward());
    assert!((gradient(7)[b] - off[b]).abs() > 1e-6, "a forward pass without a seed drops nothing");
}

#[test]
fn folding_an_adapter_with_both_factors_keeps_the_logits() {
    let decoder = with_adapter("lora");
    let merged = decoder.clone().merge();
    assert_close(&values(logits(&merged, &IDS)), &values(logits(&decoder, &IDS)), LOGITS);
}

#[test]
fn a_target_that_names_no_layer_is_refused() {
    let config =
        LoraConfig { target_modules: TargetModules::from(["query"]), ..LoraConfig::default() };
    let device = Device::flex();
    let decoder = Decoder::init(&tiny_config(), Seed::new(1), &device);
    let error = decoder.with_lora(&config, Seed::new(2), &device).expect_err("no such layer");
    let linear =
        "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head".to_owned();
    assert_eq!(error, LoraError::Target { target: "query".to_owned(), linear });
    let twice = fresh(&LoraConfig::default(), &device);
    let error = twice.with_lora(&LoraConfig::default(), Seed::new(2), &device);
    assert_eq!(error.expect_err("one is attached"), LoraError::Attached);
}

#[test]
fn an_adapter_of_another_model_is_refused_with_every_difference() {
    let device = Device::flex();
    let decoder = Decoder::init(&tiny_config(), Seed::new(1), &device);
    let dir = fixtures().join("adapters/lora-r4-qv");
    let error = load_adapter(decoder, &dir, &device).expect_err("the shapes differ");
    let ModelError::Tensors { problems, .. } = error else { panic!("{error}") };
    // Both factors of two projections of two layers, but for A of the same rank and width: no width is the same here.
    assert_eq!(problems.len(), 8);
    assert!(problems.iter().all(|problem| matches!(problem, TensorProblem::Shape { .. })));
}
