//! The arguments of `cargo xtask ci`.

/// Which steps to run, and what to do after a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    only: Vec<String>,
    skipped: Vec<String>,
    /// Whether the steps after a failure run too.
    pub(super) keeps_going: bool,
}

impl Options {
    /// Whether this step was asked for.
    pub(super) fn selects(&self, step: &str) -> bool {
        let names = |list: &[String]| list.iter().any(|name| name == step);
        (self.only.is_empty() || names(&self.only)) && !names(&self.skipped)
    }
}

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Help,
    Run(Options),
}

/// Reads the arguments; `steps` are the names that `--only` and `--skip` know.
///
/// # Errors
///
/// If a flag or a step is unknown, or a flag has no value.
pub(super) fn parse(arguments: &[String], steps: &[&str]) -> Result<Request, String> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut step = || {
            let name = words.next().ok_or_else(|| format!("{word} needs the name of a step"))?;
            if steps.contains(&name.as_str()) {
                Ok(name.clone())
            } else {
                Err(unknown_step(name, steps))
            }
        };
        match word.as_str() {
            "-h" | "--help" => return Ok(Request::Help),
            "--keep-going" => options.keeps_going = true,
            "--only" => options.only.push(step()?),
            "--skip" => options.skipped.push(step()?),
            _ => return Err(format!("unknown argument `{word}`")),
        }
    }
    Ok(Request::Run(options))
}

/// The message for a step that does not exist.
fn unknown_step(name: &str, steps: &[&str]) -> String {
    format!("unknown step `{name}`; the steps are {}", steps.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Request, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words, &["fmt", "tidy", "test"])
    }

    fn selected(line: &str) -> Vec<&'static str> {
        match parse_line(line) {
            Ok(Request::Run(options)) => {
                ["fmt", "tidy", "test"].into_iter().filter(|step| options.selects(step)).collect()
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn all_steps_run_unless_some_are_named() {
        assert_eq!(selected(""), ["fmt", "tidy", "test"]);
        assert_eq!(selected("--only tidy --only fmt"), ["fmt", "tidy"]);
        assert_eq!(selected("--skip tidy"), ["fmt", "test"]);
        assert_eq!(selected("--keep-going --only fmt --skip fmt"), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let error = |line| parse_line(line).expect_err("bad usage");
        assert_eq!(error("--only tset"), "unknown step `tset`; the steps are fmt, tidy, test");
        assert_eq!(error("--only"), "--only needs the name of a step");
        assert_eq!(error("tidy"), "unknown argument `tidy`");
    }

    #[test]
    fn help_wins() {
        assert_eq!(parse_line("--keep-going --help"), Ok(Request::Help));
    }
}
