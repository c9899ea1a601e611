//! What polars would round, or compare with what it is not, without a word: such conditions are refused.

use polars::polars_utils::idx_vec::UnitVec;
use polars::prelude::{DataType, Expr, PolarsResult, Schema};
use polars_plan::prelude::{
    AExpr, Arena, ExprToIRContext, IR, IRPlan, Node, Operator, ToFieldContext, to_expr_ir,
};

use super::parse::plain;
use crate::table::Kind;

/// An error if an object or a list is compared with what is none.
pub(super) fn require_alike(expr: &Expr, schema: &Schema) -> Result<(), String> {
    let mut arena = Arena::new();
    let root = to_expr_ir(expr.clone(), &mut ExprToIRContext::new(&mut arena, schema));
    let mut nodes = vec![root.map_err(|error| plain(&error))?.node()];
    while let Some(node) = nodes.pop() {
        let part = arena.get(node);
        nodes.extend(inputs(part).iter().copied());
        let AExpr::BinaryExpr { left, op, right } = part else { continue };
        if !op.is_comparison() {
            continue;
        }
        let context = ToFieldContext::new(&arena, schema);
        let dtypes = dtype(&arena, *left, &context).and_then(|left| {
            let right = dtype(&arena, *right, &context)?;
            Ok((left, right))
        });
        let (left, right) = dtypes.map_err(|error| plain(&error))?;
        if left.is_nested() != right.is_nested() && !left.is_null() && !right.is_null() {
            let (left, right) = (in_words(&left), in_words(&right));
            return Err(format!(
                "{left} and {right} cannot be compared; name a field (`object.field`) or an item (`list[1]`) of it"
            ));
        }
    }
    Ok(())
}

fn dtype(arena: &Arena<AExpr>, node: Node, context: &ToFieldContext<'_>) -> PolarsResult<DataType> {
    arena.get(node).to_dtype(context)
}

/// What a value of this type is.
pub(super) fn in_words(dtype: &DataType) -> String {
    match dtype {
        DataType::Boolean => "true or false".to_owned(),
        DataType::String => "a text".to_owned(),
        DataType::List(_) => "a list".to_owned(),
        DataType::Struct(_) => "an object".to_owned(),
        dtype if dtype.is_numeric() => "a number".to_owned(),
        other => format!("of the type {other}"),
    }
}

fn inputs(part: &AExpr) -> UnitVec<Node> {
    let mut inputs = UnitVec::new();
    part.inputs_rev(&mut inputs);
    inputs
}

/// An error if the plan makes a float of an integer beyond 2^53, or calculates with it, where 64 bits may overflow.
pub(super) fn require_exact(plan: &IRPlan, kinds: &[(String, Kind)]) -> Result<(), String> {
    let wide = kinds.iter().filter_map(|(name, kind)| Some((name.as_str(), kind.beyond_floats()?)));
    let wide: Vec<(&str, i128)> = wide.collect();
    if wide.is_empty() {
        return Ok(());
    }
    let schema = kinds.iter().map(|(name, kind)| (name.as_str().into(), kind.dtype()));
    let walk = Walk { wide: &wide, arena: &plan.expr_arena, schema: &schema.collect() };
    if let IR::Select { expr, .. } = plan.root() {
        for root in expr {
            walk.wide_in(root.node())?;
        }
    }
    Ok(())
}

struct Walk<'a> {
    wide: &'a [(&'a str, i128)],
    arena: &'a Arena<AExpr>,
    schema: &'a Schema,
}

impl Walk<'_> {
    /// The column whose integers the value of a part may be, and one of them beyond 2^53.
    fn wide_in(&self, node: Node) -> Result<Option<(&str, i128)>, String> {
        let part = self.arena.get(node);
        if let AExpr::Column(name) = part {
            return Ok(self.wide.iter().find(|(wide, _)| name == wide).copied());
        }
        let context = ToFieldContext::new(self.arena, self.schema);
        let is_float = |part: &AExpr| {
            let dtype = part.to_dtype(&context).map_err(|error| plain(&error))?;
            Ok::<_, String>(dtype.leaf_dtype().is_float())
        };
        let (mut wide, mut meets_float) = (None, is_float(part)?);
        for input in inputs(part).iter() {
            wide = wide.or(self.wide_in(*input)?);
            meets_float |= is_float(self.arena.get(*input))?;
        }
        let Some((name, number)) = wide else { return Ok(None) };
        if is_calculated(part) || meets_float {
            return Err(format!(
                "`{name}` holds {number}, and beyond 2^53 whole numbers can be compared with whole numbers, but not with \
                 decimals, nor calculated with"
            ));
        }
        let dtype = part.to_dtype(&context).map_err(|error| plain(&error))?;
        Ok(may_hold_it(dtype.leaf_dtype()).then_some((name, number)))
    }
}

fn is_calculated(part: &AExpr) -> bool {
    use Operator::{Minus, Multiply, Plus, RustDivide, TrueDivide};
    matches!(part, AExpr::BinaryExpr { op: Plus | Minus | Multiply | RustDivide | TrueDivide, .. })
}

fn may_hold_it(dtype: &DataType) -> bool {
    matches!(dtype, DataType::Int64 | DataType::UInt64 | DataType::Struct(_))
}
