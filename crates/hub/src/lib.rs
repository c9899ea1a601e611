//! Files of the Hugging Face hub by name, in the cache that Python's `huggingface_hub` uses.
//!
//! [`HubName`] is `owner/name@revision`. With the feature `fetch`, `Hub` says where the hub and its cache are, and
//! `Repository` has the files of one name, all of one commit: from the cache, or fetched into it.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "fetch")]
mod checksum;
#[cfg(feature = "fetch")]
mod data;
mod error;
mod name;
#[cfg(feature = "fetch")]
mod repository;
#[cfg(feature = "fetch")]
mod variables;

pub use error::HubError;
pub use name::{HubName, HubPath};

#[cfg(feature = "fetch")]
pub use data::{DataSet, FetchedFile};
#[cfg(feature = "fetch")]
pub use repository::{Kind, Repository};
#[cfg(feature = "fetch")]
pub use variables::Hub;
