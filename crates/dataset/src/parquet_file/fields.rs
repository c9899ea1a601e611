//! What the columns of a parquet file hold, as its own types and the schema that its writer left say.

use polars_arrow::datatypes::{ArrowDataType, ExtensionType, Field, TimeUnit};
use polars_parquet::read::schema::parquet_to_arrow_schema;
use polars_parquet::read::{
    FileMetadata, ParquetTimeUnit, PhysicalType, PrimitiveConvertedType, PrimitiveLogicalType,
    infer_schema,
};

use crate::guard::guarded;
use crate::rows::{INTERVAL, JSON, UUID};

/// How a leaf of the file is stored, and what it is said to hold.
struct Leaf {
    physical: PhysicalType,
    logical: Option<PrimitiveLogicalType>,
    converted: Option<PrimitiveConvertedType>,
}

/// The columns, each with what its values are.
///
/// A writer may leave Arrow's schema in the file. It says more than parquet's types (whether a list has a fixed length, which
/// clock a moment is shown on), but not how the values are stored: seconds of a time, for one, are stored as milliseconds.
pub(super) fn fields(metadata: &FileMetadata) -> Result<Vec<Field>, String> {
    let stored = parquet_to_arrow_schema(metadata.schema().fields());
    // A schema that names what polars does not know is no reason to refuse what parquet's own types tell.
    let told = guarded(|| infer_schema(metadata)).unwrap_or_default();
    let mut fields: Vec<Field> = Vec::new();
    for group in metadata.schema().fields() {
        let name = group.name();
        if fields.iter().any(|field| field.name.as_str() == name) {
            return Err(format!("it has two columns `{name}`"));
        }
        // A group without columns has no values.
        let Some(plain) = stored.get(name) else { continue };
        let leaves = || {
            let columns = metadata.schema().columns().iter();
            let of_it = columns.filter(|column| column.path_in_schema[0].as_str() == name);
            of_it.map(|column| Leaf {
                physical: column.descriptor.primitive_type.physical_type,
                logical: column.descriptor.primitive_type.logical_type,
                converted: column.descriptor.primitive_type.converted_type,
            })
        };
        let refined = |field: &Field| {
            let mut leaves = leaves();
            let of = refined(field.dtype.clone(), &mut leaves)?;
            leaves.next().is_none().then(|| field.with_dtype(of))
        };
        let field = told.get(name).and_then(refined).or_else(|| refined(plain));
        fields.push(field.ok_or_else(|| format!("the types of column `{name}` do not agree"))?);
    }
    Ok(fields)
}

/// A type with what its leaves are said to hold; nothing where it has other leaves than the file.
fn refined(of: ArrowDataType, leaves: &mut impl Iterator<Item = Leaf>) -> Option<ArrowDataType> {
    use ArrowDataType as D;
    let mut within = |field: Box<Field>| {
        let of = refined(field.dtype.clone(), leaves)?;
        Some(Box::new(field.with_dtype(of)))
    };
    Some(match of {
        D::List(item) | D::LargeList(item) | D::Map(item, _) => D::LargeList(within(item)?),
        D::FixedSizeList(item, width) => D::FixedSizeList(within(item)?, width),
        D::Struct(fields) if !fields.is_empty() => {
            let fields = fields.into_iter().map(|field| within(Box::new(field)).map(|one| *one));
            D::Struct(fields.collect::<Option<_>>()?)
        }
        D::Dictionary(_, values, _) => refined(*values, leaves)?,
        D::Extension(extension) => {
            let inner = match refined(extension.inner.clone(), leaves)? {
                D::Extension(inner) => inner.inner,
                inner => inner,
            };
            D::Extension(Box::new(ExtensionType { inner, ..*extension }))
        }
        leaf => of_leaf(leaf, &leaves.next()?),
    })
}

fn of_leaf(told: ArrowDataType, leaf: &Leaf) -> ArrowDataType {
    use ArrowDataType as D;
    use PrimitiveLogicalType as Logical;
    let is_json = leaf.converted == Some(PrimitiveConvertedType::Json);
    let is_interval = leaf.converted == Some(PrimitiveConvertedType::Interval);
    match (told, leaf.logical, leaf.physical) {
        (text, Some(Logical::Json), _) => named(JSON, text),
        (text, None, PhysicalType::ByteArray) if is_json => named(JSON, text),
        (D::FixedSizeBinary(16), Some(Logical::Uuid), _) => named(UUID, D::FixedSizeBinary(16)),
        (D::FixedSizeBinary(2), Some(Logical::Float16), _) => D::Float16,
        (D::Interval(_), None, PhysicalType::FixedLenByteArray(12)) if is_interval => {
            named(INTERVAL, D::FixedSizeBinary(12))
        }
        (D::Time32(_) | D::Time64(_), Some(Logical::Time { unit, .. }), _) => match unit {
            ParquetTimeUnit::Milliseconds => D::Time32(TimeUnit::Millisecond),
            ParquetTimeUnit::Microseconds => D::Time64(TimeUnit::Microsecond),
            ParquetTimeUnit::Nanoseconds => D::Time64(TimeUnit::Nanosecond),
        },
        (D::Decimal(precision, scale), _, PhysicalType::FixedLenByteArray(17..)) => {
            D::Decimal256(precision, scale)
        }
        (told, ..) => told,
    }
}

fn named(name: &'static str, inner: ArrowDataType) -> ArrowDataType {
    let extension = ExtensionType { name: name.into(), inner, metadata: None };
    ArrowDataType::Extension(Box::new(extension))
}
