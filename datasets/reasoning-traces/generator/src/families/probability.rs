//! Probabilities: a spinner against a die, case by case, and balls drawn from a bag.

use super::Puzzle;
use crate::draw::Draw;
use crate::language::{Language, say};
use crate::problem::Structure;
use crate::work::{Solution, Work};

/// A chance that is a fraction of whole numbers.
#[derive(Debug)]
pub(super) enum Probability {
    /// That the spinner (1 to `fields`) and the die (1 to `faces`) together show more than `bound`.
    Spinner { fields: i64, faces: i64, bound: i64 },
    /// That `drawn` balls taken without putting back are all red, of `red` among `all`.
    Bag { red: i64, all: i64, drawn: i64 },
}

impl Probability {
    pub(super) fn draw(budget: usize, draw: &mut Draw) -> Self {
        if budget < 200 && draw.percent(20) {
            let drawn = draw.fit(budget.saturating_sub(15), 26, 2..=6);
            let red = drawn + draw.within(1..=5);
            return Self::Bag { red, all: red + draw.within(2..=6), drawn };
        }
        let fields = draw.fit(budget.saturating_sub(15), 26, 2..=26);
        let faces = draw.within(6..=20);
        Self::Spinner { fields, faces, bound: fields + draw.within(1..=faces - 2) }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The fraction in lowest terms.
fn fraction(above: i64, below: i64) -> String {
    let common = gcd(above, below);
    format!("{}/{}", above / common, below / common)
}

/// Reduces the fraction, in one step.
fn reduce(above: i64, below: i64, mut work: Work, language: Language) -> Solution {
    let (common, reduced) = (gcd(above, below), fraction(above, below));
    work.step(say!(
        language,
        "{above}/{below}: common divisor {common}, so {reduced}.",
        "{above}/{below}：公约数{common}，得{reduced}。",
    ));
    work.finish(reduced)
}

/// Goes through the fields of the spinner and counts the faces of the die that are enough.
fn spin(fields: i64, faces: i64, bound: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(language, "Go through the fields up to {fields}.", "逐格看，到{fields}。"));
    let mut hits = 0;
    for field in 1..=fields {
        let need = bound + 1 - field;
        let good = (faces - need + 1).max(0);
        let total = hits + good;
        work.step(say!(
            language,
            "field {field}: the die needs {need} or more, {good} faces, {hits} + {good} = {total}.",
            "转到{field}：骰子至少要 {need} ，有 {good} 个面，{hits} + {good} = {total}。",
        ));
        hits = total;
    }
    reduce(hits, fields * faces, work, language)
}

/// Multiplies the chances of ball after ball.
fn take(red: i64, all: i64, drawn: i64, language: Language) -> Solution {
    let mut work = Work::new(language);
    work.note(say!(
        language,
        "Multiply the chances of {drawn} balls.",
        "把{drawn}个球的概率相乘。"
    ));
    let (mut above, mut below) = (1, 1);
    for taken in 0..drawn {
        let (ball, left, rest) = (taken + 1, red - taken, all - taken);
        let (next_above, next_below) = (above * left, below * rest);
        work.step(say!(
            language,
            "ball {ball}: {left} of {rest} are red, product {next_above}/{next_below}.",
            "第{ball}球：{rest}个里{left}个红，乘积{next_above}/{next_below}。",
        ));
        (above, below) = (next_above, next_below);
    }
    reduce(above, below, work, language)
}

impl Puzzle for Probability {
    fn question(&self, language: Language, draw: &mut Draw) -> String {
        match *self {
            Self::Spinner { fields, faces, bound } => match draw.below(2) {
                0 => say!(
                    language,
                    "A die has {faces} faces. How likely is a sum above {bound} with it and a spinner from 1 to {fields}?",
                    "骰子有{faces}个面。求与转盘之和大于{bound}的概率，转盘从1到{fields}。",
                ),
                _ => say!(
                    language,
                    "We want a sum above {bound} from a die with {faces} faces and a spinner. How likely is it if the fields are 1 to {fields}?",
                    "要使和大于{bound}，用{faces}面的骰子和转盘。求概率，转盘从1到{fields}。",
                ),
            },
            Self::Bag { red, all, drawn } => {
                let blue = all - red;
                say!(
                    language,
                    "A bag holds {red} red and {blue} blue balls. How likely are only red ones, without putting back, up to ball {drawn}?",
                    "袋里有{red}个红球和{blue}个蓝球。求不放回、全是红球的概率，取{drawn}个。",
                )
            }
        }
    }

    fn solve(&self, language: Language) -> Solution {
        match *self {
            Self::Spinner { fields, faces, bound } => spin(fields, faces, bound, language),
            Self::Bag { red, all, drawn } => take(red, all, drawn, language),
        }
    }

    fn structure(&self) -> Structure {
        match *self {
            Self::Spinner { fields, .. } => {
                Structure { kind: "spinner", sizes: vec![fields as f64] }
            }
            Self::Bag { drawn, .. } => Structure { kind: "bag", sizes: vec![drawn as f64] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::tests::{BUDGETS, draws};
    use crate::whole::number;

    /// Sets of `drawn` out of `all` balls of which the first `red` are red: (all red, all of them).
    fn sets_of_balls(red: i64, all: i64, drawn: i64) -> (i64, i64) {
        let sets = (0..1u32 << all).filter(|set| i64::from(set.count_ones()) == drawn);
        let num_red = sets.clone().filter(|set| set >> red == 0).count();
        (number(num_red), number(sets.count()))
    }

    #[test]
    fn the_answer_is_what_listing_every_case_gives() {
        for budget in BUDGETS {
            for mut draw in draws("probability", 60) {
                let puzzle = Probability::draw(budget, &mut draw);
                let (good, total) = match puzzle {
                    Probability::Spinner { fields, faces, bound } => {
                        let cases = (1..=fields).flat_map(|a| (1..=faces).map(move |b| a + b));
                        (number(cases.filter(|&sum| sum > bound).count()), fields * faces)
                    }
                    Probability::Bag { red, all, drawn } => sets_of_balls(red, all, drawn),
                };
                let answer = puzzle.solve(Language::English).answer;
                let (above, below) = answer.split_once('/').expect("a fraction");
                let [above, below] =
                    [above, below].map(|part| part.parse::<i64>().expect("a number"));
                assert_eq!(above * total, below * good, "{answer}");
                assert!((2..=below).all(|divisor| above % divisor > 0 || below % divisor > 0));
            }
        }
    }
}
