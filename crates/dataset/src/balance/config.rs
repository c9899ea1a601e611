//! The settings of balancing and splitting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::DatasetError;

/// What becomes of a training split above its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Whole classes are left out, those with the most examples first (of equals, the longer thinking), until the
    /// others fit.
    #[default]
    DropLargestClasses,
    /// Every class gives fewer examples, all the same number.
    Subsample,
}

/// What the size of the validation split is a share of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShareOf {
    /// Of the training split: drawn from what training leaves over, from all classes as evenly as it allows.
    #[default]
    Training,
    /// Of the examples of each class: held out before training is drawn, so that every class is validated.
    EachClass,
}

/// How large the validation split is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidationConfig {
    /// The share, above 0 and below 1. Default 0.25, that of the first published setting.
    #[serde(default = "default_ratio")]
    pub ratio: f64,
    /// What it is a share of. Default `training`, as in the first two published settings.
    #[serde(default)]
    pub of: ShareOf,
}

fn default_ratio() -> f64 {
    0.25
}

impl Default for ValidationConfig {
    fn default() -> Self {
        Self { ratio: default_ratio(), of: ShareOf::default() }
    }
}

/// Which classes are kept, and how many examples of each go where.
///
/// ```
/// use forethought_dataset::BalanceConfig;
///
/// let config = BalanceConfig { min_count: 1100, max_count: Some(1000), ..BalanceConfig::default() };
/// let error = config.check().expect_err("no count is in this range");
/// assert_eq!(error.to_string(), "max_count must be at least min_count = 1100, got 1000");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceConfig {
    /// Classes with fewer examples are left out; at least 1. Default 312, that of the first published setting.
    #[serde(default = "default_min_count")]
    pub min_count: usize,
    /// Classes with more examples are left out; at least `min_count`. Default: no limit.
    #[serde(default)]
    pub max_count: Option<usize>,
    /// Examples of the training split, at most; at least 1. Default: no limit.
    #[serde(default)]
    pub max_train: Option<usize>,
    /// What becomes of a training split above `max_train`. Default `drop_largest_classes`, as in the first published
    /// setting.
    #[serde(default)]
    pub overflow: Overflow,
    /// How large the validation split is.
    #[serde(default)]
    pub validation: ValidationConfig,
}

fn default_min_count() -> usize {
    312
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self {
            min_count: default_min_count(),
            max_count: None,
            max_train: None,
            overflow: Overflow::default(),
            validation: ValidationConfig::default(),
        }
    }
}

impl BalanceConfig {
    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// The first setting out of its range, with the rule and the value.
    pub fn check(&self) -> Result<(), DatasetError> {
        let error = |field, rule: &str, found: String| {
            Err(DatasetError::Setting { field, rule: rule.to_owned(), found })
        };
        let ratio = self.validation.ratio;
        if self.min_count == 0 {
            return error("min_count", "at least 1", "0".to_owned());
        }
        if let Some(max_count) = self.max_count.filter(|max_count| *max_count < self.min_count) {
            let rule = format!("at least min_count = {}", self.min_count);
            return error("max_count", &rule, max_count.to_string());
        }
        if self.max_train == Some(0) {
            return error("max_train", "at least 1", "0".to_owned());
        }
        if !(0.0 < ratio && ratio < 1.0) {
            return error("validation.ratio", "above 0 and below 1", ratio.to_string());
        }
        Ok(())
    }

    /// The share of a number of examples, rounded down as the published scripts do.
    pub(super) fn share(&self, examples: usize) -> usize {
        // The product is positive and below `examples`. A hair above it, because 0.29 * 100 is 28.999…
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let share = (self.validation.ratio * examples as f64 + 1e-9).floor() as usize;
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_but_not_by_rounding_errors() {
        let share = |ratio, examples| {
            let validation = ValidationConfig { ratio, ..ValidationConfig::default() };
            BalanceConfig { validation, ..BalanceConfig::default() }.share(examples)
        };
        assert_eq!(share(0.29, 100), 29);
        assert_eq!(share(0.25, 9000), 2250);
        assert_eq!(share(0.2, 9), 1);
        assert_eq!(share(0.2, 4), 0);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let error = |config: BalanceConfig| config.check().expect_err("out of range").to_string();
        let config = BalanceConfig::default;
        assert_eq!(
            error(BalanceConfig { min_count: 0, ..config() }),
            "min_count must be at least 1, got 0"
        );
        assert_eq!(
            error(BalanceConfig { max_train: Some(0), ..config() }),
            "max_train must be at least 1, got 0"
        );
        for ratio in [0.0, 1.0, -0.5, f64::NAN] {
            let validation = ValidationConfig { ratio, ..ValidationConfig::default() };
            assert_eq!(
                error(BalanceConfig { validation, ..config() }),
                format!("validation.ratio must be above 0 and below 1, got {ratio}")
            );
        }
    }

    #[test]
    fn yaml_is_strict_and_its_defaults_are_the_first_published_setting() {
        let parse = |yaml: &str| {
            serde_yaml::from_str::<BalanceConfig>(yaml)
                .map_err(|error: serde_yaml::Error| error.to_string())
        };
        assert_eq!(parse("{}"), Ok(BalanceConfig::default()));
        let config = parse("{overflow: subsample, validation: {of: each_class}}").expect("valid");
        assert_eq!(config.overflow, Overflow::Subsample);
        let each = ValidationConfig { ratio: 0.25, of: ShareOf::EachClass };
        assert_eq!(config.validation, each);
        assert!(parse("min_cuont: 3").is_err_and(|error| error.contains("`min_cuont`")));
        assert!(parse("validation: {share: 1}").is_err_and(|error| error.contains("`share`")));
    }
}
