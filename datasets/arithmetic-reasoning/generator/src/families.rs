//! The families of problems: each draws numbers, words them, and works through them.

use forethought_reasoning_traces::Draw;

use crate::Problem;
use crate::work::Work;

const NAMES: [&str; 12] =
    ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ines", "Jon", "Kim", "Lena"];
const THINGS: [&str; 12] = [
    "pens", "books", "apples", "cups", "stamps", "shells", "marbles", "cards", "plums", "coins",
    "balls", "beads",
];

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Operations on a number, one after the other.
    Chain,
    /// What two kinds of things cost.
    Shopping,
    /// What is left of a note.
    Change,
    /// Equal parts of a number of things.
    Sharing,
    /// Ages that depend on each other.
    Ages,
    /// The mean of three numbers.
    Mean,
    /// A share as a fraction.
    Share,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 7] = [
        Self::Chain,
        Self::Shopping,
        Self::Change,
        Self::Sharing,
        Self::Ages,
        Self::Mean,
        Self::Share,
    ];

    /// The name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Shopping => "shopping",
            Self::Change => "change",
            Self::Sharing => "sharing",
            Self::Ages => "ages",
            Self::Mean => "mean",
            Self::Share => "share",
        }
    }

    /// A problem of this family.
    pub(crate) fn draw(self, draw: &mut Draw) -> Problem {
        let mut work = Work::default();
        let (question, answer) = match self {
            Self::Chain => chain(draw, &mut work),
            Self::Shopping => shopping(draw, &mut work),
            Self::Change => change(draw, &mut work),
            Self::Sharing => sharing(draw, &mut work),
            Self::Ages => ages(draw, &mut work),
            Self::Mean => mean(draw, &mut work),
            Self::Share => share(draw, &mut work),
        };
        Problem { family: self, question, steps: work.steps, answer }
    }
}

/// Two different items.
fn two(draw: &mut Draw, items: &[&'static str]) -> [&'static str; 2] {
    let first = draw.pick(items);
    let others: Vec<&str> = items.iter().copied().filter(|item| *item != first).collect();
    [first, draw.pick(&others)]
}

/// What the work has come to, and how it goes on.
fn chain(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let mut value = draw.within(2..=12);
    let mut question = format!("Start with {value}.");
    for _ in 0..draw.within(2..=3) {
        let (words, next) = link(draw, work, value);
        question = format!("{question} {words}");
        value = next;
    }
    (format!("{question} What comes out?"), value.to_string())
}

/// One operation of a chain that keeps the value between 1 and 50.
fn link(draw: &mut Draw, work: &mut Work, value: i64) -> (String, i64) {
    loop {
        let number = draw.within(2..=15);
        let small = draw.within(2..=5);
        match draw.below(4) {
            0 if value + number <= 50 => {
                return (format!("Add {number}."), work.add(value, number));
            }
            1 if number < value => {
                return (format!("Take away {number}."), work.subtract(value, number));
            }
            2 if value * small <= 50 => {
                return (format!("Multiply by {small}."), work.multiply(value, small));
            }
            3 if value % small == 0 => {
                return (format!("Divide by {small}."), work.divide(value, small));
            }
            _ => {}
        }
    }
}

fn shopping(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let (name, [first, second]) = (draw.pick(&NAMES), two(draw, &THINGS));
    let numbers = [draw.within(2..=6), draw.within(2..=6)];
    let prices = [draw.within(2..=9), draw.within(2..=9)];
    let parts = [0, 1].map(|index| work.multiply(numbers[index], prices[index]));
    let total = work.add(parts[0], parts[1]);
    let question = format!(
        "{name} buys {} {first} at {} euros each and {} {second} at {} euros each. How many euros is that?",
        numbers[0], prices[0], numbers[1], prices[1]
    );
    (question, total.to_string())
}

fn change(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let (name, thing) = (draw.pick(&NAMES), draw.pick(&THINGS));
    let (number, price) = (draw.within(2..=6), draw.within(2..=9));
    let cost = work.multiply(number, price);
    let note = if cost < 20 { 20 } else { 60 };
    let left = work.subtract(note, cost);
    let question = format!(
        "{name} buys {number} {thing} at {price} euros each and pays with {note} euros. How many euros come back?"
    );
    (question, left.to_string())
}

fn sharing(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let ([giver, taker], thing) = (two(draw, &NAMES), draw.pick(&THINGS));
    let (people, part, found) = (draw.within(2..=6), draw.within(2..=9), draw.within(3..=20));
    let each = work.divide(people * part, people);
    let total = work.add(each, found);
    let question = format!(
        "{giver} shares {} {thing} equally among {people} children. {taker} is one of them and had {found} {thing} before. \
         How many {thing} does {taker} have now?",
        people * part
    );
    (question, total.to_string())
}

fn ages(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let [younger, older] = two(draw, &NAMES);
    let (age, difference, factor) = (draw.within(3..=12), draw.within(2..=8), draw.within(2..=3));
    let older_age = work.add(age, difference);
    let parent = work.multiply(older_age, factor);
    let together = work.add(parent, age);
    let question = format!(
        "{younger} is {age} years old. {older} is {difference} years older. Their aunt is {factor} times as old as {older}. \
         How old are {younger} and the aunt together?"
    );
    (question, together.to_string())
}

fn mean(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let (first, second) = (draw.within(2..=15), draw.within(2..=15));
    // The third number makes the sum a multiple of 3.
    let third = 3 * draw.within(1..=5) - (first + second) % 3;
    let sum = work.add(first, second);
    let sum = work.add(sum, third);
    let mean = work.divide(sum, 3);
    (format!("What is the mean of {first}, {second} and {third}?"), mean.to_string())
}

fn share(draw: &mut Draw, work: &mut Work) -> (String, String) {
    let (name, thing) = (draw.pick(&NAMES), draw.pick(&THINGS));
    let (factor, denominator) = (draw.within(2..=5), draw.within(2..=6));
    let numerator = draw.within(1..=denominator - 1);
    let (red, all) = (factor * numerator, factor * denominator);
    let blue = work.subtract(all, red);
    let answer = work.cancel(blue, all);
    let question = format!(
        "{name} has {all} {thing}. {red} of them are red, the others blue. What fraction of the {thing} is blue?"
    );
    (question, answer)
}
