//! A published model: a few texts with their ids, log-probabilities, best next tokens, last state, and a greedy answer.
//!
//! `NAME/reference.json` is about the model `models/NAME`, which is too large to lie beside the numbers: where it is not
//! there, the file is not run.

use burn::tensor::Tensor;
use forethought_model::{Decoder, ScoredRow, pack};
use forethought_rollout::{Request, Sampling, generate};
use forethought_seed::Seed;
use serde::Deserialize;

use crate::Replay;
use crate::check::{Checks, LOGITS};
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct Reference {
    greedy_ids: Vec<u32>,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
    token_logprobs: Vec<f64>,
    top10_ids: Vec<u32>,
    top10_logits: Vec<f64>,
    last_hidden_first8: Vec<f64>,
    last_hidden_norm: f64,
}

pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let name = replay.file.split('/').next().unwrap_or_default().to_owned();
    if !goldens.path(&format!("models/{name}/config.json")).is_file() {
        return Err(Missed::NotRun(format!("the model is not in models/{name}")));
    }
    let golden: Reference = goldens.json(replay.file)?;
    let (decoder, encoder) = (goldens.decoder(&name)?, goldens.encoder(&name)?);
    for case in &golden.cases {
        replay.case(&case.text.replace('\n', " "), |checks| {
            checks.equal("ids", &encoder.encode(&case.text)?, &case.ids);
            case.compare(checks, &decoder);
            Ok(())
        });
    }
    replay.case("greedy", |checks| greedy(checks, &decoder, &golden));
    Ok(())
}

impl Case {
    fn compare(&self, checks: &mut Checks, decoder: &Decoder) {
        let scores = ScoredRow::new(&[(&self.ids, 1)]).scores(decoder, 1.0, None);
        checks.numbers(
            "log-probabilities",
            &values(scores.log_probs),
            &self.token_logprobs,
            LOGITS,
        );
        let last =
            decoder.forward(&pack(&[&self.ids]).tokens, None).narrow(0, self.ids.len() - 1, 1);
        let state = values(last.clone());
        let norm = state.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let first = &state[..self.last_hidden_first8.len().min(state.len())];
        checks.numbers("last state", first, &self.last_hidden_first8, LOGITS);
        checks.number("norm of the last state", norm, self.last_hidden_norm, LOGITS);
        let logits = values(decoder.logits(last));
        let best: Vec<f32> = self.top10_ids.iter().map(|&id| logits[id as usize]).collect();
        checks.numbers("best logits", &best, &self.top10_logits, LOGITS);
        let lowest = best.iter().copied().fold(f32::INFINITY, f32::min);
        let above = logits.iter().filter(|&&logit| logit > lowest).count();
        checks.equal("tokens above the last of the best", &above, &(best.len() - 1));
    }
}

/// The greedy answer to the conversation that the file's last text opens, which its ids begin with.
fn greedy(checks: &mut Checks, decoder: &Decoder, golden: &Reference) -> Result<(), Missed> {
    let is_prompt = |case: &&Case| golden.greedy_ids.starts_with(&case.ids);
    let Some(prompt) = golden.cases.iter().find(is_prompt) else {
        return Err(Missed::NotRun("no text of the file begins the greedy ids".to_owned()));
    };
    let expected = &golden.greedy_ids[prompt.ids.len()..];
    let sampling =
        Sampling { temperature: 0.0, max_new_tokens: expected.len(), ..Sampling::default() };
    let prompts = [prompt.ids.clone()];
    let found = generate(decoder, &sampling, &Request::new(&prompts, Seed::new(0)), &mut |_| {})?;
    checks.equal("ids", found[0].ids.as_slice(), expected);
    Ok(())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
