//! Balanced classes, split by question.

mod config;
mod groups;

use std::collections::{BTreeMap, BTreeSet};

use forethought_schema::LabelledQuestion;
use forethought_seed::Seed;
use serde::{Deserialize, Serialize};

pub use config::{BalanceConfig, Overflow, ShareOf, ValidationConfig};

use crate::error::DatasetError;
use crate::ledger::Ledger;
use crate::names::Names;
use crate::question::{Fingerprint, normalised};
use groups::{Fate, PerClass, Questions, Reason, Side, Told, spread};

/// The name of the stage in its ledger.
const STAGE: &str = "balance";

/// What became of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassFate {
    /// It is in the splits.
    Kept,
    /// It has fewer than `min_count` examples.
    TooSmall,
    /// It has more than `max_count` examples.
    TooLarge,
    /// It was left out to keep training at `max_train`.
    OverMaxTrain,
    /// It is too far from the mean, see [`clean`](crate::clean).
    Outlier,
}

/// One class before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCount {
    /// The class.
    pub class: u32,
    /// Its examples before balancing.
    pub count: usize,
    /// Its examples in the training split.
    pub train: usize,
    /// Its examples in the validation split.
    pub validation: usize,
    /// What became of it.
    pub fate: ClassFate,
}

/// Two splits that share no question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balanced {
    /// The training split, shuffled by the seed; every class has the same number of examples.
    pub train: Vec<LabelledQuestion>,
    /// The validation split, shuffled by the seed.
    pub validation: Vec<LabelledQuestion>,
    /// The size the validation split should have; it is smaller where training leaves too few examples over.
    pub wanted_validation: usize,
    /// Every class of the input, in ascending order.
    pub classes: Vec<ClassCount>,
    /// What became of every row.
    pub ledger: Ledger,
}

/// Which rows are in the two splits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The places of the training split in the order of its rows, counted from 0 in the order the rows were told.
    pub train: Vec<usize>,
    /// The same of the validation split.
    pub validation: Vec<usize>,
    /// As in [`Balanced::wanted_validation`].
    pub wanted_validation: usize,
    /// As in [`Balanced::classes`].
    pub classes: Vec<ClassCount>,
    /// What became of every row.
    pub ledger: Ledger,
}

/// Leaves out classes that are too small or too large, gives every other the same number of training examples, and
/// holds out questions for validation.
///
/// The splits depend on the seed and on the rows, not on the order the rows are in. All rows of one question, compared
/// without regard to white space, go to one side. `docs/algorithms/dataset.md` has the rules.
///
/// # Errors
///
/// If a setting is out of its range, or nothing is left for training or for validation.
pub fn balance(
    labelled: Vec<LabelledQuestion>,
    config: &BalanceConfig,
    seed: Seed,
) -> Result<Balanced, DatasetError> {
    let mut balancer = Balancer::new(seed);
    for row in &labelled {
        balancer.tell(row);
    }
    let Drawn { train, validation, wanted_validation, classes, ledger } = balancer.draw(config)?;
    let mut rows: Vec<Option<LabelledQuestion>> = labelled.into_iter().map(Some).collect();
    let mut pick = |places: Vec<usize>| -> Vec<LabelledQuestion> {
        places.into_iter().filter_map(|place| rows[place].take()).collect()
    };
    let (train, validation) = (pick(train), pick(validation));
    Ok(Balanced { train, validation, wanted_validation, classes, ledger })
}

/// [`balance`] for rows that nobody wants to hold: it is told each, remembers some 60 bytes of it, and says at the end
/// which are in the splits.
///
/// ```
/// use forethought_dataset::{BalanceConfig, Balancer};
/// use forethought_schema::LabelledQuestion;
/// use forethought_seed::Seed;
///
/// let mut balancer = Balancer::new(Seed::new(42));
/// for row in 1..=9 {
///     let question = format!("{row} + 1?");
///     balancer.tell(&LabelledQuestion { file: "f".into(), row, question, amount: 3, class: (row % 2) as u32 });
/// }
/// let drawn = balancer.draw(&BalanceConfig { min_count: 1, ..BalanceConfig::default() })?;
/// assert_eq!((drawn.train.len(), drawn.validation.len()), (8, 1));
/// # Ok::<(), forethought_dataset::DatasetError>(())
/// ```
#[derive(Debug)]
pub struct Balancer {
    seed: Seed,
    rows: Vec<Told>,
    files: Names,
}

impl Balancer {
    /// Knows of no row yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { seed, rows: Vec::new(), files: Names::default() }
    }

    /// Tells of the next row.
    pub fn tell(&mut self, row: &LabelledQuestion) {
        let question = normalised(&row.question);
        let file = self.files.place(&row.file);
        self.rows.push(Told {
            draw: self.seed.key(STAGE, question.as_bytes()),
            question: Fingerprint::of(question.as_bytes()),
            class: row.class,
            amount: row.amount,
            file,
            row: row.row,
            index: self.rows.len(),
        });
    }

    /// Says which rows are in the splits.
    ///
    /// # Errors
    ///
    /// As [`balance`].
    pub fn draw(self, config: &BalanceConfig) -> Result<Drawn, DatasetError> {
        config.check()?;
        let mut splitter = Splitter::new(self, config);
        match config.validation.of {
            ShareOf::Training => splitter.train_first()?,
            ShareOf::EachClass => splitter.validation_first()?,
        }
        splitter.finish()
    }
}

/// The work in progress.
struct Splitter<'a> {
    config: &'a BalanceConfig,
    /// The names of the files in their order.
    files: Vec<String>,
    questions: Questions,
    /// Examples of every class of the input.
    counts: PerClass,
    fates: BTreeMap<u32, ClassFate>,
    wanted_validation: usize,
}

impl<'a> Splitter<'a> {
    /// Questions the rows and leaves out the classes that are too small or too large.
    fn new(balancer: Balancer, config: &'a BalanceConfig) -> Self {
        let Balancer { mut rows, files, .. } = balancer;
        let ranks = files.ranks();
        for row in &mut rows {
            row.file = ranks[row.file];
        }
        let mut files = files.met();
        files.sort_unstable();
        let mut questions = Questions::new(rows);
        let counts = questions.counts();
        let fate = |count: usize| {
            if count < config.min_count {
                ClassFate::TooSmall
            } else if config.max_count.is_some_and(|max_count| count > max_count) {
                ClassFate::TooLarge
            } else {
                ClassFate::Kept
            }
        };
        let fates: BTreeMap<u32, ClassFate> =
            counts.iter().map(|(class, count)| (*class, fate(*count))).collect();
        questions.drop_classes(Reason::ClassTooSmall, |class| fates[&class] == ClassFate::TooSmall);
        questions.drop_classes(Reason::ClassTooLarge, |class| fates[&class] == ClassFate::TooLarge);
        Self { config, files, questions, counts, fates, wanted_validation: 0 }
    }

    /// Training takes the count of the smallest class from each; validation is drawn from what is left.
    fn train_first(&mut self) -> Result<(), DatasetError> {
        let available = self.questions.available();
        let train = self.draw_train(available)?;
        self.wanted_validation = self.config.share(train);
        let parts = spread(self.wanted_validation, &self.questions.available());
        self.questions.draw(Side::Validation, parts);
        Ok(())
    }

    /// Validation takes its share of each class; training takes from each what the scarcest has left.
    fn validation_first(&mut self) -> Result<(), DatasetError> {
        let shares: PerClass = self
            .questions
            .available()
            .into_iter()
            .map(|(class, count)| (class, self.config.share(count)))
            .collect();
        self.questions.draw(Side::Validation, shares.clone());
        let mut available = self.questions.available();
        // A class may have lost its last rows to questions that other classes gave to validation.
        for class in shares.keys() {
            available.entry(*class).or_default();
        }
        self.draw_train(available)?;
        let kept = |class: &u32| self.fates[class] == ClassFate::Kept;
        self.wanted_validation =
            shares.iter().filter(|(class, _)| kept(class)).map(|(_, share)| share).sum();
        Ok(())
    }

    /// Draws the same number of each class and returns how many in all.
    fn draw_train(&mut self, available: PerClass) -> Result<usize, DatasetError> {
        let Some(smallest) = available.values().copied().min() else {
            let reason = self.no_class_left();
            return Err(self.empty("training", reason));
        };
        let limit = self.config.max_train.unwrap_or(usize::MAX);
        let (part, classes) = match self.config.overflow {
            Overflow::DropLargestClasses => {
                (smallest, self.drop_largest(available, limit / smallest.max(1)))
            }
            Overflow::Subsample => {
                (smallest.min(limit / available.len()), available.into_keys().collect())
            }
        };
        let train = part * classes.len();
        if train == 0 {
            return Err(self.empty("training", no_room(smallest, limit)));
        }
        self.questions.draw(Side::Train, classes.into_iter().map(|class| (class, part)).collect());
        Ok(train)
    }

    /// Leaves out the classes with the most examples until at most `fitting` are left, and returns those.
    fn drop_largest(&mut self, available: PerClass, fitting: usize) -> BTreeSet<u32> {
        let mut smallest_first: Vec<u32> = available.into_keys().collect();
        smallest_first.sort_by_key(|class| (self.counts[class], *class));
        let dropped = smallest_first.split_off(fitting.min(smallest_first.len()));
        for class in &dropped {
            self.fates.insert(*class, ClassFate::OverMaxTrain);
        }
        self.questions.drop_classes(Reason::ClassOverMaxTrain, |class| dropped.contains(&class));
        smallest_first.into_iter().collect()
    }

    fn finish(mut self) -> Result<Drawn, DatasetError> {
        self.questions.drop_open(Reason::BeyondClassShare);
        let ledger = self.ledger();
        ledger.check()?;
        let validation = self.questions.places(Side::Validation);
        if validation.is_empty() {
            let reason = self.no_validation();
            return Err(self.empty("validation", reason));
        }
        Ok(Drawn {
            train: self.questions.places(Side::Train),
            validation,
            wanted_validation: self.wanted_validation,
            classes: self.classes(),
            ledger,
        })
    }

    fn classes(&self) -> Vec<ClassCount> {
        let (train, validation) =
            (self.questions.kept(Side::Train), self.questions.kept(Side::Validation));
        let of = |counts: &PerClass, class| counts.get(&class).copied().unwrap_or(0);
        self.counts
            .iter()
            .map(|(&class, &count)| ClassCount {
                class,
                count,
                train: of(&train, class),
                validation: of(&validation, class),
                fate: self.fates[&class],
            })
            .collect()
    }

    /// Files and rows in ascending order, where a reader looks for them.
    fn ledger(&self) -> Ledger {
        let rows = self.questions.rows.iter().zip(&self.questions.fates);
        let mut rows: Vec<(usize, u64, Fate)> =
            rows.map(|(row, fate)| (row.file, row.row, *fate)).collect();
        rows.sort_by_key(|(file, row, _)| (*file, *row));
        let mut ledger = Ledger::new(STAGE);
        for (file, row, fate) in rows {
            let entry = ledger.entry(&self.files[file]);
            entry.count_read(1);
            match fate {
                Fate::Kept(Side::Train) => entry.keep("train"),
                Fate::Kept(Side::Validation) => entry.keep("validation"),
                Fate::Dropped(reason) => entry.drop_row(row, reason.as_str()),
                // `finish` drops what is open before; an open row would be missing from the sums and found by `check`.
                Fate::Open => {}
            }
        }
        ledger
    }

    /// The error of a split without examples; its table accounts for every row so far.
    fn empty(&mut self, split: &'static str, reason: String) -> DatasetError {
        self.questions.drop_open(Reason::BeyondClassShare);
        DatasetError::EmptySplit { split, reason, table: self.ledger().to_table() }
    }

    /// Why validation has no example, and what to change.
    fn no_validation(&self) -> String {
        let ratio = self.config.validation.ratio;
        if self.wanted_validation == 0 {
            return format!("a share of {ratio} rounds to no example; raise validation.ratio");
        }
        let over = self.fates.values().filter(|fate| **fate == ClassFate::OverMaxTrain).count();
        let hold_out =
            "or hold out questions before training is drawn with validation.of: each_class";
        match (over, self.config.max_train) {
            (0, _) => format!(
                "training takes as many of each class as the smallest has, and no class has more; set max_train below that \
                 with overflow: subsample, {hold_out}"
            ),
            (_, limit) => format!(
                "training takes every example of the smaller classes, and {over} larger ones are left out for max_train = {}; \
                 set overflow: subsample, which takes fewer of every class, {hold_out}",
                limit.unwrap_or_default()
            ),
        }
    }

    fn no_class_left(&self) -> String {
        let config = self.config;
        let above = config.max_count.map_or(String::new(), |max_count| format!(" to {max_count}"));
        let range = format!("min_count = {}{above}", config.min_count);
        match self.counts.iter().max_by_key(|(_, count)| **count) {
            None => "there is no example".to_owned(),
            Some((class, count)) => format!(
                "none of {} classes has {range} examples; the largest, class {class}, has {count}",
                self.counts.len()
            ),
        }
    }
}

/// Why no class gives an example to training, and what to change.
fn no_room(smallest: usize, limit: usize) -> String {
    if smallest == 0 {
        "the questions held out for validation leave none of some class; lower validation.ratio or raise min_count"
            .to_owned()
    } else {
        format!(
            "max_train = {limit} has no room for {smallest} examples of one class (overflow: drop_largest_classes) or \
             for one of each (overflow: subsample); raise it"
        )
    }
}
