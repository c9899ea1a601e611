//! Text into expressions of polars that judge each row by itself.

use polars::polars_utils::idx_vec::UnitVec;
use polars::prelude::{DataType, Expr, Field, PolarsError, Schema, UnknownKind};
use polars::sql::{keywords, sql_expr};
use polars_plan::prelude::{
    AExpr, Arena, ExprToIRContext, IRAggExpr, Node, is_elementwise,
    is_inherently_nondeterministic_top_level, to_expr_ir,
};

use crate::error::{hint, nearest};
use crate::guard::caught;

/// What polars says, and before the name, of a function that it does not know.
const NO_FUNCTION: &str = "unsupported function '";
/// How polars says that the parser did not come through; why, it keeps to itself.
const NO_EXPRESSION: &str = "unable to parse ";

/// The expression, and the columns that it reads.
pub(super) fn parse(expression: &str) -> Result<(Expr, Vec<String>), String> {
    let parsed =
        caught(|| sql_expr(expression)).map_err(|panic| format!("polars fails: {panic}"))?;
    let expr = parsed.map_err(|error| in_words(&error))?;
    if let Expr::Alias(_, name) = &expr {
        return Err(format!("`{name}` stands behind the condition"));
    }
    let mut columns: Vec<String> = Vec::new();
    for part in &expr {
        match part {
            Expr::Column(name) if !columns.iter().any(|known| known == name.as_str()) => {
                columns.push(name.to_string());
            }
            Expr::Selector(_) => return Err("it names columns by a pattern; name each".to_owned()),
            Expr::SubPlan(..) => return Err("a query within a condition is not read".to_owned()),
            _ => {}
        }
    }
    if columns.is_empty() {
        return Err("it names no column, so that it says the same of every row".to_owned());
    }
    require_rows_apart(&expr, &columns)?;
    Ok((expr, columns))
}

/// An error if the value for one row depends on other rows: verdicts would depend on which rows are judged together.
fn require_rows_apart(expr: &Expr, columns: &[String]) -> Result<(), String> {
    let field =
        |name: &String| Field::new(name.as_str().into(), DataType::Unknown(UnknownKind::Any));
    let schema: Schema = columns.iter().map(field).collect();
    let mut arena = Arena::new();
    let mut context = ExprToIRContext::new_no_verification(&mut arena, &schema);
    let root = to_expr_ir(expr.clone(), &mut context).map_err(|error| plain(&error))?;
    let mut nodes = vec![root.node()];
    while let Some(node) = nodes.pop() {
        let part = arena.get(node);
        if is_list_of_literals(part, &arena) {
            continue;
        }
        let mut inputs = UnitVec::new();
        let is_apart = is_elementwise(&mut inputs, part, &arena);
        if !is_apart || is_inherently_nondeterministic_top_level(part) {
            return Err(format!(
                "{} depends on other rows, but each row is judged by itself",
                named(part)
            ));
        }
        nodes.extend(inputs.iter().copied());
    }
    Ok(())
}

/// `(1, 2)` behind `IN`: it looks like an aggregate, but of what stands in the expression.
fn is_list_of_literals(part: &AExpr, arena: &Arena<AExpr>) -> bool {
    let is_literal = |node: &Node| matches!(arena.get(*node), AExpr::Literal(_));
    matches!(part, AExpr::Agg(IRAggExpr::Implode { input, .. }) if is_literal(input))
}

fn named(part: &AExpr) -> String {
    match part {
        AExpr::Agg(_) | AExpr::AnonymousAgg { .. } => "an aggregate".to_owned(),
        AExpr::Len => "the number of rows".to_owned(),
        AExpr::Over { .. } => "a window (`OVER`)".to_owned(),
        AExpr::Filter { .. } => "`FILTER`".to_owned(),
        AExpr::Function { function, .. } => format!("`{function}`"),
        _ => "a part of it".to_owned(),
    }
}

/// What polars says of an expression that it does not read.
fn in_words(error: &PolarsError) -> String {
    let message = plain(error);
    if message.starts_with(NO_EXPRESSION) {
        return "it is no expression of SQL".to_owned();
    }
    let function = message.strip_prefix(NO_FUNCTION).and_then(|rest| rest.strip_suffix('\''));
    let Some(name) = function else { return message };
    let advice = match name.to_lowercase().as_str() {
        "contains" => "; write `strpos(text, part) > 0`".to_owned(),
        name => hint(nearest(name, keywords::all_functions()).as_deref()),
    };
    format!("no function `{name}`{advice}")
}

/// The message without the plan that polars shows behind it.
pub(super) fn plain(error: &PolarsError) -> String {
    let text = error.to_string();
    text.split("\n\n").next().unwrap_or_default().trim().to_owned()
}
