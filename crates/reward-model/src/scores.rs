//! What scores say, as numbers between 0 and 1.

/// The logistic function of a score. It is exact for large scores of both signs.
///
/// ```
/// use forethought_reward_model::sigmoid;
///
/// assert_eq!([sigmoid(0.0), sigmoid(-200.0), sigmoid(200.0)], [0.5, 0.0, 1.0]);
/// ```
#[must_use]
pub fn sigmoid(score: f32) -> f32 {
    // Of a negative number `exp` does not overflow.
    let small = (-score.abs()).exp();
    if score < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) }
}

/// How probably the first completion is preferred to the second, by their scores; Bradley and Terry 1952.
#[must_use]
pub fn preference_probability(score: f32, other_score: f32) -> f32 {
    sigmoid(score - other_score)
}
