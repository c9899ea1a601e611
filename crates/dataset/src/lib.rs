//! Files into records with a ledger of every row's fate; classes, balance and splits.

mod error;
mod parquet_file;
mod table;

pub use error::DatasetError;
pub use table::{Column, ColumnType, Table};
