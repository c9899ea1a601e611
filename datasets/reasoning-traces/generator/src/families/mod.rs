//! The families of problems. Each module draws a problem, words it and solves it, and tests its answers by brute force.

mod averages;
mod bases;
mod calendar;
mod columns;
mod counting;
mod divisibility;
mod divisors;
mod equations;
mod liars;
mod ordering;
mod probability;
mod product;
mod program;
mod quadratic;
mod savings;
mod sequence;
mod sets;
mod units;

use crate::draw::Draw;
use crate::language::Language;
use crate::problem::Structure;
use crate::work::Solution;

/// A drawn problem.
pub(crate) trait Puzzle {
    /// The core of the question, without openings and idle facts; only the wording is random.
    fn question(&self, language: Language, draw: &mut Draw) -> String;

    /// Thinks about it line by line, up to the answer.
    fn solve(&self, language: Language) -> Solution;

    /// What decides how long that takes.
    fn structure(&self) -> Structure;
}

macro_rules! families {
    ($($family:ident, $name:literal, $puzzle:path, $doc:literal;)*) => {
        /// A family of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Family {
            $(#[doc = $doc] $family,)*
        }

        impl Family {
            /// All families.
            pub const ALL: &'static [Self] = &[$(Self::$family,)*];

            /// The name, as the `family` column has it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$family => $name,)*
                }
            }

            /// Draws a problem whose thinking takes about `budget` tokens, as far as the family reaches.
            pub(crate) fn draw(self, budget: usize, draw: &mut Draw) -> Box<dyn Puzzle> {
                match self {
                    $(Self::$family => Box::new(<$puzzle>::draw(budget, draw)),)*
                }
            }
        }
    };
}

families! {
    Averages, "averages", averages::Averages, "Mean, median and spread of a list.";
    Bases, "bases", bases::Bases, "Numbers written in other bases.";
    Calendar, "calendar", calendar::Calendar, "Weekdays and dates.";
    Columns, "columns", columns::Columns, "Addition and subtraction of long numbers, column by column.";
    Counting, "counting", counting::Counting, "Ways to climb stairs and to cross a grid.";
    Divisibility, "divisibility", divisibility::Divisibility, "Tests of divisibility, and Euclid's algorithm.";
    Divisors, "divisors", divisors::Divisors, "The divisors of a number.";
    Equations, "equations", equations::Equations, "Linear equations.";
    Liars, "liars", liars::Liars, "Who did it, when only so many statements are true.";
    Ordering, "ordering", ordering::Ordering, "People put in order by comparisons.";
    Probability, "probability", probability::Probability, "Spinners, dice and bags of balls.";
    Product, "product", product::Product, "Multiplication of long numbers, digit by digit.";
    Program, "program", program::Program, "Short programs with a loop.";
    Quadratic, "quadratic", quadratic::Quadratic, "Quadratic equations and values.";
    Savings, "savings", savings::Savings, "Word problems in which something grows week by week.";
    Sequence, "sequence", sequence::Sequence, "Terms and sums of sequences.";
    Sets, "sets", sets::Sets, "Numbers with given properties.";
    Units, "units", units::Units, "Conversions of units, and timetables.";
}

#[cfg(test)]
pub(crate) mod tests {
    use forethought_seed::Seed;

    use super::*;

    /// Budgets from the shortest to the longest thinking.
    pub(crate) const BUDGETS: [usize; 5] = [30, 90, 200, 350, 610];

    /// Streams for as many draws.
    pub(crate) fn draws(purpose: &str, count: u64) -> impl Iterator<Item = Draw> {
        (0..count).map(move |index| Draw::new(Seed::new(11).stream(purpose, &[index])))
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Family::ALL.iter().map(|family| family.name()).collect();
        names.dedup();
        assert_eq!(names.len(), Family::ALL.len());
        assert!(names.is_sorted());
    }
}
