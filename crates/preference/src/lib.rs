//! Records into pairs of a better and a worse completion, and the shapes that other programs keep them in.
//!
//! - [`PairingRule`] makes a wrong class beside a true one; [`class_pairs`] makes pairs of them.
//! - [`PairShape`] and [`UnpairedShape`] read and write rows as TRL, LLaMA-Factory, `CValues` and plain triples hold them.
//! - [`unpair`] makes single labelled completions of pairs.
//!
//! Nothing here reads files: a row is a JSON object, wherever it came from.
//!
//! ```
//! use forethought_preference::PairShape;
//! use serde_json::json;
//!
//! let row = json!({"prompt": "May I?", "pos_resp": "You may.", "neg_resp": "Never!", "pos_type": "polite"});
//! let pair = PairShape::CValues.read(&row)?;
//! assert_eq!(pair.rejected, "Never!");
//! let triple = PairShape::Triple.write(&pair)?;
//! assert_eq!(triple, json!({"question": "May I?", "chosen": "You may.", "rejected": "Never!"}));
//! # Ok::<(), forethought_preference::RowFault>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod fault;
mod rule;
mod shape;
mod unpaired;

pub use fault::RowFault;
pub use rule::{ClassPairs, LowerRule, PairingRule, PairingRuleError, SymmetricRule, class_pairs};
pub use shape::{PairShape, UnpairedShape};
pub use unpaired::unpair;
