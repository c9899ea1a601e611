//! Text into conditions, by the grammar of SQL.

use sqlparser::ast::{
    BinaryOperator, Expr, Function as SqlFunction, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::evaluate::Datum;
use super::{Arithmetic, Case, Comparison, Function, Node};

type Parsed = Result<Node, String>;

/// Reads one expression and nothing after it.
pub(super) fn parse(expression: &str) -> Parsed {
    let dialect = GenericDialect {};
    let parser = Parser::new(&dialect).try_with_sql(expression);
    let mut parser = parser.map_err(|error| plain(&error.to_string()))?;
    let parsed = parser.parse_expr().map_err(|error| plain(&error.to_string()))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        return Err(format!("`{rest}` stands after the condition"));
    }
    node(&parsed)
}

/// The message without the name of its kind.
fn plain(message: &str) -> String {
    let (_, text) = message.split_once("error: ").unwrap_or(("", message));
    text.to_owned()
}

fn boxed(expr: &Expr) -> Result<Box<Node>, String> {
    node(expr).map(Box::new)
}

fn node(expr: &Expr) -> Parsed {
    let with_not = |is_negated: bool, node: Node| if is_negated { not(node) } else { node };
    match expr {
        Expr::Identifier(Ident { value, .. }) => Ok(Node::Column(value.clone())),
        Expr::Nested(inner) => node(inner),
        Expr::Value(value) => literal(&value.value),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(Node::Not(boxed(expr)?)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => Ok(Node::Negative(boxed(expr)?)),
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => node(expr),
        Expr::BinaryOp { left, op, right } => binary(op, boxed(left)?, boxed(right)?),
        Expr::IsNull(inner) => Ok(Node::IsNull(boxed(inner)?)),
        Expr::IsNotNull(inner) => Ok(not(Node::IsNull(boxed(inner)?))),
        Expr::InList { expr, list, negated } => {
            let list = list.iter().map(node).collect::<Result<_, _>>()?;
            Ok(with_not(*negated, Node::In(boxed(expr)?, list)))
        }
        Expr::Between { expr, negated, low, high } => {
            let at_least = Node::Compare(Comparison::LessOrEqual, boxed(low)?, boxed(expr)?);
            let at_most = Node::Compare(Comparison::LessOrEqual, boxed(expr)?, boxed(high)?);
            Ok(with_not(*negated, Node::And(Box::new(at_least), Box::new(at_most))))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            Ok(with_not(*negated, Node::Like(Case::Matters, boxed(expr)?, boxed(pattern)?)))
        }
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            Ok(with_not(*negated, Node::Like(Case::Ignored, boxed(expr)?, boxed(pattern)?)))
        }
        Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => {
            Ok(Node::Call(Function::Trim, vec![node(expr)?]))
        }
        Expr::Function(function) => call(function),
        other => Err(format!("`{other}` is not understood")),
    }
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

fn literal(value: &Value) -> Parsed {
    let datum = match value {
        Value::Number(text, _) => {
            Datum::Number(text.parse().map_err(|_| format!("`{text}` is no number"))?)
        }
        Value::SingleQuotedString(text) => Datum::Text(text.clone()),
        Value::Boolean(truth) => Datum::Flag(*truth),
        Value::Null => Datum::Null,
        other => return Err(format!("`{other}` is not understood")),
    };
    Ok(Node::Literal(datum))
}

fn binary(op: &BinaryOperator, left: Box<Node>, right: Box<Node>) -> Parsed {
    Ok(match op {
        BinaryOperator::And => Node::And(left, right),
        BinaryOperator::Or => Node::Or(left, right),
        BinaryOperator::Eq => Node::Compare(Comparison::Equal, left, right),
        BinaryOperator::NotEq => not(Node::Compare(Comparison::Equal, left, right)),
        BinaryOperator::Lt => Node::Compare(Comparison::Less, left, right),
        BinaryOperator::Gt => Node::Compare(Comparison::Less, right, left),
        BinaryOperator::LtEq => Node::Compare(Comparison::LessOrEqual, left, right),
        BinaryOperator::GtEq => Node::Compare(Comparison::LessOrEqual, right, left),
        BinaryOperator::Plus => Node::Arithmetic(Arithmetic::Plus, left, right),
        BinaryOperator::Minus => Node::Arithmetic(Arithmetic::Minus, left, right),
        BinaryOperator::Multiply => Node::Arithmetic(Arithmetic::Times, left, right),
        BinaryOperator::Divide => Node::Arithmetic(Arithmetic::Over, left, right),
        BinaryOperator::Modulo => Node::Arithmetic(Arithmetic::Remainder, left, right),
        other => return Err(format!("the operator `{other}` is not understood")),
    })
}

/// The functions by name, with how many arguments each takes.
const FUNCTIONS: [(&str, Function, Option<usize>); 10] = [
    ("length", Function::Length, Some(1)),
    ("lower", Function::Lower, Some(1)),
    ("upper", Function::Upper, Some(1)),
    ("trim", Function::Trim, Some(1)),
    ("abs", Function::Abs, Some(1)),
    ("coalesce", Function::Coalesce, None),
    ("contains", Function::Contains, Some(2)),
    ("starts_with", Function::StartsWith, Some(2)),
    ("ends_with", Function::EndsWith, Some(2)),
    ("array_length", Function::ArrayLength, Some(1)),
];

impl Function {
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS.iter().find(|(_, function, _)| *function == self).map_or("", |(name, ..)| name)
    }
}

fn call(function: &SqlFunction) -> Parsed {
    let name = function.name.to_string().to_lowercase();
    let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
    let Some((_, known, arity)) = known else {
        let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
        return Err(format!("no function `{name}`; there are: {}", names.join(", ")));
    };
    let is_plain = function.filter.is_none() && function.over.is_none();
    let FunctionArguments::List(list) = &function.args else {
        return Err(format!("`{function}` is not understood"));
    };
    if !is_plain || !list.clauses.is_empty() || list.duplicate_treatment.is_some() {
        return Err(format!("`{function}` is not understood"));
    }
    let argument = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => node(expr),
        other => Err(format!("`{other}` is not understood")),
    };
    let arguments = list.args.iter().map(argument).collect::<Result<Vec<_>, _>>()?;
    let (wanted, found) = (arity.unwrap_or(arguments.len().max(1)), arguments.len());
    if wanted != found {
        let plural = if wanted == 1 { "" } else { "s" };
        return Err(format!("{name} takes {wanted} argument{plural}, got {found}"));
    }
    Ok(Node::Call(*known, arguments))
}
