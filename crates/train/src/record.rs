//! What is known about one finished step: a line of `metrics.jsonl` and a point of every curve.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// One finished optimiser step. As JSON it is one flat object, the metrics after the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Number of finished steps, this one included: the first is 1.
    pub step: u64,
    /// Stage that trained, e.g. `sft`.
    pub stage: String,
    /// Loss of the step, before its update.
    pub loss: f64,
    /// Global norm of the gradients before clipping.
    pub grad_norm: f64,
    /// Learning rate of the update.
    pub learning_rate: f64,
    /// Tokens trained on, per second of the whole step, making its batches included.
    pub tokens_per_second: f64,
    /// Metrics under TRL's names, first those of the batch source, then those of the loss. NaN is `null` in JSON.
    pub metrics: Vec<(String, f64)>,
    /// What looks wrong since this step, in words; see [`diagnose`](crate::diagnose). In JSON the key is left out where there
    /// is nothing to say.
    pub diagnosis: Vec<String>,
}

impl StepRecord {
    /// A step of which no number is known yet.
    #[must_use]
    pub fn new(stage: impl Into<String>, step: u64) -> Self {
        Self {
            step,
            stage: stage.into(),
            loss: f64::NAN,
            grad_norm: f64::NAN,
            learning_rate: f64::NAN,
            tokens_per_second: f64::NAN,
            metrics: Vec::new(),
            diagnosis: Vec::new(),
        }
    }

    /// Every number of the step that is one, with its name.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, f64)> {
        let fields = [
            ("loss", self.loss),
            ("grad_norm", self.grad_norm),
            ("learning_rate", self.learning_rate),
            ("tokens_per_second", self.tokens_per_second),
        ];
        let metrics = self.metrics.iter().map(|(name, value)| (name.as_str(), *value));
        fields.into_iter().chain(metrics).filter(|(_, value)| value.is_finite())
    }

    /// The record with 0 for every −0, which is what sums of nothing and negated counts come to.
    pub(crate) fn without_negative_zeros(mut self) -> Self {
        let fields = [
            &mut self.loss,
            &mut self.grad_norm,
            &mut self.learning_rate,
            &mut self.tokens_per_second,
        ];
        let metrics = self.metrics.iter_mut().map(|(_, value)| value);
        // -0 + 0 is 0, and every other number stays.
        fields.into_iter().chain(metrics).for_each(|value| *value += 0.0);
        self
    }

    /// The metric with this name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| known == name).map(|&(_, value)| value)
    }
}

/// The key of [`StepRecord::diagnosis`].
const DIAGNOSIS: &str = "diagnosis";

impl Serialize for StepRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(6 + self.metrics.len()))?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("stage", &self.stage)?;
        map.serialize_entry("loss", &self.loss)?;
        map.serialize_entry("grad_norm", &self.grad_norm)?;
        map.serialize_entry("learning_rate", &self.learning_rate)?;
        map.serialize_entry("tokens_per_second", &self.tokens_per_second)?;
        for (name, value) in &self.metrics {
            map.serialize_entry(name, value)?;
        }
        if !self.diagnosis.is_empty() {
            map.serialize_entry(DIAGNOSIS, &self.diagnosis)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for StepRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let diagnosis = map.shift_remove(DIAGNOSIS).map(serde_json::from_value).transpose();
        let diagnosis = diagnosis.map_err(D::Error::custom)?.unwrap_or_default();
        let mut take = |field: &'static str| {
            map.shift_remove(field).ok_or_else(|| D::Error::missing_field(field))
        };
        let step = take("step")?.as_u64().ok_or_else(|| D::Error::custom("step is no count"))?;
        let stage = take("stage")?;
        let stage = stage.as_str().ok_or_else(|| D::Error::custom("stage is no text"))?.to_owned();
        let [loss, grad_norm, learning_rate, tokens_per_second] =
            ["loss", "grad_norm", "learning_rate", "tokens_per_second"].map(&mut take);
        Ok(Self {
            step,
            stage,
            loss: number(&loss?)?,
            grad_norm: number(&grad_norm?)?,
            learning_rate: number(&learning_rate?)?,
            tokens_per_second: number(&tokens_per_second?)?,
            metrics: map
                .iter()
                .map(|(name, value)| Ok((name.clone(), number(value)?)))
                .collect::<Result<_, D::Error>>()?,
            diagnosis,
        })
    }
}

/// JSON has no NaN: it is written, and read, as `null`.
fn number<E: serde::de::Error>(value: &Value) -> Result<f64, E> {
    match value {
        Value::Null => Ok(f64::NAN),
        value => value.as_f64().ok_or_else(|| E::custom(format!("{value} is no number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_and_comes_back_equal() {
        let record = StepRecord {
            step: 3,
            stage: "grpo".to_owned(),
            loss: 0.1 + 0.2,
            grad_norm: 1.5,
            learning_rate: 1e-6,
            tokens_per_second: 812.0,
            metrics: vec![("reward".to_owned(), 6.25), ("kl".to_owned(), 0.5)],
            diagnosis: vec!["the loss is 0".to_owned()],
        };
        let json = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(
            json,
            r#"{"step":3,"stage":"grpo","loss":0.30000000000000004,"grad_norm":1.5,"learning_rate":1e-6,"tokens_per_second":812.0,"reward":6.25,"kl":0.5,"diagnosis":["the loss is 0"]}"#
        );
        assert_eq!(serde_json::from_str::<StepRecord>(&json).expect("own line"), record);
    }

    #[test]
    fn not_a_number_survives_as_null() {
        let line = r#"{"step":1,"stage":"s","loss":0.5,"grad_norm":1,"learning_rate":0,"tokens_per_second":1,"kl":null}"#;
        let record: StepRecord = serde_json::from_str(line).expect("null is NaN");
        assert!(record.metric("kl").expect("it is there").is_nan());
        assert_eq!(record.metric("reward"), None);
    }

    #[test]
    fn a_negative_zero_is_logged_as_zero_and_nothing_else_changes() {
        let record = StepRecord {
            loss: -0.0,
            grad_norm: -1.5,
            metrics: vec![("tokens/not_finite".to_owned(), -0.0), ("kl".to_owned(), f64::NAN)],
            ..StepRecord::new("grpo", 1)
        };
        let json = serde_json::to_string(&record.without_negative_zeros()).expect("JSON");
        assert!(json.contains(r#""loss":0.0,"grad_norm":-1.5"#), "{json}");
        assert!(json.contains(r#""tokens/not_finite":0.0,"kl":null"#), "{json}");
    }
}
