//! A folder of golden cases made on the spot: what agrees, what does not, and what is not run.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use forethought_model::{Decoder, DecoderConfig, ScoredRow, pack, save};
use forethought_parity::{Case, Outcome, ParityError, Summary, replay};
use forethought_seed::Seed;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::{Value, json};

const IDS: [&[u32]; 2] = [&[5, 6, 9, 7], &[3, 5]];

fn decoder() -> Decoder {
    let config = DecoderConfig {
        vocab_size: 12,
        hidden_size: 8,
        intermediate_size: 16,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        initializer_range: 0.5,
        ..DecoderConfig::default()
    };
    Decoder::init(&config, Seed::new(4), &Device::flex())
}

/// The logits of each sequence alone, moved by `offset`.
fn write_forward(folder: &Path, offset: f32) {
    let decoder = decoder();
    save(&decoder, &folder.join("models/small")).expect("a writable folder");
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = IDS
        .iter()
        .enumerate()
        .map(|(index, ids)| {
            let logits = decoder.logits(decoder.forward(&pack(&[ids]).tokens, None));
            let shape = logits.dims().to_vec();
            let data = logits.into_data();
            let bytes =
                data.iter::<f32>().flat_map(|value| (value + offset).to_le_bytes()).collect();
            (format!("unpadded.{index}.logits"), shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many as the shape");
        (name.as_str(), view)
    });
    write(folder, "forward/small.json", &json!({ "model": "small", "ids": IDS }));
    serialize_to_file(views, None, &folder.join("forward/small.safetensors")).expect("writable");
}

fn write(folder: &Path, file: &str, value: &Value) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    fs::write(path, value.to_string()).expect("writable");
}

fn replayed(folder: &Path, only: &[&str]) -> (Summary, Vec<Case>) {
    let only: Vec<String> = only.iter().map(|&kind| kind.to_owned()).collect();
    let mut cases = Vec::new();
    let summary = replay(folder, &Device::flex(), &only, &mut |case| cases.push(case.clone()))
        .expect("golden files");
    (summary, cases)
}

#[test]
fn a_models_own_logits_agree_and_moved_ones_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    write_forward(folder.path(), 0.0);
    let (summary, cases) = replayed(folder.path(), &[]);
    assert_eq!((summary.num_passed, summary.num_failed), (1, 0), "{cases:?}");

    write_forward(folder.path(), 1e-3);
    let (summary, cases) = replayed(folder.path(), &[]);
    assert_eq!((summary.num_passed, summary.num_failed), (0, 1), "{cases:?}");
    let text = cases[0].to_string();
    assert!(text.starts_with("FAIL    forward/small.json: unpadded  error 1.0e-3"), "{text}");
}

#[test]
fn files_of_no_kind_are_listed_and_missing_models_are_failures() {
    let folder = tempfile::tempdir().expect("a folder");
    write_forward(folder.path(), 0.0);
    write(folder.path(), "weather.json", &json!([1, 2]));
    write(folder.path(), "forward/other.json", &json!({ "model": "other", "ids": IDS }));
    let (summary, cases) = replayed(folder.path(), &[]);
    assert_eq!(summary, Summary { num_passed: 1, num_failed: 1, num_not_run: 1 });
    let unknown = cases.iter().find(|case| case.file == "weather.json").expect("listed");
    assert!(matches!(unknown.outcome, Outcome::NotRun(_)));
}

#[test]
fn only_the_kinds_that_were_asked_for_are_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    write_forward(folder.path(), 0.0);
    assert_eq!(replayed(folder.path(), &["sft"]).0, Summary::default());
    assert_eq!(replayed(folder.path(), &["forward"]).0.num_passed, 1);
    let only = ["backward".to_owned()];
    let error = replay(folder.path(), &Device::flex(), &only, &mut |_| {}).expect_err("no kind");
    assert!(error.to_string().starts_with("there is no kind `backward`; the kinds are forward"));
}

#[test]
fn a_folder_without_cases_does_not_agree_with_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = replay(folder.path(), &Device::flex(), &[], &mut |_| {}).expect_err("empty");
    assert!(matches!(error, ParityError::NoCases(_)));
}

/// One batch of one sequence whose labels are all its tokens.
fn sft_case(loss: f64, norms: &Value) -> Value {
    let ids = IDS[0];
    json!({ "model": "small", "cases": { "nll": {
        "config": {},
        "inputs": { "input_ids": [ids], "attention_mask": [[1, 1, 1, 1]], "labels": [ids] },
        "loss": loss,
        "grad_norm_global": norms["global"],
        "grad_norms": norms["by_name"],
    } } })
}

#[test]
fn a_loss_is_compared_with_the_gradient_of_every_parameter() {
    let folder = tempfile::tempdir().expect("a folder");
    write_forward(folder.path(), 0.0);
    let row = ScoredRow::new(&[(IDS[0], 1)]);
    let loss = row.scores(&decoder(), 1.0, None).log_probs.mean().neg().into_scalar::<f64>();
    // Without a single norm the gradients of all parameters are unexpected.
    let nothing = json!({ "global": 0.0, "by_name": {} });
    write(folder.path(), "losses/sft.json", &sft_case(loss, &nothing));
    let (summary, cases) = replayed(folder.path(), &["sft"]);
    assert_eq!(summary.num_failed, 1);
    assert!(cases[0].to_string().contains("gradient norm"), "{}", cases[0]);

    let mut without = sft_case(loss, &nothing);
    let case = without["cases"]["nll"].as_object_mut().expect("a case");
    case.retain(|name, _| !name.starts_with("grad"));
    write(folder.path(), "losses/sft.json", &without);
    assert_eq!(replayed(folder.path(), &["sft"]).0.num_passed, 1);
    without["cases"]["nll"]["loss"] = json!(loss * 1.001);
    write(folder.path(), "losses/sft.json", &without);
    assert_eq!(replayed(folder.path(), &["sft"]).0.num_failed, 1);
}

#[test]
fn pairs_of_texts_have_the_verdicts_of_math_verify_and_disagreements_have_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let latex = json!([{ "type": "LatexExtractionConfig", "boxed_match_priority": 0 }]);
    let case = |id: &str, gold: &str, pred: &str, expected: i32| {
        json!({ "id": id, "gold": gold, "pred": pred, "expected": expected, "gold_config": latex,
            "pred_config": null, "verify_kwargs": { "float_rounding": 6 } })
    };
    let cases = [
        case("right", r"$\frac12$", "0.5", 1),
        case("wrong", "$2$", "3", 1),
        case("units", "$5$ cm", r"$5\text{ m}$", 1),
        case("no mathematics", r"$1 - \frac{1}{\mathrm{e}}$", r"$1 + \frac{1}{\mathrm{e}}$", 1),
    ];
    write(folder.path(), "math_verify/cases.json", &json!({ "cases": cases }));
    let (summary, found) = replayed(folder.path(), &["math_verify"]);
    assert_eq!(summary.num_failed, 1);
    let reasons: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(reasons.iter().any(|text| text.contains("1 − 1/e is not 1 + 1/e")), "{reasons:?}");
    assert!(found[1].is_failure(), "{reasons:?}");
}
