//! Decoder models over packed rows of tokens, their adapters, and Hugging Face folders.
//!
//! There is no batch dimension and no padding: a micro-batch is one list of tokens, hidden states are
//! `[token, hidden]`, and an [attention plan](forethought_kernels::AttentionPlan) says which tokens see which.
//! Sequences that begin alike share their beginning ([`pack`]), in training and in sampling alike.
//!
//! ```
//! use burn::tensor::Device;
//! use forethought_model::{Decoder, DecoderConfig, pack};
//! use forethought_seed::Seed;
//!
//! let config = DecoderConfig {
//!     vocab_size: 32,
//!     hidden_size: 16,
//!     intermediate_size: 32,
//!     num_hidden_layers: 2,
//!     num_attention_heads: 4,
//!     num_key_value_heads: 2,
//!     ..DecoderConfig::default()
//! };
//! let decoder = Decoder::init(&config, Seed::new(0), &Device::flex());
//! let packed = pack(&[&[5, 6, 7], &[5, 6, 8, 9]]); // tokens 5 and 6 are computed once
//! let hidden = decoder.forward(&packed.tokens, None); // [5, 16]
//! assert_eq!(decoder.logits(hidden).dims(), [5, 32]);
//! ```

mod adapter;
mod attach;
mod cache;
mod compare;
mod config;
mod decoder;
mod error;
mod family;
mod folder;
mod footprint;
mod freeze;
mod header;
mod hf_config;
mod hf_rope;
mod hub;
mod init;
mod layer;
mod linear;
mod lora;
mod packing;
mod parameters;
mod peft;
mod peft_config;
mod quantise;
mod reading;
mod rotary;
mod rows;
mod saving;
mod score_model;
mod scored;
mod shards;
mod staged;
mod statistics;
mod targets;
mod unsupported;
mod weight_type;
mod weights;

pub use cache::KvCache;
pub use compare::{LogitDifference, logit_difference};
pub use config::{ConfigError, DecoderConfig, RopeScaling};
pub use decoder::Decoder;
pub use error::{ModelError, TensorProblem};
pub use family::Family;
pub use folder::{LoadedModel, inspect, load, load_quantised, load_score_model};
pub use footprint::Footprint;
#[cfg(feature = "hub")]
pub use forethought_hub::Hub;
pub use forethought_hub::{HubError, HubName};
pub use forethought_kernels::{AttentionPlan, Quantisation, Segment, TokenScores};
pub use freeze::{FreezeConfig, FreezeError};
pub use hf_config::{read_config, write_config};
#[cfg(feature = "hub")]
pub use hub::fetch_model;
pub use hub::find_model;
pub use lora::{LoraConfig, LoraError, LoraScaling};
pub use packing::{Packed, PackedTokens, pack};
pub use peft::{load_adapter, load_score_adapter, save_adapter, save_score_adapter};
pub use rotary::Llama3Scaling;
pub use saving::{SaveOptions, export, save, save_score_model, save_with};
pub use score_model::ScoreModel;
pub use scored::ScoredRow;
pub use targets::TargetModules;
pub use weight_type::WeightType;

/// The example of the readme, compiled with the doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
