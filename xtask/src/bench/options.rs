//! The arguments of `cargo xtask bench`.

/// Every kind of step, in the order of the table.
pub(super) const WORKS: [&str; 6] = ["grpo", "sft", "sft-shared", "dpo", "causal", "sample"];

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Help,
    Run(Options),
}

/// What is measured, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) works: Vec<String>,
    pub(super) runs: usize,
    steps: usize,
    threads: usize,
    shape: String,
    model: Option<String>,
}

impl Options {
    /// The arguments of a program that measures.
    pub(super) fn arguments(&self) -> Vec<String> {
        let model = self.model.iter().flat_map(|model| ["--model".to_owned(), model.clone()]);
        let numbers = [("--steps", self.steps), ("--threads", self.threads)];
        let numbers =
            numbers.into_iter().flat_map(|(key, count)| [key.to_owned(), count.to_string()]);
        ["--shape".to_owned(), self.shape.clone()].into_iter().chain(numbers).chain(model).collect()
    }

    /// What the figures are filed under.
    pub(super) fn name(&self) -> String {
        self.shape.clone()
    }

    /// Whether the peer can run this kind of step: TRL's trainers need a tokenizer.
    pub(super) fn peer_runs(&self, work: &str) -> bool {
        self.model.is_some() || !["grpo", "dpo"].contains(&work)
    }
}

/// Reads the arguments.
///
/// # Errors
///
/// What is unknown or missing.
pub(super) fn parse(arguments: &[String]) -> Result<Request, String> {
    let mut words = arguments.iter();
    let mut options = Options {
        works: Vec::new(),
        runs: 5,
        steps: 1,
        threads: 2,
        shape: "smollm2".to_owned(),
        model: None,
    };
    match words.next().map(String::as_str) {
        Some("cpu") => {}
        Some("-h" | "--help") => return Ok(Request::Help),
        other => return Err(format!("what to measure is `cpu`, got `{}`", other.unwrap_or(""))),
    }
    while let Some(word) = words.next() {
        if ["-h", "--help"].contains(&word.as_str()) {
            return Ok(Request::Help);
        }
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        match word.as_str() {
            "--only" if WORKS.contains(&value.as_str()) => options.works.push(value.clone()),
            "--only" => return Err(format!("`{value}` is none of {}", WORKS.join(", "))),
            "--runs" => options.runs = count(word, value)?,
            "--steps" => options.steps = count(word, value)?,
            "--threads" => options.threads = count(word, value)?,
            "--shape" => options.shape.clone_from(value),
            "--model" => options.model = Some(value.clone()),
            _ => return Err(format!("unknown argument `{word}`")),
        }
    }
    if options.works.is_empty() {
        options.works = WORKS.map(str::to_owned).to_vec();
    }
    Ok(Request::Run(options))
}

fn count(word: &str, value: &str) -> Result<usize, String> {
    let count = value.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("{word} must be a number from 1, got {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_reach_the_programs_that_measure() {
        let line = "cpu --only sft --only dpo --runs 3 --steps 2 --threads 4 --shape mid --model m";
        let Ok(Request::Run(options)) = parsed(line) else { panic!("a valid line") };
        assert_eq!(
            (options.works.as_slice(), options.runs),
            (&["sft", "dpo"].map(String::from)[..], 3)
        );
        assert_eq!(options.name(), "mid");
        let expected = "--shape mid --steps 2 --threads 4 --model m";
        assert_eq!(options.arguments().join(" "), expected);
    }

    #[test]
    fn trainers_that_tokenise_are_left_out_without_a_tokenizer() {
        let Ok(Request::Run(options)) = parsed("cpu") else { panic!("a valid line") };
        assert_eq!(options.works.len(), 6);
        assert!(
            !options.peer_runs("grpo") && !options.peer_runs("dpo") && options.peer_runs("sft")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parsed("gpu"), Err("what to measure is `cpu`, got `gpu`".to_owned()));
        assert_eq!(parsed("cpu --runs 0"), Err("--runs must be a number from 1, got 0".to_owned()));
        assert_eq!(parsed("cpu --runs"), Err("`--runs` needs a value".to_owned()));
        assert!(parsed("cpu --only rl").is_err_and(|error| error.contains("`rl` is none of grpo")));
        assert_eq!(parsed("cpu --help"), Ok(Request::Help));
    }
}
