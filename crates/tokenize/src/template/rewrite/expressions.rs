//! Expressions of a template written again: each so that a filter, an attribute or a call may follow it.

use minijinja::Value;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, Compare, CompareOpKind, Expr, Filter, Slice, UnaryOpKind,
};
use minijinja::value::ValueKind;

use super::super::operators::{FLAT, JOINED, KEPT, READ, TIMES, TOUCHED};
use super::{Writer, Written};

impl Writer<'_> {
    pub(super) fn expression(&mut self, expression: &Expr<'_>) -> Written {
        self.go_to(expression.span());
        match expression {
            Expr::Var(variable) => self.put(variable.id),
            Expr::Const(constant) => self.constant(&constant.value),
            Expr::GetAttr(attribute) => {
                self.expression(&attribute.expr)?;
                self.put(".");
                self.put(attribute.name);
            }
            Expr::GetItem(item) => {
                let is_name = matches!(&item.subscript_expr, Expr::Const(name) if name.value.as_str().is_some());
                if is_name {
                    self.expression(&item.expr)?;
                } else {
                    self.guarded(&item.expr, TOUCHED)?;
                }
                self.put("[");
                self.expression(&item.subscript_expr)?;
                self.put("]");
            }
            Expr::Call(call) => return self.called(call),
            _ => {
                self.put("(");
                self.compound(expression)?;
                self.put(")");
            }
        }
        Ok(())
    }

    fn compound(&mut self, expression: &Expr<'_>) -> Written {
        match expression {
            Expr::UnaryOp(operation) => {
                self.put(match operation.op {
                    UnaryOpKind::Not => "not ",
                    UnaryOpKind::Neg => "-",
                });
                self.expression(&operation.expr)
            }
            Expr::BinOp(operation) => self.operation(operation),
            Expr::Compare(compare) => self.compare(compare),
            Expr::IfExpr(choice) => {
                self.expression(&choice.true_expr)?;
                self.put(" if ");
                self.expression(&choice.test_expr)?;
                choice.false_expr.as_ref().map_or(Ok(()), |other| {
                    self.put(" else ");
                    self.expression(other)
                })
            }
            Expr::Filter(_) => self.filters(expression),
            Expr::Test(test) => {
                self.expression(&test.expr)?;
                self.put(" is ");
                self.put(test.name);
                if test.args.is_empty() { Ok(()) } else { self.arguments(&test.args) }
            }
            Expr::Slice(slice) => self.slice(slice),
            Expr::List(list) => self.kept(&list.items, ["[", "]"]),
            Expr::Tuple(tuple) => self.kept(&tuple.items, ["(", ")"]),
            Expr::Map(map) => {
                self.put("{");
                for (key, value) in map.keys.iter().zip(&map.values) {
                    self.expression(key)?;
                    self.put(": ");
                    self.expression(value)?;
                    self.put(", ");
                }
                self.put("}|");
                self.put(KEPT);
                Ok(())
            }
            simple => self.expression(simple),
        }
    }

    /// An expression with a filter behind it that pays for its use.
    pub(super) fn guarded(&mut self, expression: &Expr<'_>, guard: &str) -> Written {
        self.put("(");
        self.expression(expression)?;
        self.put("|");
        self.put(guard);
        self.put(")");
        Ok(())
    }

    /// A list, or a tuple: the comma behind the last item makes it one.
    fn kept(&mut self, items: &[Expr<'_>], [open, close]: [&str; 2]) -> Written {
        self.put(open);
        for item in items {
            self.expression(item)?;
            self.put(", ");
        }
        self.put(close);
        self.put("|");
        self.put(KEPT);
        Ok(())
    }

    fn operation(&mut self, operation: &BinOp<'_>) -> Written {
        let (left, right) = (&operation.left, &operation.right);
        let sign = match operation.op {
            BinOpKind::Concat => return self.concatenation(operation),
            BinOpKind::Mul => return self.filtered(left, TIMES, &[right]),
            BinOpKind::Eq => return self.comparison(left, "==", right),
            BinOpKind::Ne => return self.comparison(left, "!=", right),
            BinOpKind::Lt => return self.comparison(left, "<", right),
            BinOpKind::Lte => return self.comparison(left, "<=", right),
            BinOpKind::Gt => return self.comparison(left, ">", right),
            BinOpKind::Gte => return self.comparison(left, ">=", right),
            BinOpKind::In => return self.comparison(left, "in", right),
            BinOpKind::ScAnd => "and",
            BinOpKind::ScOr => "or",
            BinOpKind::Add => {
                self.put("(");
                self.between(left, "+", right)?;
                self.put(")|");
                self.put(FLAT);
                return Ok(());
            }
            BinOpKind::Sub => "-",
            BinOpKind::Div => "/",
            BinOpKind::FloorDiv => "//",
            BinOpKind::Rem => "%",
            BinOpKind::Pow => "**",
        };
        self.between(left, sign, right)
    }

    fn between(&mut self, left: &Expr<'_>, sign: &str, right: &Expr<'_>) -> Written {
        self.expression(left)?;
        self.sign(sign);
        self.expression(right)
    }

    fn sign(&mut self, sign: &str) {
        self.put(" ");
        self.put(sign);
        self.put(" ");
    }

    /// `a ~ b ~ c` is one filter of three, so that many operands do not nest.
    fn concatenation(&mut self, operation: &BinOp<'_>) -> Written {
        let mut operands = vec![&operation.right];
        let mut left = &operation.left;
        while let Expr::BinOp(inner) = left
            && matches!(inner.op, BinOpKind::Concat)
        {
            operands.push(&inner.right);
            left = &inner.left;
        }
        operands.reverse();
        self.filtered(left, JOINED, &operands)
    }

    fn filtered(&mut self, value: &Expr<'_>, filter: &str, given: &[&Expr<'_>]) -> Written {
        self.expression(value)?;
        self.put("|");
        self.put(filter);
        self.put("(");
        for argument in given {
            self.expression(argument)?;
            self.put(", ");
        }
        self.put(")");
        Ok(())
    }

    /// Comparing with a constant takes as long as the constant is, whatever the other side; searching in something does not.
    fn comparison(&mut self, left: &Expr<'_>, sign: &str, right: &Expr<'_>) -> Written {
        let is_constant = [left, right].iter().any(|side| matches!(side, Expr::Const(_)));
        if is_constant && sign != "in" {
            return self.between(left, sign, right);
        }
        self.compared(left)?;
        self.sign(sign);
        self.compared(right)
    }

    fn compare(&mut self, compare: &Compare<'_>) -> Written {
        self.compared(&compare.expr)?;
        for next in &compare.ops {
            self.sign(match next.op {
                CompareOpKind::Eq => "==",
                CompareOpKind::Ne => "!=",
                CompareOpKind::Lt => "<",
                CompareOpKind::Lte => "<=",
                CompareOpKind::Gt => ">",
                CompareOpKind::Gte => ">=",
                CompareOpKind::In => "in",
                CompareOpKind::NotIn => "not in",
            });
            self.compared(&next.expr)?;
        }
        Ok(())
    }

    /// What is compared is read; a constant is no longer than the source.
    fn compared(&mut self, operand: &Expr<'_>) -> Written {
        if matches!(operand, Expr::Const(_)) {
            self.expression(operand)
        } else {
            self.guarded(operand, READ)
        }
    }

    fn slice(&mut self, slice: &Slice<'_>) -> Written {
        self.guarded(&slice.expr, TOUCHED)?;
        self.put("[");
        for (index, part) in [&slice.start, &slice.stop, &slice.step].into_iter().enumerate() {
            self.put(if index > 0 { ":" } else { "" });
            if let Some(part) = part {
                self.expression(part)?;
            }
        }
        self.put("]|");
        self.put(FLAT);
        Ok(())
    }

    /// A chain of filters, with what it filters unless that is the body of a block.
    pub(super) fn filters(&mut self, chain: &Expr<'_>) -> Written {
        let mut filters: Vec<&Filter<'_>> = Vec::new();
        let mut inner = Some(chain);
        while let Some(Expr::Filter(filter)) = inner {
            filters.push(filter);
            inner = filter.expr.as_ref();
        }
        if let Some(inner) = inner {
            self.expression(inner)?;
            self.put("|");
        }
        for (index, filter) in filters.iter().rev().enumerate() {
            self.put(if index > 0 { "|" } else { "" });
            self.put(filter.name);
            if !filter.args.is_empty() {
                self.arguments(&filter.args)?;
            }
        }
        Ok(())
    }

    /// A call within an expression. Methods pay by themselves, and a range is computed as it is walked over; a call of
    /// the loop must stay bare, for the engine knows it by its name.
    fn called(&mut self, call: &Call<'_>) -> Written {
        let is_plain = matches!(&call.expr, Expr::Var(name) if ["loop", "range"].contains(&name.id))
            || matches!(call.expr, Expr::GetAttr(_));
        if is_plain {
            return self.call(call);
        }
        self.put("(");
        self.call(call)?;
        self.put("|");
        self.put(KEPT);
        self.put(")");
        Ok(())
    }

    pub(super) fn call(&mut self, call: &Call<'_>) -> Written {
        self.expression(&call.expr)?;
        self.arguments(&call.args)
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Written {
        self.put("(");
        for (index, argument) in arguments.iter().enumerate() {
            self.put(if index > 0 { ", " } else { "" });
            match argument {
                CallArg::Pos(value) => self.expression(value)?,
                CallArg::Kwarg(name, value) => {
                    self.put(name);
                    self.put("=");
                    self.expression(value)?;
                }
                CallArg::PosSplat(values) => {
                    self.put("*");
                    self.guarded(values, KEPT)?;
                }
                CallArg::KwargSplat(values) => {
                    self.put("**");
                    self.guarded(values, KEPT)?;
                }
            }
        }
        self.put(")");
        Ok(())
    }

    fn constant(&mut self, value: &Value) {
        if let Some(text) = value.as_str() {
            self.string(text);
            return;
        }
        let text = match value.kind() {
            ValueKind::Number if !value.is_integer() => float(value),
            ValueKind::None => "none".to_owned(),
            ValueKind::Undefined => "undefined".to_owned(),
            _ => value.to_string(),
        };
        self.put(&text);
    }

    pub(super) fn string(&mut self, text: &str) {
        self.put("\"");
        for sign in text.chars() {
            match sign {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                sign => self.text.push(sign),
            }
        }
        self.put("\"");
    }
}

/// A number that reads as the same again; beyond every number is what the lexer takes for that.
fn float(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_finite() => format!("{number:?}"),
        _ => "1e999".to_owned(),
    }
}
