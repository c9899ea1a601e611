//! Chats into token ids and completion masks.
//!
//! An [`Encoder`] is the tokenizer of a model folder: its vocabulary, its chat template and the tokens that end a
//! turn, as transformers reads them from `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja` and
//! `generation_config.json`. [`train_bpe`] makes one from texts.
//!
//! ```
//! use forethought_schema::{Message, Role};
//! use forethought_tokenize::{BpeConfig, Ending, Prompt, train_bpe};
//!
//! let texts = ["How long will you think about 3 + 4?", "How long will you think about 12 + 30?"];
//! let encoder = train_bpe(&texts, &BpeConfig::new(300))?;
//! let question = [Message::new(Role::User, "How long about 3 + 4?")];
//! let encoded = encoder.encode_prompt_completion(Prompt::Chat(&question), "7", Ending::AtEos)?;
//! // Learnt are the answer and the token that ends the turn.
//! assert_eq!(encoded.completion_mask.iter().filter(|is_learnt| **is_learnt).count(), 2);
//! assert_eq!(encoder.decode_with_specials(&encoded.ids[encoded.completion_start()..])?, "7<|im_end|>");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bpe;
mod counter;
mod encoded;
mod encoder;
mod error;
mod folder;
mod marks;
mod overflow;
mod panics;
mod patterns;
mod python;
mod records;
mod specials;
mod stop;
mod template;
mod turns;

pub use bpe::{BpeConfig, BpeError, train_bpe, train_bpe_while};
pub use encoded::{Boundary, Encoded, Ending, Prompt};
pub use encoder::Encoder;
pub use error::TokenizeError;
pub use overflow::{Fitted, Overflow, TooLong, fit};
pub use stop::StopStrings;
pub use template::{ChatTemplate, Conversation, GenerationPrompt, Marked, TemplateError};
pub use turns::EncodedChat;
