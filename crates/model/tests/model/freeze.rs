//! Which parameters a frozen decoder still trains.

use burn::tensor::Device;
use forethought_model::{Decoder, DecoderConfig, FreezeConfig, FreezeError, LoraConfig};
use forethought_seed::Seed;

use crate::gradients::gradient_norms;
use crate::{logits, tiny_config};

fn decoder() -> Decoder {
    let config = DecoderConfig { num_hidden_layers: 3, ..tiny_config() };
    Decoder::init(&config, Seed::new(1), &Device::flex().autodiff())
}

/// The parameters that get a gradient.
fn trained(config: &FreezeConfig) -> Vec<String> {
    let decoder = decoder().train_layers(config).expect("the modules are there");
    let gradients = logits(&decoder, &[3, 1, 4]).sum().backward();
    gradient_norms(&decoder, &gradients).into_keys().collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn only_the_last_or_the_first_layers_are_trained() {
    let layers = |freeze_trainable_layers| {
        trained(&FreezeConfig { freeze_trainable_layers, ..FreezeConfig::default() })
    };
    let last = layers(1);
    assert_eq!(last.len(), 12);
    assert!(last.iter().all(|name| name.starts_with("model.layers.2.")), "{last:?}");
    let first = layers(-2);
    assert_eq!(first.len(), 24);
    let is_first =
        |name: &String| name.starts_with("model.layers.0.") || name.starts_with("model.layers.1.");
    assert!(first.iter().all(is_first), "{first:?}");
}

#[test]
fn parts_of_layers_and_modules_outside_them_are_chosen_by_name() {
    let config = FreezeConfig {
        freeze_trainable_layers: 1,
        freeze_trainable_modules: owned(&["mlp"]),
        freeze_extra_modules: owned(&["lm_head"]),
    };
    let expected = [
        "lm_head.weight",
        "model.layers.2.mlp.down_proj.weight",
        "model.layers.2.mlp.gate_proj.weight",
        "model.layers.2.mlp.up_proj.weight",
    ];
    assert_eq!(trained(&config), expected);
    // The name is looked for anywhere, as LLaMA-Factory does.
    let norms = FreezeConfig {
        freeze_trainable_layers: 0,
        freeze_extra_modules: owned(&["norm"]),
        ..FreezeConfig::default()
    };
    assert_eq!(trained(&norms).len(), 2 * 3 + 1);
}

#[test]
fn a_choice_that_names_nothing_or_trains_nothing_is_refused() {
    let error =
        |config: &FreezeConfig| decoder().train_layers(config).expect_err("wrong").to_string();
    let modules =
        FreezeConfig { freeze_trainable_modules: owned(&["attention"]), ..FreezeConfig::default() };
    let expected = "freeze_trainable_modules: \"attention\" is no part of a layer; there are all, input_layernorm, \
                    mlp, post_attention_layernorm, self_attn";
    assert_eq!(error(&modules), expected);
    let extra = FreezeConfig { freeze_extra_modules: owned(&["score"]), ..FreezeConfig::default() };
    let expected = "freeze_extra_modules: \"score\" is no module outside the layers; there are embed_tokens, lm_head, \
                    norm";
    assert_eq!(error(&extra), expected);
    let nothing = FreezeConfig { freeze_trainable_layers: 0, ..FreezeConfig::default() };
    assert!(error(&nothing).starts_with("nothing is left to train"), "{}", error(&nothing));
    let device = Device::flex();
    let adapted = decoder().with_lora(&LoraConfig::default(), Seed::new(2), &device);
    let adapted = adapted.expect("valid").train_layers(&FreezeConfig::default());
    assert_eq!(adapted.expect_err("it has an adapter"), FreezeError::Adapter);
}
