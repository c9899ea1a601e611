//! What a reward function is.

use crate::{Field, Sample, Score, Verdict};

/// Which completions a function must see together, from the fewest to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Each completion is judged alone.
    Sample,
    /// The completions of one prompt are judged against each other.
    Group,
    /// All completions of a call are judged together.
    Call,
}

/// Something a function must know to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// A column of the row.
    Column(&'a str),
    /// The tokens of the completion.
    Tokens,
}

/// A pure function from completions to scores.
///
/// It is given as many completions at a time as its [`Scope`] says, so that a failure spoils no others. A function of your
/// own says its name, what it needs, and one score for each completion:
///
/// ```
/// use forethought_reward::{Fields, Need, RewardFn, RewardSet, Sample, Score, Verdict};
///
/// /// 1 for a completion that is no longer than its prompt.
/// struct Brief;
///
/// impl RewardFn for Brief {
///     fn name(&self) -> &str {
///         "brief"
///     }
///
///     fn needs(&self) -> Vec<Need<'_>> {
///         vec![Need::Column("prompt")]
///     }
///
///     fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
///         let score = |sample: &Sample<'_>| {
///             let Some(prompt) = sample.fields.get("prompt").and_then(|field| field.text()) else {
///                 return Score::none(Verdict::LabelUnparseable, "the prompt is no text");
///             };
///             let (length, limit) = (sample.completion.len(), prompt.len());
///             let is_brief = length <= limit;
///             Score::new(
///                 f64::from(u8::from(is_brief)),
///                 Verdict::from(is_brief),
///                 format!("{length} bytes, and the prompt has {limit}"),
///             )
///         };
///         samples.iter().map(score).collect()
///     }
/// }
///
/// let set = RewardSet::of(vec![(Box::new(Brief), 0.5)])?;
/// let fields = Fields::from([("prompt".to_owned(), "How many?".into())]);
/// let scores = set.score(&[Sample::new("Four.", &fields), Sample::new("I think four.", &fields)]);
/// assert_eq!([scores[0].total, scores[1].total], [Some(0.5), Some(0.0)]);
/// assert_eq!(scores[1].scores[0].score.reason, "13 bytes, and the prompt has 9");
/// # Ok::<(), forethought_reward::RewardConfigError>(())
/// ```
pub trait RewardFn: Send + Sync {
    /// What its scores are called in metrics, unless a config says otherwise.
    fn name(&self) -> &str;

    /// Which completions it must see together. Default: each is judged alone.
    fn scope(&self) -> Scope {
        Scope::Sample
    }

    /// What it must know besides the completion. Default: nothing.
    fn needs(&self) -> Vec<Need<'_>> {
        Vec::new()
    }

    /// Judges completions: one score for each, in their order.
    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score>;
}

/// A function that compares each completion with the solution of its row, and needs nothing else.
pub trait AgainstSolution: Send + Sync {
    /// What its scores are called.
    const NAME: &'static str;

    /// The column that holds the solution.
    fn solution(&self) -> &str;

    /// The score of a completion whose solution is known.
    fn judge(&self, completion: &str, solution: &str) -> Score;
}

impl<T: AgainstSolution> RewardFn for T {
    fn name(&self) -> &str {
        T::NAME
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Column(self.solution())]
    }

    fn score(&self, samples: &[Sample<'_>]) -> Vec<Score> {
        each(samples, |sample| match sample.column(self.solution()) {
            Ok(solution) => self.judge(sample.completion, &solution),
            Err(score) => score,
        })
    }
}

/// Judges each completion alone.
pub(crate) fn each(samples: &[Sample<'_>], judge: impl Fn(&Sample<'_>) -> Score) -> Vec<Score> {
    samples.iter().map(judge).collect()
}

impl<'a> Sample<'a> {
    /// A column that must be text, or a number as it is written; else why the completion cannot be judged.
    pub(crate) fn column(&self, name: &str) -> Result<std::borrow::Cow<'a, str>, Score> {
        let fields = self.fields;
        let Some(field) = fields.get(name) else {
            return Err(Score::none(Verdict::LabelUnparseable, missing(name, fields.keys())));
        };
        field.text().ok_or_else(|| {
            let reason = format!("{name} is neither text nor a number: {}", shown(field));
            Score::none(Verdict::LabelUnparseable, reason)
        })
    }

    /// The number of tokens; else why the completion cannot be judged.
    pub(crate) fn known_tokens(&self) -> Result<&'a [u32], Score> {
        self.tokens.ok_or_else(|| {
            Score::none(Verdict::Failed, "the tokens of the completion are not known")
        })
    }
}

/// Says that a column is missing, and which there are.
pub(crate) fn missing<'a>(name: &str, columns: impl Iterator<Item = &'a String>) -> String {
    let columns: Vec<&str> = columns.map(String::as_str).collect();
    format!("{name} is not among the columns: {}", columns.join(", "))
}

fn shown(field: &Field) -> String {
    let text = match field {
        Field::Other(value) => value.to_string(),
        Field::Text(text) => text.clone(),
        Field::Number(number) => number.to_string(),
    };
    crate::excerpt::excerpt(&text)
}
