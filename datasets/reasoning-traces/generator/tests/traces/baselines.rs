//! What the length of the thinking follows from: the structure of a problem, and not the looks of its question.

use std::collections::BTreeMap;

use forethought_evaluate::{Labelled, Neighbours, NeighboursConfig};
use forethought_reasoning_traces::{CLASS_WIDTH, Problem, estimate_tokens};

use crate::PROBLEMS;

fn thinking_tokens(problem: &Problem) -> f64 {
    estimate_tokens(&problem.solution.thinking) as f64
}

/// Least squares: the fitted value of every row. Rows of features, one target for each.
fn fitted(features: &[Vec<f64>], targets: &[f64]) -> Vec<f64> {
    let width = features[0].len();
    let mut system = vec![vec![0.0; width + 1]; width];
    for (row, target) in features.iter().zip(targets) {
        for i in 0..width {
            for j in 0..width {
                system[i][j] += row[i] * row[j];
            }
            system[i][width] += row[i] * target;
        }
    }
    let weights = solve(system);
    let value = |row: &Vec<f64>| row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
    features.iter().map(value).collect()
}

/// Gauss and Jordan's elimination with pivots; a column without one gets the weight 0.
fn solve(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let width = system.len();
    let mut weights = vec![0.0; width];
    let mut pivots = Vec::new();
    for column in 0..width {
        let start = pivots.len();
        let size = |&row: &usize| system[row][column].abs();
        let pivot = (start..width).max_by(|a, b| size(a).total_cmp(&size(b)));
        let Some(pivot) = pivot.filter(|row| size(row) > 1e-7) else { continue };
        system.swap(start, pivot);
        let lead = system[start].clone();
        for (_, row) in system.iter_mut().enumerate().filter(|(index, _)| *index != start) {
            let factor = row[column] / lead[column];
            row.iter_mut().zip(&lead).for_each(|(value, lead)| *value -= factor * lead);
        }
        pivots.push(column);
    }
    for (row, &column) in pivots.iter().enumerate() {
        weights[column] = system[row][width] / system[row][column];
    }
    weights
}

#[test]
fn the_length_of_the_question_explains_almost_nothing() {
    let features: Vec<Vec<f64>> =
        PROBLEMS.iter().map(|problem| vec![1.0, problem.question.chars().count() as f64]).collect();
    let targets: Vec<f64> = PROBLEMS.iter().map(thinking_tokens).collect();
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    let values = fitted(&features, &targets);
    let squares =
        |of: &dyn Fn(usize) -> f64| (0..targets.len()).map(|i| of(i).powi(2)).sum::<f64>();
    let left = squares(&|i| targets[i] - values[i]) / squares(&|i| targets[i] - mean);
    assert!(1.0 - left < 0.1, "R² is {}", 1.0 - left);
}

/// 1, every size, and every product of two sizes.
fn features(sizes: &[f64]) -> Vec<f64> {
    let pairs = (0..sizes.len()).flat_map(|i| (i..sizes.len()).map(move |j| (i, j)));
    let products = pairs.map(|(i, j)| sizes[i] * sizes[j]);
    [1.0].into_iter().chain(sizes.iter().copied()).chain(products).collect()
}

#[test]
fn the_structure_of_a_problem_tells_its_class() {
    let mut groups = BTreeMap::<_, Vec<&Problem>>::new();
    for problem in PROBLEMS.iter() {
        let key = (problem.family, problem.structure.kind, problem.language);
        groups.entry(key).or_default().push(problem);
    }
    let (mut exact, mut near) = (0, 0);
    for group in groups.values() {
        let rows: Vec<_> = group.iter().map(|problem| features(&problem.structure.sizes)).collect();
        let targets: Vec<_> = group.iter().map(|problem| thinking_tokens(problem)).collect();
        for (value, target) in fitted(&rows, &targets).into_iter().zip(&targets) {
            let class = |tokens: f64| (tokens / CLASS_WIDTH as f64).floor();
            let apart = (class(value) - class(*target)).abs();
            exact += usize::from(apart < 0.5);
            near += usize::from(apart < 1.5);
        }
    }
    assert!(exact * 100 >= PROBLEMS.len() * 70, "{exact} of {} exact", PROBLEMS.len());
    assert!(near * 100 >= PROBLEMS.len() * 98, "{near} of {} within 1", PROBLEMS.len());
}

#[test]
fn questions_that_look_alike_do_not_take_alike_long() {
    let class = |problem: &Problem| u32::try_from(problem.estimated_class()).unwrap();
    let train: Vec<Labelled> = PROBLEMS[..9_000]
        .iter()
        .map(|problem| Labelled { question: &problem.question, class: class(problem) })
        .collect();
    let neighbours = Neighbours::fit(&train, &NeighboursConfig::default()).unwrap();
    let asked = &PROBLEMS[9_000..10_000];
    let errors: Vec<u32> = asked
        .iter()
        .map(|problem| neighbours.predict(&problem.question).abs_diff(class(problem)))
        .collect();
    let share = |most| errors.iter().filter(|&&error| error <= most).count() as f64 / 1_000.0;
    assert!(share(0) < 0.25, "{} exact", share(0));
    assert!(share(1) < 0.45, "{} within 1", share(1));
}
