//! Boxes, tidied strings and final numbers, as verl's copies of Hendrycks' code and its GSM8K find them.

use forethought_reward::{Method, final_number, is_equiv, normalized, remove_boxed};
use forethought_verify::last_boxed;
use serde::Deserialize;

use super::beginning;
use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    extraction: Vec<Extraction>,
    #[serde(default)]
    hendrycks_is_equiv: Vec<Pair>,
    #[serde(default)]
    gsm8k: Vec<Final>,
}

#[derive(Debug, Deserialize)]
struct Extraction {
    text: String,
    last_boxed_only_string: Option<String>,
    remove_boxed: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    a: String,
    b: String,
    equal: bool,
    norm_a: Option<String>,
    norm_b: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Final {
    text: String,
    strict: Option<String>,
    flexible: Option<String>,
}

/// What the goldens hold where the source raises an error.
const REFUSED: &str = "Error";

/// Every section of a file. The printed forms of `SymPy` of the same texts are not compared: `math_verify` compares verdicts.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    for (index, golden) in file.extraction.iter().enumerate() {
        replay.case(&format!("box {index}: {}", beginning(&golden.text)), |checks| {
            let boxed = last_boxed(&golden.text);
            checks.equal("box", &boxed, &golden.last_boxed_only_string.as_deref());
            let expected = golden.remove_boxed.as_deref().filter(|text| !text.ends_with(REFUSED));
            checks.equal("content", &boxed.and_then(remove_boxed), &expected);
            Ok(())
        });
    }
    for (index, golden) in file.hendrycks_is_equiv.iter().enumerate() {
        replay.case(&format!("pair {index}: {} {}", golden.a, golden.b), |checks| {
            checks.equal("verdict", &is_equiv(&golden.a, &golden.b), &golden.equal);
            for (text, expected) in [(&golden.a, &golden.norm_a), (&golden.b, &golden.norm_b)] {
                let expected = expected.as_ref().filter(|text| !text.ends_with(REFUSED));
                if let Some(expected) = expected {
                    checks.equal("tidied", &normalized(text), expected);
                }
            }
            Ok(())
        });
    }
    for (index, golden) in file.gsm8k.iter().enumerate() {
        replay.case(&format!("gsm8k {index}: {}", beginning(&golden.text)), |checks| {
            let found =
                [Method::Strict, Method::Flexible].map(|method| final_number(&golden.text, method));
            checks.equal("strict", &found[0], &golden.strict);
            checks.equal("flexible", &found[1], &golden.flexible);
            Ok(())
        });
    }
    Ok(())
}
