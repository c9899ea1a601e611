//! Synthetic problems with the thinking of the solvers that solve them: the shipped data of this project.
//!
//! Each family of problems is a module of `families`: it draws a problem, words it in English or Chinese, and solves
//! it line by line. How long the thinking gets follows from the structure of the problem (how many terms, rounds,
//! digits, statements), never from how long the question is: openings, names and facts that do not matter are drawn
//! apart. Everything is a function of one seed.

mod draw;
mod export;
mod families;
mod language;
mod problem;
mod solutions;
mod tokens;
mod whole;
mod wording;
mod work;

pub use draw::Draw;
pub use export::{table, write};
pub use families::Family;
pub use language::Language;
pub use problem::{CLASS_WIDTH, CLASSES, NUM_PROBLEMS, Problem, Structure, generate};
pub use solutions::{Numbering, SOLUTIONS_FILE, solutions, write_solutions};
pub use tokens::estimate_tokens;
pub use work::Solution;
