//! The shapes in which programs of the field keep rows of text; and pairs of a better and a worse completion.
//!
//! - [`Shape`] is the closed list of shapes: those of TRL, of LLaMA-Factory, of `CValues`, GSM8K and MATH, and plain ones.
//! - [`Declared::resolve`] says which of them rows have, by what is declared and by what their columns hold.
//! - [`Layout`] reads rows of a shape into examples and writes them back; [`convert`] makes one kind of record another, and
//!   says what it loses.
//! - [`DatasetEntry`] is LLaMA-Factory's index of data sets.
//! - [`PairingRule`] makes a wrong class beside a true one; [`class_pairs`] makes pairs of them. [`unpair`] takes pairs
//!   apart.
//!
//! Nothing here reads files: a row is a JSON object, wherever it came from.
//!
//! ```
//! use forethought_preference::{Declared, Layout, Shape};
//! use serde_json::{Value, json};
//!
//! let row = json!({"prompt": "May I?", "pos_resp": "You may.", "neg_resp": "Never!", "pos_type": "polite"});
//! let columns = ["prompt", "pos_resp", "neg_resp", "pos_type"].map(String::from);
//! let found = Declared::default().resolve(&columns, &[row.clone()])?;
//! assert_eq!(found.layout.shape(), Shape::CValues);
//!
//! let example = found.layout.read(&row)?.example;
//! let triple = Layout::usual(Shape::Triple).write(&example)?;
//! let expected = json!({"question": "May I?", "chosen": "You may.", "rejected": "Never!", "pos_type": "polite"});
//! assert_eq!((Value::Object(triple.row), triple.lost.len()), (expected, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod answers;
mod convert;
mod dataset_info;
mod fault;
mod implicit;
mod layout;
mod recognise;
mod rule;
mod shape;
mod slips;
mod tags;
mod unpaired;
mod verdict;

pub use convert::{
    Converted, Paired, PromptForm, convert, is_convertible, pair_of, pair_up, pairing_key,
    prompt_form, solved, with_prompt_form,
};
pub use dataset_info::{DatasetEntry, DatasetInfo, DatasetInfoError, Formatting};
pub use fault::RowFault;
pub use layout::{BORDER, Layout, LayoutError, Read, Written};
pub use recognise::{Declared, RecogniseError, Recognised};
pub use rule::{
    ClassPairs, LowerRule, PairingRule, PairingRuleError, SymmetricRule, class_pairs,
    pairs_of_class,
};
pub use shape::{Part, Shape};
pub use tags::Tags;
pub use unpaired::unpair;
