//! Logits and every gradient of adapters that use every rule of PEFT, against PEFT.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use forethought_model::{
    Decoder, LoraConfig, ScoreModel, load_adapter, load_score_adapter, load_score_model, pack,
    save_adapter, save_score_adapter,
};
use forethought_seed::Seed;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{LOGITS, assert_close, fixtures, index, json, load_fixture, logits, tensors, values};

/// The sequence of `make_adapters.py`.
const IDS: [u32; 12] = [17, 250, 3, 99, 512, 640, 8, 8, 301, 44, 5, 77];

const CASES: [(&str, &str); 3] = [
    ("pattern", "tiny-qwen2-untied"),
    ("names-dora", "tiny-qwen2-untied"),
    ("names-dora-tied", "tiny-qwen2"),
];

fn adapted(name: &str, base: &str, device: &Device) -> Decoder {
    let dir = fixtures().join("adapters").join(name);
    load_adapter(load_fixture(base, device), &dir, device).expect("it loads")
}

/// Every gradient under PEFT's name, in PEFT's order of dimensions.
fn gradients(model: &impl Module, gradients: &Gradients) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Collect { gradients, path: Vec::new(), found: BTreeMap::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// The gradients of a fixture.
#[track_caller]
fn assert_gradients(found: &BTreeMap<String, Vec<f32>>, golden: &BTreeMap<String, Vec<f32>>) {
    let expected = golden.iter().filter_map(|(key, gradient)| {
        key.strip_prefix("gradient.").map(|key| (key.to_owned(), gradient))
    });
    let expected: BTreeMap<String, &Vec<f32>> = expected.collect();
    assert!(found.keys().eq(expected.keys()), "{:?}", found.keys());
    for (key, expected) in expected {
        let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        assert_close(&found[&key], expected, 1e-4 * largest);
    }
}

struct Collect<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let name = self.path.join(".");
        let gradient = if D == 2 { gradient.transpose() } else { gradient };
        let name = name
            .replace("adapter.a", "lora_A.weight")
            .replace("adapter.b", "lora_B.weight")
            .replace("adapter.magnitude", "lora_magnitude_vector.weight");
        self.found.insert(name, values(gradient));
    }
}

#[test]
fn logits_loss_and_every_gradient_equal_those_of_peft() {
    for (name, base) in CASES {
        let golden = tensors(&fixtures().join(format!("forward/gradients-{name}.safetensors")));
        let decoder = adapted(name, base, &Device::flex().autodiff());
        let hidden = decoder.forward(&pack(&[&IDS]).tokens, None); // [token, hidden]
        let last = decoder.logits(hidden.clone().narrow(0, IDS.len() - 1, 1));
        assert_close(&values(last), &golden["last_logits"], LOGITS);
        let targets: Vec<usize> = IDS[1..].iter().map(|id| *id as usize).collect();
        let before = hidden.narrow(0, 0, targets.len());
        let scores = decoder.score(before, index(&targets, &decoder.device()), 1.0);
        let loss = scores.log_probs.mean().neg();
        let found = gradients(&decoder, &loss.backward());
        assert_close(&values(loss), &golden["loss"], 1e-5);
        assert_gradients(&found, &golden);
    }
}

/// PEFT saves and trains the head of a `SEQ_CLS` model without being asked.
#[test]
fn the_adapter_of_a_score_model_brings_its_head_and_trains_it() {
    let golden = tensors(&fixtures().join("forward/gradients-score.safetensors"));
    let device = Device::flex().autodiff();
    let base = || {
        let dir = fixtures().join("models/tiny-qwen2-reward");
        load_score_model(&dir, &device).expect("it loads")
    };
    let packed = pack(&[&IDS]);
    let score = |model: &ScoreModel| model.score_sequences(&packed, None);
    let dir = fixtures().join("adapters/score");
    let model = load_score_adapter(base(), &dir, &device).expect("it loads");
    assert_close(&values(score(&model)), &golden["last_logits"], LOGITS);
    assert!(
        (values(score(&base()))[0] - golden["last_logits"][0]).abs() > 1e-3,
        "it does something"
    );
    let found = gradients(&model, &score(&model).sum().backward());
    let found = found.into_iter().map(|(name, gradient)| {
        (name.strip_prefix("decoder.").unwrap_or(&name).to_owned(), gradient)
    });
    // A head is `[1, hidden]` in either order.
    assert_gradients(&found.collect(), &golden);
    let written = tempfile::tempdir().expect("a folder");
    save_score_adapter(&model, written.path()).expect("it is written");
    let again = load_score_adapter(base(), written.path(), &device).expect("it is read");
    assert_eq!(values(score(&again)), values(score(&model)));
    let read = |dir: &Path| json(&dir.join("adapter_config.json"));
    for key in ["task_type", "modules_to_save", "target_modules", "r", "lora_alpha"] {
        assert_eq!(read(written.path())[key], read(&dir)[key], "{key}");
    }
    let fresh = LoraConfig { modules_to_save: vec!["score".to_owned()], ..LoraConfig::default() };
    assert!(
        base().with_lora(&fresh, Seed::new(0), &device).is_ok(),
        "the head is named needlessly"
    );
}

#[test]
fn folded_adapters_of_every_rule_keep_the_logits_and_their_folders_are_read_again() {
    for (name, base) in CASES {
        let device = Device::flex();
        let decoder = adapted(name, base, &device);
        let expected = values(logits(&decoder, &IDS));
        assert_close(&values(logits(&decoder.clone().merge(), &IDS)), &expected, LOGITS);
        let head = decoder.forward(&pack(&[&IDS]).tokens, None).matmul(decoder.head().transpose());
        assert_close(&values(head), &expected, LOGITS);
        let dir = tempfile::tempdir().expect("a folder");
        save_adapter(&decoder, dir.path()).expect("it is written");
        let names = |dir: &Path| {
            tensors(&dir.join("adapter_model.safetensors")).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names(dir.path()), names(&fixtures().join("adapters").join(name)));
        let again = load_adapter(load_fixture(base, &device), dir.path(), &device);
        let again = again.expect("it is read");
        assert_eq!(values(logits(&again, &IDS)), expected);
    }
}

/// PEFT adds the whole head to the file of an adapter that reaches it, and reads it from there.
#[test]
fn a_head_that_peft_wrote_beside_its_adapter_takes_the_place_of_the_head() {
    let device = Device::flex();
    let source = fixtures().join("adapters/pattern");
    let dir = tempfile::tempdir().expect("a folder");
    let copy = |file: &str| std::fs::copy(source.join(file), dir.path().join(file)).map(drop);
    copy("adapter_config.json").expect("it is copied");
    let bytes = std::fs::read(source.join("adapter_model.safetensors")).expect("it is there");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let head: Vec<u8> = (0..1024 * 64).flat_map(|_| 0.5f32.to_le_bytes()).collect();
    let view = |rows| TensorView::new(Dtype::F32, vec![rows, 64], &head[..rows * 256]);
    let load = |rows| {
        let extra = ("base_model.model.lm_head.base_layer.weight", view(rows).expect("a view"));
        let bytes = safetensors::serialize(file.iter().chain([extra]), None).expect("bytes");
        std::fs::write(dir.path().join("adapter_model.safetensors"), bytes).expect("written");
        load_adapter(load_fixture("tiny-qwen2-untied", &device), dir.path(), &device)
    };
    let constant = load(1024).expect("the head fits");
    // Rows of one value give every token the same logit, up to what the adapter adds.
    let merged = constant.head() - adapted("pattern", "tiny-qwen2-untied", &device).head();
    let plain = load_fixture("tiny-qwen2-untied", &device).head();
    assert_close(&values(merged + plain), &vec![0.5; 1024 * 64], 1e-6);
    assert!(load(1023).expect_err("a row is missing").to_string().contains("lm_head.base_layer"));
}
