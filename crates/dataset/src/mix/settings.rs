//! The settings of a mix, alone and beside those of whoever makes one.

/// Makes a struct of settings that has those of a [`MixConfig`](crate::MixConfig), each under its own key, where `..` stands
/// among its own; a `MixConfig` is made of a reference to it. The crate that calls it needs `serde` and `schemars`.
///
/// `flatten` of serde would do that as well, at the price of the key and the line of every mistake in them.
///
/// ```
/// use forethought_dataset::{MixConfig, mix_settings};
///
/// mix_settings! {
///     /// Files, and how many of their rows are for validation.
///     pub struct Split {
///         ..
///         /// A share.
///         pub validation_ratio: f64,
///     }
/// }
/// let split: Split = serde_yaml::from_str("{sources: [{path: a.jsonl}], max_rows: 3, validation_ratio: 0.1}")?;
/// assert_eq!(MixConfig::from(&split).max_rows, Some(3));
/// assert!(serde_yaml::from_str::<Split>("{sources: [], max_row: 3, validation_ratio: 0.1}").is_err());
/// # Ok::<(), serde_yaml::Error>(())
/// ```
#[macro_export]
macro_rules! mix_settings {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $($(#[$before:meta])* pub $first:ident: $first_type:ty,)*
            ..
            $($(#[$after:meta])* pub $last:ident: $last_type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize, ::schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$before])* pub $first: $first_type,)*
            /// The files, each with the shape of its rows where the columns do not tell it. Where two sources hold the same,
            /// the earlier one keeps it.
            pub sources: Vec<$crate::Source>,
            /// At most so many rows of all sources. Default: no limit.
            #[serde(default)]
            pub max_rows: Option<usize>,
            /// Which rows count as the same and are taken once. Default: none.
            #[serde(default)]
            pub deduplicate: Option<$crate::Deduplicate>,
            /// The order of the rows. Default `as_read`.
            #[serde(default)]
            pub order: $crate::MixOrder,
            $($(#[$after])* pub $last: $last_type,)*
            /// What happens to a row that cannot be read: `skip` counts it in the ledger, `error` ends the reading. Default
            /// `skip`.
            #[serde(default)]
            pub on_bad_row: $crate::OnBadRow,
        }

        impl From<&$name> for $crate::MixConfig {
            fn from(settings: &$name) -> Self {
                Self {
                    sources: settings.sources.clone(),
                    max_rows: settings.max_rows,
                    deduplicate: settings.deduplicate.clone(),
                    order: settings.order,
                    on_bad_row: settings.on_bad_row,
                }
            }
        }
    };
}
