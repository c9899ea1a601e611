//! Verdicts of Math-Verify on pairs of texts, with the settings of each case.

use forethought_verify::{
    Comparison, Inequalities, Limits, Manner, Names, Notation, Rules, Thoughts, equivalent_by,
    extract,
};
use serde::Deserialize;

use crate::Replay;
use crate::goldens::{Goldens, Missed};

#[derive(Debug, Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    id: String,
    gold: String,
    pred: String,
    expected: Truth,
    #[serde(default)]
    gold_config: Option<Vec<Extraction>>,
    #[serde(default)]
    pred_config: Option<Vec<Extraction>>,
    #[serde(default)]
    verify_kwargs: Settings,
}

/// Expectations are recorded as 0 and 1, or as truth values.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Truth {
    Number(u8),
    Value(bool),
}

/// What Math-Verify is told to look for.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Extraction {
    #[serde(rename = "LatexExtractionConfig")]
    Latex {
        #[serde(default = "usual_priority")]
        boxed_match_priority: i64,
    },
    #[serde(rename = "ExprExtractionConfig")]
    Expression {},
    #[serde(rename = "StringExtractionConfig")]
    Letters {},
}

fn usual_priority() -> i64 {
    50
}

/// The keyword arguments of `verify`; those that are missing have Math-Verify's defaults.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Settings {
    float_rounding: u32,
    strict: bool,
    allow_set_relation_comp: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { float_rounding: 6, strict: true, allow_set_relation_comp: false }
    }
}

/// Expectations that are no mathematics: gold, answer and why.
const DISAGREEMENTS: [(&str, &str, &str); 1] = [(
    r"$1 - \frac{1}{\mathrm{e}}$",
    r"$1 + \frac{1}{\mathrm{e}}$",
    "1 − 1/e is not 1 + 1/e; Math-Verify reads both as 1, since it cuts \\mathrm{e} off as a unit",
)];

/// Every pair of a file.
pub(crate) fn run(goldens: &Goldens, replay: &mut Replay<'_>) -> Result<(), Missed> {
    let file: File = goldens.json(replay.file)?;
    for case in &file.cases {
        let of_case =
            |(gold, pred, _): &&(&str, &str, &str)| *gold == case.gold && *pred == case.pred;
        if let Some((_, _, reason)) = DISAGREEMENTS.iter().find(of_case)
            && case.expected.is_true()
        {
            replay.not_run(&case.id, &format!("disagreement: {reason}"));
            continue;
        }
        replay.case(&case.id, |checks| {
            let limits = Limits::default();
            let gold = extract(&case.gold, &rules(case.gold_config.as_deref()), &limits);
            let pred = extract(&case.pred, &rules(case.pred_config.as_deref()), &limits);
            let judgement = equivalent_by(&gold, &pred, case.verify_kwargs.comparison(), &limits);
            checks.equal("verdict", &judgement.is_equal(), &case.expected.is_true());
            Ok(())
        });
    }
    Ok(())
}

impl Truth {
    fn is_true(self) -> bool {
        match self {
            Self::Number(number) => number != 0,
            Self::Value(value) => value,
        }
    }
}

impl Settings {
    fn comparison(&self) -> Comparison {
        Comparison {
            rounding: self.float_rounding,
            names: if self.strict { Names::Matter } else { Names::MayChange },
            inequalities: if self.allow_set_relation_comp {
                Inequalities::AreSets
            } else {
                Inequalities::AreSetsInGold
            },
            manner: Manner::MathVerify,
        }
    }
}

/// The rules that come nearest to a list of extraction settings; without one Math-Verify looks for anything.
fn rules(settings: Option<&[Extraction]>) -> Rules {
    let mut rules = Rules {
        boxed: u32::try_from(usual_priority()).ok(),
        thoughts: Thoughts::Read,
        ..Rules::default()
    };
    let Some(settings) = settings else { return rules };
    let (mut latex, mut plain) = (false, false);
    for setting in settings {
        match setting {
            Extraction::Latex { boxed_match_priority } => {
                latex = true;
                // A negative priority switches boxes off.
                rules.boxed = u32::try_from(*boxed_match_priority).ok();
            }
            Extraction::Expression {} | Extraction::Letters {} => plain = true,
        }
    }
    rules.notation = match (latex, plain) {
        (true, false) => Notation::Latex,
        (false, true) => Notation::Plain,
        _ => Notation::Any,
    };
    rules
}
